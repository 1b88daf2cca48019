import pytest

from tests.feeds.world import COLLECTIONS, World

RECIPE = """
[feed.images]
plugin     = "memory"
collection = "images"
pointer    = "uri"
cursor     = "at"
content_id = "etag"
[feed.outputs]
plugin     = "memory"
collection = "outputs"
cursor     = "_id"
about      = { feed = "images", field = "uri", key = "uri" }
[signal.score]
from       = "outputs"
value      = "score"
content_id = "etag"
"""


def image(number, etag, at):
    """Return a document of an image."""
    return {"_id": number, "uri": f"s3://b/{number}", "etag": etag, "at": at}


def output(number, image_number, etag):
    """Return a document of an output that was made from some content."""
    return {"_id": number, "uri": f"s3://b/{image_number}", "score": number / 2, "etag": etag}


@pytest.fixture
def world(tmp_path):
    """Three images, and outputs of the first two; one was made from content that is no more."""
    COLLECTIONS["images"] = [image(1, "a", 1), image(2, "b", 1), image(3, "c", 1)]
    COLLECTIONS["outputs"] = [output(1, 1, "a"), output(2, 2, "old"), output(3, 3, None)]
    made = World(tmp_path / "repo", RECIPE, in_memory=True)
    made.report = made.ingest()
    return made


def stale(world):
    """Return what was noted of stale values, by image."""
    return {source[-1]: detail for source, (reason, detail) in world.waiting("score").items() if reason == "stale"}


def test_a_value_made_from_other_content_is_stale(world):
    """Its record stays; a document that does not say is not asked."""
    assert {"2": {"content_id": "old", "source": "b"}} == stale(world)
    assert {f"s3://b/{i}" for i in (1, 2, 3)} == set(world.read("score"))
    assert (("score", 1),) == world.report.stale


def test_a_value_becomes_stale_when_its_source_changes(world):
    """Although its own document is not read again."""
    COLLECTIONS["images"] = [image(1, "a2", 2), image(2, "old", 2), image(3, "c", 1)]
    report = world.ingest()

    assert {"1": {"content_id": "a", "source": "a2"}} == stale(world)
    assert (("score", 1),) == report.stale


def test_content_that_comes_back_settles_it(world):
    """What a stale value was made from is remembered."""
    COLLECTIONS["images"][1] = image(2, "b2", 2)
    world.ingest()
    assert {"2": {"content_id": "old", "source": "b2"}} == stale(world)
    COLLECTIONS["images"][1] = image(2, "old", 3)
    world.ingest()
    assert {} == stale(world)


def test_a_new_value_settles_it(world):
    """Made from the content that there is."""
    COLLECTIONS["outputs"].append(output(4, 2, "b"))
    world.ingest()

    assert ({}, 2.0) == (stale(world), world.read("score")["s3://b/2"])


def test_reading_all_finds_the_same(world):
    """For every source of which documents say what values were made from."""
    COLLECTIONS["images"] = [image(1, "a2", 2), image(2, "b", 1), image(3, "c", 1)]
    world.ingest()
    as_it_came = stale(world)
    world.ingest(full=True)

    assert {"1", "2"} == set(as_it_came)
    assert as_it_came == stale(world)
