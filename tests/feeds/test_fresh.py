"""However a repository came to its recipe and documents, it holds what a fresh one does.

A type that was found stays, by its own rule, when all the documents that it was found in are gone; where it differs,
reading everything anew must end the same.
"""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.feeds.world import COLLECTIONS, World, fresh_world

FILES = """
[feed.images]
plugin = "files"
path   = "images.jsonl"
[feed.outputs]
plugin = "files"
path   = "outputs.jsonl"
"""
MEMORY = """
[feed.images]
plugin     = "memory"
collection = "images"
cursor     = "at"
[feed.outputs]
plugin     = "memory"
collection = "outputs"
cursor     = "_id"
"""


@st.composite
def recipes(draw, feeds):
    """A recipe over images and outputs; what it says of the meaning of each is drawn."""
    images, outputs = feeds.strip().split("[feed.outputs]")
    keys = {"key": draw(st.sampled_from(["_id", "uri"]))}
    parts = [images, 'pointer = "uri"\n']
    if draw(st.booleans()):
        parts.append('content_id = "etag"\n')
    if country := draw(st.sampled_from(["", "DE", "CH"])):
        parts.append(f'filter = {{ country = "{country}" }}\n')
    if draw(st.booleans()):
        field = {"_id": "image_id", "uri": "image_uri"}[keys["key"]]
        parts += ["[feed.outputs]", outputs, "\n"]
        parts.append(f'about = {{ feed = "images", field = "{field}", key = "{keys["key"]}" }}\n')
        parts.append('[signal.spoof]\nfrom = "outputs"\nvalue = "output"\nversion = "v"\n')
        parts.append(draw(st.sampled_from(["", 'only = { worker = "a" }\n', 'only = { worker = "b" }\n'])))
        parts.append(draw(st.sampled_from(["", 'accept = "<2"\n', 'type = "score"\n'])))
    if draw(st.booleans()):
        parts.append('[signal.quality]\nfrom = "images"\n')
        parts.append(
            draw(st.sampled_from(['value = "m.q"\n', 'fields = { q = "m.q", c = "country" }\n', 'value = "m"\n']))
        )
        parts.append(draw(st.sampled_from(["", 'version = "m.v"\n', 'version = "m.v"\naccept = ">=2"\n'])))
    return "".join(parts)


COUNTRIES = {number: ("DE", "CH", None)[number % 3] for number in range(12)}


@st.composite
def images(draw, at):
    """A document of an image, or a later state of it; some images are known by two numbers."""
    number = draw(st.sampled_from(sorted(COUNTRIES)))
    document = {"_id": number, "uri": f"s3://b/{min(number, 9)}", "at": at, "country": COUNTRIES[number]}
    if draw(st.booleans()):
        document["m"] = {"q": draw(st.integers(1, 3)), "v": draw(st.sampled_from(["1", "2", "3"]))}
    return {**document, "etag": f"e{at}"}


@st.composite
def outputs(draw, number):
    """A document of an output, of an image that may not be there."""
    image = draw(st.sampled_from(sorted(COUNTRIES)))
    worker, value = draw(st.sampled_from("ab")), draw(st.sampled_from([0.5, 1.5, None]))
    version = draw(st.sampled_from(["1", "2"]))
    keys = {"image_id": image, "image_uri": f"s3://b/{image}"}
    return {"_id": number, **keys, "worker": worker, "output": value, "v": version}


@st.composite
def stories(draw, feeds, *, grows):
    """Recipes and documents, ingest after ingest.

    Where documents grow, later ones are added, or take the place of an earlier state of the same document, as they do
    in a collection; else any set of documents follows any other.
    """
    chapters = []
    held: dict[str, dict[int, dict]] = {"images": {}, "outputs": {}}
    at = 0
    for _ in range(draw(st.integers(2, 4))):
        if not grows:
            held = {"images": {}, "outputs": {}}
        for _ in range(draw(st.integers(0, 6))):
            at += 1
            if draw(st.booleans()):
                document = draw(images(at))
                held["images"][document["_id"]] = document
            else:
                held["outputs"][at] = draw(outputs(at))
        chapters.append((draw(recipes(feeds)), {name: list(documents.values()) for name, documents in held.items()}))
    return chapters


def check_story(story, tell):
    """Check that a repository that lived through a story ends as a fresh one."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "repo", in_memory=True)
        for recipe, documents in story:
            world.recipe(recipe)
            tell(world, documents)
            world.ingest()
        fresh = fresh_world(Path(folder), world)
        if world.types != fresh.types:
            event("a type that was found stayed")
            world.ingest(full=True)
        assert fresh.root == world.root


@given(stories(FILES, grows=False))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_files_end_in_the_root_of_a_fresh_repository(story):
    """Whatever recipes and files came before."""
    check_story(story, lambda world, documents: world.write(**documents))


@given(stories(MEMORY, grows=True))
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_cursors_end_in_the_root_of_a_fresh_repository(story):
    """Whatever recipes came before, and however far they had read."""
    check_story(story, lambda _, documents: COLLECTIONS.update(documents))
