import pytest

from tests.feeds.world import IMAGES, fresh_root, image

TWO = IMAGES + IMAGES.replace("images", "more")


class TestSeveralFeeds:
    def test_sources_are_the_union_of_feeds(self, world):
        """One of two feeds that changes touches only what it gave."""
        world.recipe(TWO)
        world.write(images=[image(1), image(2)], more=[image(3), image(4)])
        world.ingest()
        world.write(more=[image(4), image(5)])
        report = world.ingest()

        assert [f"s3://b/{i}" for i in (1, 2, 4, 5)] == list(world.read("content"))
        assert ("nothing", "all", 0) == (report.feeds[0].read, report.feeds[1].read, report.shared)
        assert fresh_root(world.directory, world) == world.root

    def test_the_last_feed_says_what_a_shared_source_is(self, world):
        """And where it no longer gives it, the one before."""
        world.recipe(TWO.replace('pointer = "uri"', 'pointer = "uri"\ncontent_id = "e"'))
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
        world.recipe(TWO)
        world.write(images=[image(1), image(2)], more=[image(2), image(3)], zz=[image(2), image(9)])
        world.ingest()
        world.recipe(edit)
        world.ingest()
        assert fresh_root(world.directory, world) == world.root
        world.recipe(TWO)
        world.ingest()
        assert fresh_root(world.directory, world) == world.root
