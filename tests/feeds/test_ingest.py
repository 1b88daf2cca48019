import json
import os

import pytest

from dsvc.errors import ConfigError, FeedError, PluginError, RecipeError, UserError
from dsvc.feeds.mongodb import MongodbFeed
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from tests.feeds.world import COLLECTIONS, MemoryFeed, World, fresh_root

IMAGES = """
[feed.images]
plugin  = "files"
path    = "images.jsonl"
pointer = "uri"
"""
LIVE = """
[feed.images]
plugin     = "memory"
collection = "images"
pointer    = "uri"
cursor     = "at"
"""
OUTPUTS = """
[feed.outputs]
plugin     = "memory"
collection = "outputs"
about      = { feed = "images", field = "image_id", key = "_id" }
cursor     = "_id"

[signal.spoof]
from    = "outputs"
only    = { worker = "spoof" }
value   = "output"
version = "v"
"""
SCORE = """
[signal.score]
from    = "images"
value   = "model.score"
version = "model.version"
"""


def image(number, **more):
    """Return a document of an image."""
    return {"_id": number, "uri": f"s3://b/{number}", "at": number, **more}


def output(number, image_id, value, **more):
    """Return a document of an output."""
    return {"_id": number, "image_id": image_id, "worker": "spoof", "output": value, "v": "1", **more}


@pytest.fixture
def world(tmp_path):
    """A repository without a recipe."""
    made = World(tmp_path / "repo")
    COLLECTIONS.clear()
    MemoryFeed.asked.clear()
    yield made
    made.repo.close()


class TestRecords:
    def test_documents_become_records(self, world):
        """A value is what stands at its path, a struct what stands at those of its fields."""
        world.recipe(IMAGES + SCORE + '[signal.capture]\nfrom = "images"\nfields = { who = "s.id", country = "c" }\n')
        world.write(
            images=[
                image(1, model={"score": 0.5, "version": "2.1"}, s={"id": 7}, c="DE"),
                image(2, s={"id": 8}),
                image(3, model={"score": None, "version": 3}),
            ]
        )
        report = world.ingest()

        assert {"s3://b/1": 0.5, "s3://b/3": None} == world.read("score")
        assert {
            "s3://b/1": {"country": "DE", "who": 7},
            "s3://b/2": {"country": None, "who": 8},
        } == world.read("capture")
        assert {f"s3://b/{i}": {"id": None} for i in (1, 2, 3)} == world.read("content")
        assert [("capture", 2, True), ("score", 2, True)] == [
            (signal.name, signal.added, signal.is_inferred) for signal in report.feeds[0].signals
        ]
        assert "struct<country: string, who: int64>" == report.feeds[0].signals[0].type

    def test_provenance_names_the_model_and_its_version(self, world):
        """The version is the text at its path, 0 without one; values with a version are a model's."""
        world.recipe(IMAGES + SCORE + '[signal.plain]\nfrom = "images"\nvalue = "n"\nproducer = "lab"\n')
        world.write(images=[image(1, n=1, model={"score": 1.0, "version": "2.1"}), image(2, model={"score": 2.0})])
        world.ingest()

        def made_by(signal, pointer):
            record = world.repo.record(signal, pointer, "@draft")
            return record.provenance.origin, record.provenance.producer, record.provenance.version

        assert ("model", "score", "2.1") == made_by("score", "s3://b/1")
        assert ("model", "score", "0") == made_by("score", "s3://b/2")
        assert ("import", "lab", "0") == made_by("plain", "s3://b/1")
        assert ("import", "content", "0") == made_by("content", "s3://b/1")

    def test_only_chooses_documents(self, world):
        """By text, number or truth value at a path; true is not 1."""
        world.recipe(IMAGES + '[signal.x]\nfrom = "images"\nvalue = "x"\nonly = { "k.a" = 1, ok = true }\n')
        world.write(
            images=[
                image(1, x=1, k={"a": 1}, ok=True),
                image(2, x=2, k={"a": 2}, ok=True),
                image(3, x=3, k={"a": 1}),
                image(4, x=4, k={"a": True}, ok=True),
                image(5, x=5, k={"a": 1.0}, ok=True),
            ]
        )
        world.ingest()

        assert {"s3://b/1": 1, "s3://b/5": 5} == world.read("x")

    def test_the_transform_hash_leaves_out_where_documents_come_from(self, world, tmp_path):
        """Feed name, plugin, path, filter, cursor, `only` and `accept` make no difference to a record."""
        section = '[signal.x]\nfrom = "F"\nvalue = "x"\n'
        world.recipe(IMAGES + section.replace("F", "images"))
        world.write(images=[image(1, x=1)])
        world.ingest()
        other = World(tmp_path / "other")
        COLLECTIONS["pictures"] = [image(1, x=1, kind="a"), image(2, kind="b")]
        other.recipe(
            LIVE.replace("images", "pictures").replace("cursor", 'filter = { kind = "a" }\ncursor')
            + section.replace("F", "pictures")
            + 'only = { kind = "a" }\naccept = "<5"\n'
        )
        other.ingest()

        assert world.root == other.root

    def test_fields_of_content_come_from_the_feed(self, world):
        """What is no time, size or identity there is null and counted; the source is there all the same."""
        world.recipe(IMAGES + 'content_id = "etag"\nsize = "n"\nmodified = "t"\n')
        world.write(
            images=[
                image(1, etag="a", n=5, t="2026-01-01T00:00:00Z"),
                image(2, etag=7, n=5.0, t="yesterday"),
                image(3, etag={"odd": 1}, n="large"),
            ]
        )
        report = world.ingest()
        content = world.read("content")

        assert {"s3://b/1": "a", "s3://b/2": "7", "s3://b/3": None} == {k: v["id"] for k, v in content.items()}
        assert [5, 5, None] == [value["size"] for value in content.values()]
        assert ["2026-01-01T00:00:00+00:00", None, None] == [
            v["modified"] and v["modified"].isoformat() for v in content.values()
        ]
        assert [
            ("etag is null in `content`: expected string", 1, "s3://b/3"),
            ("n is null in `content`: expected int64", 1, "s3://b/3"),
            ("t is null in `content`: expected timestamp(us, UTC)", 1, "s3://b/2"),
        ] == [(entry.why, entry.count, entry.example) for entry in report.feeds[0].unusable]

    def test_documents_without_a_pointer_are_counted(self, world):
        """With one of them to look at."""
        world.recipe(IMAGES)
        world.write(images=[image(1), {"uri": None}, {"uri": ""}, {"uri": "x" * 1101}, {}, {"uri": 5}])
        report = world.ingest()

        assert [("uri is no pointer", 5, "1")] == [(u.why, u.count, u.example) for u in report.feeds[0].unusable]
        assert ["s3://b/1"] == list(world.read("content"))


class TestSeveralDocuments:
    def test_the_last_document_of_a_source_counts(self, world):
        """By cursor, then by position; the others are counted."""
        world.recipe(IMAGES + 'cursor = "at"\n[signal.x]\nfrom = "images"\nvalue = "x"\n')
        world.write(
            images=[
                image(1, x="late", at=9),
                image(1, x="early", at=3),
                image(2, x="first", at=5),
                image(2, x="second", at=5),
                image(3, x="alone"),
            ]
        )
        report = world.ingest()

        assert {"s3://b/1": "late", "s3://b/2": "second", "s3://b/3": "alone"} == world.read("x")
        assert 2 == report.feeds[0].superseded

    def test_a_document_that_counts_and_has_no_value_takes_it_away(self, world):
        """Read at once or one after the other."""
        world.recipe(LIVE + SCORE)
        COLLECTIONS["images"] = [image(1, model={"score": 0.5})]
        world.ingest()
        COLLECTIONS["images"].append(image(1, _id=2, at=2))
        report = world.ingest()

        assert {} == world.read("score")
        assert 1 == report.feeds[0].signals[0].removed
        assert fresh_root(world.directory, world) == world.root

    def test_each_signal_of_a_feed_has_its_own_competition(self, world):
        """Documents that `only` leaves out stand in for nothing."""
        world.recipe(LIVE + OUTPUTS + OUTPUTS.partition("\n\n")[2].replace("spoof", "blur"))
        COLLECTIONS["images"] = [image(1)]
        COLLECTIONS["outputs"] = [
            output(1, 1, 0.1),
            output(2, 1, 0.2, v="2"),
            output(3, 1, 7, worker="blur"),
            output(4, 1, None, worker="other"),
        ]
        report = world.ingest()

        assert ({"s3://b/1": 0.2}, {"s3://b/1": 7}) == (world.read("spoof"), world.read("blur"))
        assert 1 == report.feeds[1].superseded


class TestHeld:
    def test_a_version_outside_accept_is_held(self, world):
        """Kept whole, counted, shown with the line that takes it in; and taken in by it."""
        world.recipe(IMAGES + SCORE + 'accept = ">=1.4,<3"\n')
        world.write(images=[image(i, model={"score": i / 2, "version": f"{i}.0"}) for i in range(1, 6)])
        (held,) = [world.ingest().feeds[0].signals[0].held]

        assert {"s3://b/2": 1.0} == world.read("score")
        assert (
            "held",
            {"version": "5.0", "why": 'version 5.0 is not in accept = ">=1.4,<3"', "value": 2.5},
        ) == world.waiting("score")["s3://b/5"]
        assert [("1.0", 1, 'accept = ">=1.0,<3"'), ("3.0", 1, 'accept = ">=1.4,<4"')] == [
            (entry.version, entry.count, entry.line) for entry in held
        ][:2]
        world.recipe(IMAGES + SCORE + 'accept = ">=1.4,<6"\n')
        report = world.ingest()
        assert (("meaning", 3), {"s3://b/1"}) == (
            (report.feeds[0].why, report.feeds[0].signals[0].added),
            set(world.waiting("score")),
        )

    def test_a_value_that_does_not_fit_is_held(self, world):
        """With what was expected and found, and where an adapter would go."""
        world.recipe(
            IMAGES + SCORE + 'type = "rating(5)"\nformats = { "<2" = "old:half" }\n',
            old="def half(n):\n    return n // 2\n",
        )
        world.write(
            images=[
                image(1, model={"score": 5, "version": "2"}),
                image(2, model={"score": 9, "version": "3"}),
                image(3, model={"score": "good", "version": "3"}),
                image(4, model={"score": 8, "version": "1.9"}),
            ]
        )
        (held,) = [world.ingest().feeds[0].signals[0].held]

        assert {"s3://b/1": 5, "s3://b/4": 4} == world.read("score")
        assert {"s3://b/2": 9, "s3://b/3": "good"} == {k: v[1]["value"] for k, v in world.waiting("score").items()}
        line = 'formats = { "==3" = "my_formats:to_today", "<2" = "old:half" }'
        assert [line, line] == [entry.line for entry in held]

    def test_a_failing_adapter_holds_the_value(self, world):
        """The others go on."""
        code = "def to_score(value):\n    return value['s']\n"
        world.recipe(IMAGES + SCORE + 'formats = { "*" = "old:to_score" }\n', old=code)
        world.write(images=[image(1, model={"score": {"s": 1.5}}), image(2, model={"score": {"t": 1}})])
        report = world.ingest()

        assert {"s3://b/1": 1.5} == world.read("score")
        assert "old:to_score failed on a struct: KeyError: 's'" == report.feeds[0].signals[0].held[0].why
        world.recipe(
            IMAGES + SCORE + 'formats = { "*" = "old:to_score" }\n', old=code.replace("['s']", ".get('s', 0.0)")
        )
        assert 1 == world.ingest().feeds[0].signals[0].added
        assert {} == world.waiting("score")

    def test_what_is_settled_is_held_no_more(self, world):
        """A later document of the source takes its place."""
        world.recipe(LIVE + SCORE + 'accept = "<2"\n')
        COLLECTIONS["images"] = [image(i, model={"score": 1.0, "version": "2"}) for i in (1, 2)]
        world.ingest()
        COLLECTIONS["images"].append(image(1, _id=3, at=3, model={"score": 2.0, "version": "1"}))
        world.ingest()

        assert ({"s3://b/1": 2.0}, ["s3://b/2"]) == (world.read("score"), list(world.waiting("score")))

    def test_a_held_document_takes_an_older_value_away(self, world):
        """The source has no current record; at once or one after the other."""
        world.recipe(LIVE + SCORE + 'accept = "<2"\n')
        COLLECTIONS["images"] = [image(1, model={"score": 1.0, "version": "1"})]
        world.ingest()
        COLLECTIONS["images"].append(image(1, _id=3, at=3, model={"score": 2.0, "version": "2"}))
        world.ingest()

        assert ({}, ["s3://b/1"]) == (world.read("score"), list(world.waiting("score")))
        assert fresh_root(world.directory, world) == world.root

    def test_an_encoded_image_is_held_without_its_value(self, world):
        """In values that fit, and in those that do not."""
        picture = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgH" * 4
        world.recipe(
            IMAGES
            + '[signal.t]\nfrom = "images"\nvalue = "t"\n[signal.n]\nfrom = "images"\ntype = "score"\nvalue = "t"\n'
        )
        world.write(images=[image(1, t=picture), image(2, t="text")])
        report = world.ingest()

        assert {"s3://b/2": "text"} == world.read("t")
        assert "value" not in world.waiting("t")["s3://b/1"][1]
        assert "/9j/" not in json.dumps([world.waiting("t"), world.waiting("n"), report.as_dict()])
        assert {"s3://b/1", "s3://b/2"} == set(world.waiting("n"))


class TestTypes:
    def test_a_found_type_stays_while_its_meaning_does(self, world):
        """A later document that does not fit is held; reading all anew finds the type anew."""
        world.recipe(LIVE + SCORE)
        COLLECTIONS["images"] = [image(1, model={"score": 1})]
        assert world.ingest().feeds[0].signals[0].is_inferred
        COLLECTIONS["images"].append(image(2, model={"score": 1.5}))
        later = world.ingest().feeds[0].signals[0]

        assert (False, "int64", 1) == (later.is_inferred, later.type, later.n_held)
        assert {"s3://b/1": 1} == world.read("score")
        full = world.ingest(full=True).feeds[0]
        assert ("asked", "float64", 0) == (full.why, full.signals[0].type, full.signals[0].n_held)
        assert fresh_root(world.directory, world) == world.root

    def test_a_type_of_which_nothing_is_known_yet_grows(self, world):
        """Empty lists and nulls decide nothing."""
        world.recipe(LIVE + SCORE)
        COLLECTIONS["images"] = [image(1, model={"score": []}), image(2, model={"score": None})]
        world.ingest()
        COLLECTIONS["images"].append(image(3, model={"score": [{"x": 1}]}))
        report = world.ingest().feeds[0].signals[0]

        assert ("list<struct<x: int64>>", 0) == (report.type, report.n_held)
        assert {"s3://b/1": [], "s3://b/2": None, "s3://b/3": [{"x": 1}]} == world.read("score")
        assert fresh_root(world.directory, world) == world.root

    def test_a_signal_that_lost_its_records_has_the_type_of_all_documents(self, world):
        """Not of those alone that come next."""
        world.recipe(LIVE + OUTPUTS)
        COLLECTIONS["images"] = [image(1, c="DE"), image(2, c="CH")]
        COLLECTIONS["outputs"] = [output(1, 1, None), output(2, 3, 0.5)]
        world.ingest()
        world.recipe(LIVE + 'filter = { c = "CH" }\n' + OUTPUTS)
        world.ingest()
        assert {} == world.read("spoof")
        world.recipe(LIVE + OUTPUTS)
        world.ingest()

        assert "double" == str(world.view.tree("spoof").type.arrow)
        assert fresh_root(world.directory, world) == world.root


class TestReadingAgain:
    def test_files_that_did_not_change_are_not_read(self, world):
        """And the draft stays as it is."""
        world.recipe(IMAGES + SCORE)
        world.write(images=[image(1, model={"score": 0.5})])
        world.ingest()
        view = world.view
        report = world.ingest()

        assert (("nothing", 0), True) == ((report.feeds[0].read, report.feeds[0].documents), report.is_unchanged)
        assert (view.root_id, view.state_id) == (world.view.root_id, world.view.state_id)
        assert 1 == sum(operation.command == "ingest" for operation in world.repo.operations())

    def test_changed_files_replace_what_they_gave(self, world):
        """What is no longer in them is no more."""
        world.recipe(IMAGES + SCORE)
        world.write(images=[image(i, model={"score": 0.5 * i}) for i in range(5)])
        world.ingest()
        world.write(images=[image(i, model={"score": 0.5 * i}) for i in range(1, 4)] + [image(4), image(9)])
        os.utime(world.directory / "images.jsonl", ns=(1, 1))
        report = world.ingest().feeds[0]

        assert ("all", "changed", 2) == (report.read, report.why, report.signals[0].removed)
        assert {f"s3://b/{i}" for i in (1, 2, 3, 4, 9)} == set(world.read("content"))
        assert {"s3://b/1": 0.5, "s3://b/2": 1.0, "s3://b/3": 1.5} == world.read("score")

    def test_a_cursor_reads_only_what_came(self, world):
        """From the last value on; what was there stays."""
        world.recipe(LIVE + SCORE)
        COLLECTIONS["images"] = [image(i, model={"score": 0.5}) for i in range(5)]
        world.ingest()
        COLLECTIONS["images"].append(image(7, model={"score": 0.75}))
        report = world.ingest()

        assert [("read", "images", None), ("read", "images", b"4")] == MemoryFeed.asked
        assert ("since", 2, 1) == (
            report.feeds[0].read,
            report.feeds[0].documents,
            report.feeds[0].signals[0].added,
        )
        assert 6 == world.view.state.feeds[0].documents
        assert 6 == len(world.read("score"))

    def test_a_new_signal_reads_all_and_the_others_go_on(self, world):
        """What was edited alone is read anew."""
        world.recipe(LIVE + SCORE)
        COLLECTIONS["images"] = [image(i, model={"score": 0.5}, n=i) for i in range(3)]
        world.ingest()
        world.recipe(LIVE + SCORE + '[signal.n]\nfrom = "images"\nvalue = "n"\n')
        MemoryFeed.asked.clear()
        report = world.ingest().feeds[0]

        assert [("read", "images", None), ("read", "images", b"2")] == MemoryFeed.asked
        assert [("n", 3), ("score", 0)] == [(signal.name, signal.added) for signal in report.signals]
        assert fresh_root(world.directory, world) == world.root

    def test_a_new_filter_reads_all(self, world):
        """Sources that it leaves out are no more."""
        world.recipe(LIVE + SCORE)
        COLLECTIONS["images"] = [image(i, model={"score": 0.5}, c="DE" if i else "CH") for i in range(3)]
        world.ingest()
        world.recipe(LIVE + 'filter = { c = "DE" }\n' + SCORE)
        report = world.ingest().feeds[0]

        assert ("all", "meaning") == (report.read, report.why)
        assert ["s3://b/1", "s3://b/2"] == list(world.read("score")) == list(world.read("content"))

    def test_what_leaves_the_recipe_leaves_the_draft(self, world):
        """Signals, and the sources of a feed."""
        world.recipe(IMAGES + SCORE)
        world.write(images=[image(1, model={"score": 0.5})])
        world.ingest()
        world.recipe(IMAGES)
        report = world.ingest()
        assert (("score",), {"content"}) == (report.removed_signals, set(world.view.signals))
        world.recipe("")
        world.ingest()
        assert {} == dict(world.view.signals)

    def test_a_failing_feed_leaves_everything_as_it_was(self, world):
        """Also what other feeds gave before it failed."""
        world.recipe(IMAGES + SCORE + IMAGES.replace("images", "more"))
        world.write(images=[image(1, model={"score": 0.5})], more=[])
        world.ingest()
        before = world.view.root_id
        world.write(images=[image(2)])
        (world.directory / "more.jsonl").write_text("{")

        with pytest.raises(FeedError, match=r"feed 'more': cannot read more\.jsonl: line 1"):
            world.ingest()
        assert before == world.view.root_id

    def test_another_writer_does_not_make_feeds_be_read_again(self, world, monkeypatch):
        """An edit of another signal in between is kept, and the feeds are read once."""
        world.recipe(LIVE + SCORE)
        COLLECTIONS["images"] = [image(1, model={"score": 0.5})]

        def progress(*_):
            if "other" not in world.view.signals:
                world.repo.put("other", {"source": ["s3://b/1"], "other": [1]}, producer="me@1")

        monkeypatch.setattr(World, "ingest", World.ingest)
        import pyarrow as pa

        put = world.repo.put
        monkeypatch.setattr(world.repo, "put", lambda signal, data, **o: put(signal, pa.table(data), **o))
        world.ingest(progress=progress)

        assert [("read", "images", None)] == MemoryFeed.asked
        assert {"content", "other", "score"} == set(world.view.signals)


class TestSeveralFeeds:
    TWO = IMAGES + IMAGES.replace("images", "more")

    def test_sources_are_the_union_of_feeds(self, world):
        """One of two feeds that changes touches only what it gave."""
        world.recipe(self.TWO)
        world.write(images=[image(1), image(2)], more=[image(3), image(4)])
        world.ingest()
        world.write(more=[image(4), image(5)])
        report = world.ingest()

        assert [f"s3://b/{i}" for i in (1, 2, 4, 5)] == list(world.read("content"))
        assert ("nothing", "all", 0) == (report.feeds[0].read, report.feeds[1].read, report.shared)
        assert fresh_root(world.directory, world) == world.root

    def test_the_last_feed_says_what_a_shared_source_is(self, world):
        """And where it no longer gives it, the one before."""
        world.recipe(self.TWO.replace('pointer = "uri"', 'pointer = "uri"\ncontent_id = "e"'))
        world.write(images=[image(1, e="a"), image(2, e="a")], more=[image(2, e="b"), image(3, e="b")])
        report = world.ingest()
        assert ["a", "b", "b"] == [value["id"] for value in world.read("content").values()]
        assert 1 == report.shared
        world.write(more=[image(3, e="b"), image(4, e="b")])
        world.ingest()
        assert ["a", "a", "b", "b"] == [value["id"] for value in world.read("content").values()]
        assert fresh_root(world.directory, world) == world.root

    @pytest.mark.parametrize("edit", [IMAGES, IMAGES.replace("images", "more"), TWO.replace("images", "zz")])
    def test_feeds_can_come_and_go(self, world, edit):
        """The sources are those of the feeds that there are."""
        world.recipe(self.TWO)
        world.write(images=[image(1), image(2)], more=[image(2), image(3)], zz=[image(2), image(9)])
        world.ingest()
        world.recipe(edit)
        world.ingest()
        assert fresh_root(world.directory, world) == world.root
        world.recipe(self.TWO)
        world.ingest()
        assert fresh_root(world.directory, world) == world.root


class TestAbout:
    def test_documents_find_their_source_by_a_key(self, world):
        """Those whose source is not there wait, counted, and are taken in once it is."""
        world.recipe(LIVE + OUTPUTS)
        COLLECTIONS["images"] = [image(1), image(2)]
        COLLECTIONS["outputs"] = [output(1, 1, 0.1), output(2, 3, 0.3), output(3, 3, 0.4), output(4, None, 0.5)]
        report = world.ingest().feeds[1]
        assert ({"s3://b/1": 0.1}, 2) == (world.read("spoof"), report.orphans)
        assert [("image_id is no key", 1)] == [(entry.why, entry.count) for entry in report.unusable]

        COLLECTIONS["images"].append(image(3))
        COLLECTIONS["outputs"].append(output(5, 2, 0.2))
        MemoryFeed.asked.clear()
        report = world.ingest().feeds[1]
        assert {"s3://b/1": 0.1, "s3://b/2": 0.2, "s3://b/3": 0.4} == world.read("spoof")
        assert [("read", "images", b"2"), ("read", "outputs", b"4"), ("lookup", "outputs", [3])] == MemoryFeed.asked
        assert ("since", 0) == (report.read, report.orphans)
        assert fresh_root(world.directory, world) == world.root

    def test_the_key_may_be_the_pointer(self, world):
        """Then the sources themselves are what documents find."""
        world.recipe(LIVE + OUTPUTS.replace('key = "_id"', 'key = "uri"'))
        COLLECTIONS["images"] = [image(1)]
        COLLECTIONS["outputs"] = [output(1, "s3://b/1", 0.1), output(2, "s3://b/2", 0.2), output(3, 1, 0.3)]
        assert 2 == world.ingest().feeds[1].orphans
        COLLECTIONS["images"].append(image(2))
        world.ingest()

        assert {"s3://b/1": 0.1, "s3://b/2": 0.2} == world.read("spoof")
        assert None is world.view.state.feeds[0].keys
        assert fresh_root(world.directory, world) == world.root

    def test_records_go_with_their_source(self, world):
        """A feed about others adds no sources and keeps none."""
        filtered = LIVE + 'filter = { c = "DE" }\n'
        world.recipe(LIVE + OUTPUTS + 'accept = "<2"\n')
        COLLECTIONS["images"] = [image(1, c="DE"), image(2, c="CH"), image(3, c="CH")]
        COLLECTIONS["outputs"] = [output(1, 1, 0.1), output(2, 2, 0.2), output(3, 3, 0.3, v="2")]
        world.ingest()
        world.recipe(filtered + OUTPUTS + 'accept = "<2"\n')
        MemoryFeed.asked.clear()
        world.ingest()

        assert ({"s3://b/1": 0.1}, {}) == (world.read("spoof"), world.waiting("spoof"))
        assert ("read", "outputs", b"3") == MemoryFeed.asked[-1]
        assert fresh_root(world.directory, world) == world.root
        world.recipe(LIVE + OUTPUTS + 'accept = "<2"\n')
        world.ingest()
        assert ({"s3://b/1", "s3://b/2"}, {"s3://b/3"}) == (set(world.read("spoof")), set(world.waiting("spoof")))

    def test_a_source_with_several_keys_takes_documents_of_all(self, world):
        """The last of all of them counts, whenever its key was met."""
        world.recipe(LIVE + OUTPUTS)
        COLLECTIONS["images"] = [image(1)]
        COLLECTIONS["outputs"] = [output(1, 7, 0.7), output(2, 1, 0.1)]
        world.ingest()
        COLLECTIONS["images"].append(image(7, uri="s3://b/1"))
        report = world.ingest().feeds[1]

        assert ({"s3://b/1": 0.1}, "sources") == (world.read("spoof"), report.why)
        assert fresh_root(world.directory, world) == world.root

    def test_files_about_a_live_collection_are_read_when_its_sources_change(self, world):
        """They cannot be asked for what is new."""
        outputs = OUTPUTS.replace("memory", "files").replace('collection = "outputs"', 'path = "outputs.jsonl"')
        world.recipe(LIVE + outputs)
        COLLECTIONS["images"] = [image(1)]
        world.write(outputs=[output(1, 1, 0.1), output(2, 2, 0.2)])
        world.ingest()
        assert "nothing" == world.ingest().feeds[1].read
        COLLECTIONS["images"].append(image(2))
        report = world.ingest().feeds[1]

        assert ("all", "sources") == (report.read, report.why)
        assert {"s3://b/1": 0.1, "s3://b/2": 0.2} == world.read("spoof")


class TestMistakes:
    def test_a_signal_put_by_hand_is_not_replaced(self, world):
        """Its records would be lost."""
        import pyarrow as pa

        world.repo.put("score", pa.table({"source": ["s3://b/1"], "score": [1.0]}), producer="me@1")
        world.recipe(IMAGES + SCORE)
        world.write(images=[image(1)])

        with pytest.raises(UserError, match=r"'score' was put by hand, and \[signal\.score\] would replace it"):
            world.ingest()

    def test_a_missing_variable_is_named(self, world):
        """And given, it is put in."""
        world.recipe(IMAGES.replace("images.jsonl", "${NAME}.jsonl"))
        world.write(images=[image(1)])

        with pytest.raises(ConfigError, match="feed.images.path: expected the environment variable NAME"):
            world.ingest()
        world.ingest(environ={"NAME": "images"})
        assert ["s3://b/1"] == list(world.read("content"))

    def test_a_missing_adapter_is_named(self, world):
        """Before anything is read."""
        world.recipe(IMAGES + SCORE + 'formats = { "*" = "old:to_score" }\n')
        world.write(images=[image(1)])

        with pytest.raises(RecipeError, match="old"):
            world.ingest()

    def test_a_plugin_that_breaks_is_named(self, world, monkeypatch):
        """With what it raised."""
        world.recipe(LIVE)

        with pytest.raises(PluginError, match=r"plugin 'memory', read: feed 'images' failed: KeyError: 'images'"):
            world.ingest()

    def test_feeds_are_closed(self, world, monkeypatch):
        """Whether reading them went well or not."""
        closed = []
        monkeypatch.setattr(MemoryFeed, "close", lambda feed: closed.append(feed.name))
        world.recipe(LIVE)
        COLLECTIONS["images"] = [image(1)]
        world.ingest()
        n_opened = len(closed)
        COLLECTIONS.clear()
        with pytest.raises(PluginError):
            world.ingest()

        assert (2, 4) == (n_opened, len(closed))


def test_reports_are_json(tmp_path):
    """Every part of one."""
    world = World(
        tmp_path / "repo", IMAGES + SCORE + 'accept = "<1"\n', images=[image(1, model={"score": 1, "version": "2"}), {}]
    )
    with world.repo:
        report = world.ingest()

    made = json.loads(json.dumps(report.as_dict()))
    assert ["images"] == [feed["name"] for feed in made["feeds"]]
    assert (1, 'accept = "<3"') == (report.n_held, made["feeds"][0]["signals"][0]["held"][0]["line"])
