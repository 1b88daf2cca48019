from dsvc.feeds.pending import Pending, find_pending
from dsvc.recipe.load import load_recipe
from tests.feeds.world import COLLECTIONS, LIVE, OUTPUTS, PLUGINS, SCORE, image, output


def pending(world):
    """Return what the next ingest reads again."""
    return find_pending(world.view.state, load_recipe(world.directory, plugins=PLUGINS), PLUGINS)


def test_what_the_next_ingest_reads_again_is_known_before(world):
    """Feed by feed, with the signals that it is for; nothing once it is done."""
    world.recipe(LIVE + OUTPUTS)
    COLLECTIONS.update(images=[image(1)], outputs=[output(1, 1, 0.5)])
    assert (Pending("images", "first", ()), Pending("outputs", "first", ("spoof",))) == pending(world)
    world.ingest()
    assert () == pending(world)

    world.recipe(LIVE + SCORE + OUTPUTS + 'accept = "<2"\n')
    assert (Pending("images", "signals", ("score",)), Pending("outputs", "signals", ("spoof",))) == pending(world)

    world.recipe(LIVE + 'filter = { c = "DE" }\n' + OUTPUTS)
    assert (Pending("images", "meaning", ()),) == pending(world)

    world.recipe(LIVE + OUTPUTS.replace('key = "_id"', 'key = "uri"'))
    assert ["meaning", "meaning"] == [feed.why for feed in pending(world)]

    world.recipe(LIVE)
    assert (Pending("images", "meaning", ()), Pending("outputs", "gone", ("spoof",))) == pending(world)


def test_addresses_and_documents_make_no_difference(world):
    """Nor do types that were found, or what is in the collections now."""
    world.recipe(LIVE + SCORE)
    COLLECTIONS["images"] = [image(1, model={"score": 0.5})]
    world.ingest()
    COLLECTIONS["images"] = []

    assert () == pending(world)
