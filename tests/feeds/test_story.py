"""A live collection and its dump tell one story: the same root, whichever was read, and however it was read."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId
from pymongo import MongoClient

from tests.feeds.world import World, fresh_root

START = datetime(2026, 3, 1, tzinfo=UTC)
LIVE = {
    "images": 'plugin = "mongodb"\nuri = "${MONGODB_URI}"\ncollection = "orb.images"\ncursor = "updated_at"',
    "outputs": 'plugin = "mongodb"\nuri = "${MONGODB_URI}"\ncollection = "orb.outputs"\ncursor = "_id"',
    "labels": 'plugin = "mongodb"\nuri = "${MONGODB_URI}"\ncollection = "orb.labels"\ncursor = "_id"',
}
DUMP = {
    "images": 'plugin = "files"\npath = "dump/orb/images.bson"\ncursor = "updated_at"',
    "outputs": 'plugin = "files"\npath = "dump/orb/outputs.bson"\ncursor = "_id"',
    "labels": 'plugin = "files"\npath = "dump/orb/labels.bson*"\ncursor = "_id"',
}
RECIPE = """
[feed.images]
{images}
pointer    = "image.uri"
content_id = "image.etag"
size       = "image.size"
filter     = {{ country = {{ "$in" = {countries} }} }}
[feed.outputs]
{outputs}
about = {{ feed = "images", field = "image_id", key = "_id" }}
[feed.labels]
{labels}
about = {{ feed = "images", field = "uri", key = "image.uri" }}

[signal.capture]
from   = "images"
fields = {{ subject = "subject_id", country = "country", at = "captured_at" }}
[signal.face_detection]
from    = "images"
type    = "boxes"
value   = "models.face_detector.output"
version = "models.face_detector.version"
accept  = "{accept}"
formats = {{ "<2" = "my_formats:detector_v1" }}
[signal.spoof_score]
from    = "outputs"
only    = {{ worker = "spoof" }}
type    = "score"
value   = "output"
version = "worker_version"
[signal.quality]
from    = "outputs"
only    = {{ worker = "quality" }}
value   = "{quality}"
version = "worker_version"
[signal.label]
from   = "labels"
fields = {{ boxes = "boxes", worker = "worker", request = "request" }}
"""
FORMATS = """
def detector_v1(rows):
    return [dict(zip(("x", "y", "w", "h", "score"), row)) for row in rows]
"""


class Orb:
    """A database as workers and people fill it."""

    def __init__(self, client, seed):
        self.database = client.orb
        client.drop_database("orb")
        self.random = random.Random(seed)
        self.ids = []
        self.now = START

    def oid(self):
        """Return an id that is greater than those before, as a server's are."""
        self.now += timedelta(seconds=self.random.randint(0, 2))
        return ObjectId(f"{int(self.now.timestamp()):08x}{len(self.ids) + self.random.getrandbits(40):016x}")

    def face(self):
        """Return the document of a new image."""
        draw = self.random
        document = {
            "_id": self.oid(),
            "image": {"uri": f"s3://faces/{draw.getrandbits(48):012x}.jpg", "etag": f"{draw.getrandbits(128):032x}"},
            "subject_id": draw.choice([1, 2, 2**40]),
            "country": draw.choice(["DE", "CH", "AT", None]),
            "captured_at": self.now,
            "updated_at": self.now,
        }
        if draw.random() < 0.7:
            document["image"]["size"] = draw.choice([draw.randint(1, 10**6), float(draw.randint(1, 10**6))])
        if draw.random() < 0.2:
            document["captured_at"] = None
        self.detect(document)
        return document

    def detect(self, document):
        """Let the detector look at an image, in the version of the day."""
        draw = self.random
        version = draw.choice(["1.4", "1.9.1", "2.0", "2.5", "3.0"])
        rows = [[draw.randint(0, 99) / 2 for _ in range(4)] + [draw.random()] for _ in range(draw.randint(0, 3))]
        boxes = [dict(zip(("x", "y", "w", "h", "score"), row, strict=True)) for row in rows]
        output = rows if version < "2" else [{**box, "label": "face"} for box in boxes]
        document["models"] = {"face_detector": {"version": version, "output": output}}

    def grow(self, n):
        """Add documents of all collections, and change some."""
        draw = self.random
        faces = [self.face() for _ in range(n)]
        self.database.images.insert_many(faces)
        self.ids += [(face["_id"], face["image"]["uri"]) for face in faces]
        self.ids += [(self.oid(), f"s3://faces/{draw.getrandbits(48):012x}.jpg")]
        outputs, labels = [], []
        for _ in range(2 * n):
            image_id, uri = draw.choice(self.ids)
            worker = draw.choice(["spoof", "quality"])
            value = draw.random() if worker == "spoof" else {"class": draw.randint(1, 5), "why": [draw.choice("ab")]}
            version = draw.choice(["1", "2", None])
            outputs.append(
                {"_id": self.oid(), "image_id": image_id, "worker": worker, "worker_version": version, "output": value}
            )
            if draw.random() < 0.3:
                boxes = [[draw.random() for _ in range(4)] for _ in range(draw.randint(0, 2))]
                labels.append({"_id": self.oid(), "uri": uri, "boxes": boxes, "worker": "ada", "request": self.oid()})
        self.database.outputs.insert_many(outputs)
        if labels:
            self.database.labels.insert_many(labels)
        for image_id, _ in draw.sample(self.ids, min(3, len(self.ids))):
            document = self.database.images.find_one({"_id": image_id})
            if document is not None:
                self.detect(document)
                self.now += timedelta(seconds=1)
                self.database.images.replace_one({"_id": image_id}, {**document, "updated_at": self.now})

    def dump(self, directory):
        """Write what mongodump writes."""
        folder = directory / "dump" / "orb"
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("images", "outputs", "labels"):
            (folder / f"{name}.bson").write_bytes(b"".join(self.database[name].find_raw_batches()))


def write_recipe(world, feeds, countries='["DE", "CH"]', accept="<3", quality="output.class"):
    """Write the recipe over live collections or a dump."""
    world.recipe(RECIPE.format(**feeds, countries=countries, accept=accept, quality=quality), my_formats=FORMATS)


@pytest.fixture(scope="module")
def client(mongo_url):
    """A client of the server."""
    with MongoClient(mongo_url) as made:
        yield made


@pytest.mark.service
@pytest.mark.parametrize("seed", range(3))
def test_a_live_collection_and_its_dump_give_one_root(client, mongo_url, tmp_path, seed):
    """Embedded outputs, outputs in a collection of their own, and labels by pointer; read at once, or as they come."""
    environ = {"MONGODB_URI": mongo_url}
    live, dumped = World(tmp_path / "live"), World(tmp_path / "dumped")
    orb = Orb(client, seed)
    for world, feeds in ((live, LIVE), (dumped, DUMP)):
        write_recipe(world, feeds)
    for _ in range(3):
        orb.grow(40)
        orb.dump(dumped.directory)
        report = live.ingest(environ=environ)
        dumped.ingest()
        assert dumped.root == live.root

    assert {"content", "capture", "face_detection", "spoof_score", "quality", "label"} == set(live.view.signals)
    assert ["since", "since", "since"] == [feed.read for feed in report.feeds]
    assert report.n_held > 0
    assert fresh_root(tmp_path, live, environ=environ) == live.root


EDITS = [
    {"countries": '["DE"]'},
    {"countries": '["DE", "CH", "AT"]', "accept": "<2.5"},
    {"quality": "output"},
    {"countries": '["CH", "AT"]', "accept": "*", "quality": "output.why.0"},
    {},
]


@pytest.mark.service
@pytest.mark.parametrize("seed", range(2))
def test_edits_between_ingests_end_in_the_root_of_a_fresh_repository(client, mongo_url, tmp_path, seed):
    """Of filter and mapping, while the collections grow."""
    environ = {"MONGODB_URI": mongo_url}
    world = World(tmp_path / "live")
    orb = Orb(client, seed)
    for edit in random.Random(seed).sample(EDITS, len(EDITS)):
        orb.grow(10)
        write_recipe(world, LIVE, **edit)
        world.ingest(environ=environ)
        assert fresh_root(tmp_path, world, environ=environ) == world.root
