import pyarrow as pa
import pytest

from dsvc.errors import ConfigError, PluginError, RecipeError, UserError
from tests.feeds.world import COLLECTIONS, IMAGES, LIVE, SCORE, MemoryFeed, World, image


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

        assert [("uri is no pointer", 5, "images.jsonl, document 2")] == [
            (u.why, u.count, u.example) for u in report.feeds[0].unusable
        ]
        assert ["s3://b/1"] == list(world.read("content"))


class TestMistakes:
    def test_a_signal_put_by_hand_is_not_replaced(self, world):
        """Its records would be lost."""
        world.repo.put("score", pa.table({"source": ["s3://b/1"], "score": [1.0]}), producer="me@1")
        world.recipe(IMAGES + SCORE)
        world.write(images=[image(1)])

        with pytest.raises(UserError, match=r"'score' was put by hand, and \[signal\.score\] would replace it"):
            world.ingest()

    def test_a_missing_variable_is_named(self, world):
        """And given, it is put in."""
        world.recipe(IMAGES.replace("images.jsonl", "${NAME}.jsonl"))
        world.write(images=[image(1)])

        with pytest.raises(ConfigError, match=r"feed\.images\.path: expected the environment variable NAME"):
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
