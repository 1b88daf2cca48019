import os

import pyarrow as pa
import pytest

from dsvc.errors import FeedError
from tests.feeds.world import COLLECTIONS, IMAGES, LIVE, OUTPUTS, SCORE, MemoryFeed, World, fresh_root, image, output


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

    def test_nothing_new_changes_nothing(self, world):
        """Although the documents at the cursor come again: some superseded, some held, some without a source."""
        world.recipe(LIVE + SCORE + OUTPUTS + 'type = "score"\n')
        score = {"score": 0.5, "version": "1"}
        odd = [image(2, model={"score": "odd"}), image(2, _id=7)]
        COLLECTIONS["images"] = [image(1, model=score), *({**document, "at": 9} for document in odd)]
        COLLECTIONS["outputs"] = [output(1, 1, "odd"), output(2, 99, 0.5)]
        world.ingest()
        view = world.view
        MemoryFeed.asked.clear()
        for _ in range(2):
            world.ingest()

        assert (view.root_id, view.state_id) == (world.view.root_id, world.view.state_id)
        assert [("read", "images", b"9"), ("read", "outputs", b"2")] * 2 == MemoryFeed.asked

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

        put = world.repo.put
        monkeypatch.setattr(world.repo, "put", lambda signal, data, **o: put(signal, pa.table(data), **o))
        world.ingest(progress=progress)

        assert [("read", "images", None)] == MemoryFeed.asked
        assert {"content", "other", "score"} == set(world.view.signals)


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
