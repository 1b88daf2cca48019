"""A repository over images in S3, a team in a real Label Studio, staged copies in S3, and a clock that jumps.

People are simulated, each with an account of their own. They do over HTTP what the front end in a browser does: ask
for the next task, fetch its image through the address that the server signs at that moment, recognise what they see
by the pixels that came, and submit. What they draw is what `data/haar.json` says is to be found, each in their way.
"""

import dataclasses
import io
import json
import random
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from dsvc.annotation.keeping.ledger import read_ledger
from dsvc.repository import Repository
from dsvc.testing.label_studio_people import LabelStudioPeople
from dsvc.testing.s3_buckets import ROLLING

HERE = Path(__file__).parent
IMAGES = HERE.parents[1] / "plugins" / "dsvc-haar" / "tests" / "data"
HAAR = json.loads((HERE / "data" / "haar.json").read_text())
OWNER = "Jane Roe, 48.137 N 11.575 E"
"""What stands in the metadata of every stored image, and nowhere else."""
RECIPE = """
[feed.images]
plugin     = "files"
path       = "documents/*.jsonl"
pointer    = "uri"
content_id = "etag"

[signal.picture]
from   = "images"
fields = {{ kind = "kind" }}

[signal.face_detection]
from  = "images"
type  = "boxes"
value = "boxes"

[platform.team]
plugin          = "label-studio"
url             = "${{LABEL_STUDIO_URL}}"
token           = "${{LABEL_STUDIO_TOKEN}}"
prefix          = "{prefix}"
staging         = "s3://staging/dsvc"
expiry          = "rolling"
s3_endpoint     = "${{AWS_ENDPOINT_URL}}"
s3_access_key   = "${{AWS_ACCESS_KEY_ID}}"
s3_secret_key   = "${{AWS_SECRET_ACCESS_KEY}}"
s3_region       = "us-east-1"
presign_minutes = 1
{platform}

[task.face_boxes]
type    = "boxes"
of      = "face_detection"
ask     = "len(face_detection) = 0 OR list_min([b.score for b in face_detection]) < 4"
image   = {{ max_side = 640 }}
overlap = {{ min = 2, max = 2 }}

[task.face_boxes.audit]
mode      = "verify"
sample    = 0.1
max_error = 0.05
rounds    = 2
on_fail   = "lot"
agree     = {{ iou = 0.6 }}
lot       = {{ by = "picture.kind", size = 100 }}

[dataset.detector]
where   = "len(face_boxes) > 0"
columns = {{ boxes = "face_boxes" }}
"""


class Studio:
    """The repository, its images, and where its people work.

    Args:
        directory: Where the repository is made.
        server: The Label Studio.
        s3: The server of both buckets; what makes boto3 find it must be in the environment.
        names: Of `haar.json`.
        platform: More keys of the platform.
        environ: What they stand for.
    """

    def __init__(self, directory, server, s3, names=tuple(HAAR), platform="", environ=()):
        self.path, self.s3, self.clock = directory, s3, s3.clock
        self.people = LabelStudioPeople(server)
        self.environ = {
            **s3.environment,
            **dict(environ),
            "LABEL_STUDIO_URL": server.url,
            "LABEL_STUDIO_TOKEN": server.token,
        }
        self.names = names
        self.raw, self.staging = s3.make_bucket("raw"), s3.make_bucket("staging", rule=ROLLING)
        self.stored = {name: stored_image(name) for name in names}
        Repository.init(directory, author="Ada", clock=self.clock).close()
        documents = [self._document(name) for name in names]
        (directory / "documents").mkdir()
        (directory / "documents" / "1.jsonl").write_text("".join(json.dumps(one) + "\n" for one in documents))
        (directory / "dsvc.toml").write_text(
            RECIPE.format(prefix=f"dsvc {self.people.run}", platform=platform), encoding="utf-8"
        )
        with self.open() as repo:
            repo.ingest()
            repo.run()

    def _document(self, name):
        held = self.raw.put(f"2026-03/{name}.jpg", self.stored[name], {"content-type": "image/jpeg"})
        boxes = [dict(zip(("x", "y", "w", "h", "score"), row, strict=True)) for row in HAAR[name]["found"]]
        kind = "several" if "multiangle" in name else "single"
        return {"uri": pointer(name), "etag": held.etag.strip('"'), "kind": kind, "boxes": boxes}

    def open(self):
        """Open the repository as each command does."""
        repo = Repository.open(self.path, author="Ada", clock=self.clock)
        repo.environ = self.environ
        return repo

    def move_to(self, server):
        """Go on with a server that was started again, at another address."""
        self.people.server = server
        self.environ["LABEL_STUDIO_URL"] = server.url

    def sync(self, **options):
        """Do a pass."""
        with self.open() as repo:
            return repo.annotate_sync(**options)

    @property
    def project(self):
        """The server's number of the task's project."""
        _, found = self.people.call("GET", "/api/projects/?page_size=1000&include=id,description")
        return next(
            p["id"] for p in found["results"] if f"{self.people.run}/face_boxes@1" in p["description"].split("\n")[0]
        )

    def asks(self):
        """Return how many asks are open, by mode and round."""
        counts = {}
        with self.open() as repo:
            for status in repo.asks():
                key = (status.ask.mode, status.ask.round)
                counts[key] = counts.get(key, 0) + 1
        return counts

    def answers(self):
        """Return all answers that the ledger holds."""
        with self.open() as repo:
            found = [known for _, known in read_ledger(repo.store).iter_evidence("face_boxes")]
        return [answer for evidence in found for answer in evidence.answers]

    def commit(self):
        """Make a version of what there is."""
        with self.open() as repo:
            repo.run()
            repo.commit("boxes by a detector and people")

    def boxes_of_dataset(self, revision="HEAD"):
        """Return what a version's dataset says of each image: rows in sixteenths of a pixel, sorted."""
        with self.open() as repo:
            table = repo.read(revision, dataset="detector").to_pylist()
        return {
            row["source"]: sorted([round(16 * box[side]) for side in "xywh"] for box in row["boxes"]) for row in table
        }


def pointer(name):
    """Return the pointer of an image."""
    return f"s3://raw/2026-03/{name}.jpg"


def stored_image(name):
    """Return an image as it lies in the bucket: with metadata that says whose it is."""
    with Image.open(IMAGES / f"{name.removesuffix('-mirrored')}.jpg") as opened:
        image = opened.convert("RGB")
    if name.endswith("-mirrored"):
        image = ImageOps.mirror(image)
    exif = Image.Exif()
    exif[0x013B] = OWNER  # Artist
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92, exif=exif)
    return buffer.getvalue()


def glance(image):
    """Return what an image looks like from afar."""
    with Image.open(io.BytesIO(image)) as opened:
        return opened.convert("L").resize((16, 16)).tobytes(), opened.size


@dataclasses.dataclass(frozen=True)
class Seen:
    """A task in somebody's browser.

    Attributes:
        task_id: The server's number.
        ask: The id of the ask, in hex.
        name: Of the image, recognised.
        resolver: Where the server sends a browser on from, to an address that it signs at that moment.
        address: The signed one that the image came from.
        image: The bytes that came.
        shown: The regions that are drawn on it.
        form: What is asked: label, adjust or verify.
    """

    task_id: int
    ask: str
    name: str
    resolver: str
    address: str
    image: bytes
    shown: list
    form: str


@dataclasses.dataclass(frozen=True)
class Given:
    """An answer that the server acknowledged.

    Attributes:
        who: Whose.
        ask: The id of the ask, in hex.
        name: Of the image.
        form: What was asked.
        verdict: accept or reject, None where none was asked for.
        boxes: What they drew, in sixteenths of a pixel of the stored image; None where they drew nothing new.
    """

    who: str
    ask: str
    name: str
    form: str
    verdict: str | None
    boxes: list | None


class Person:
    """Somebody of the team.

    Args:
        studio: Where they work.
        who: Their name.
        jitter: How many pixels of the stored image an edge is off, at most.
        misses: Whether they see only the first of three faces.
    """

    def __init__(self, studio, who, *, jitter=0, misses=False):
        self.studio, self.who, self.jitter, self.misses = studio, who, jitter, misses
        self._known = {name: glance(image) for name, image in studio.stored.items()}

    def open_next(self):
        """Open the next task that the server gives out, and look at its image; None where there is none."""
        status, task = self.studio.people.call("GET", f"/api/projects/{self.studio.project}/next", person=self.who)
        if status == 404:
            return None
        assert status == 200, task
        address, image = self.fetch(task["data"]["image"])
        (drawn,) = task["predictions"]
        data = task["data"]
        ask, name = data["dsvc_key"].partition("#")[0], self.recognise(image)
        return Seen(task["id"], ask, name, data["image"], address, image, drawn["result"], data["dsvc"]["form"])

    def fetch(self, address):
        """Return the address that the server sends a browser to, and the image that is there."""
        signed = self.sign(address)
        status, image = get(signed)
        assert 200 == status, image
        return signed, image

    def sign(self, address):
        """Return the address that the server signs for somebody with an account."""
        headers = {"Authorization": f"Token {self.studio.people.token(self.who)}"}
        sent = urllib.request.Request(address, headers=headers)
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.build_opener(_NoRedirect).open(sent, timeout=30)
        with caught.value as err:
            assert err.code in (302, 303), err.read()
            return err.headers["Location"]

    def recognise(self, image):
        """Return which image it is, by its pixels."""
        seen, _ = glance(image)

        def distance(name):
            return sum(abs(a - b) for a, b in zip(self._known[name][0], seen, strict=True))

        return min(self._known, key=distance)

    def draw(self, seen):
        """Return the faces as they draw them, as results of the front end and in sixteenths of a stored pixel."""
        chance = random.Random(f"{self.who} {seen.name}")
        faces = HAAR[seen.name]["faces"]
        faces = faces[:1] if self.misses and len(faces) > 2 else faces
        (width, height), (stored_width, _) = glance(seen.image)[1], self._known[seen.name][1]
        factor = -(-stored_width // width)
        results, drawn = [], []
        for number, face in enumerate(faces):
            edges = [16 * edge // factor for edge in (face[0], face[1], face[0] + face[2], face[1] + face[3])]
            left, top, right, bottom = (
                edge + chance.randint(-self.jitter * 16, self.jitter * 16) // factor for edge in edges
            )
            value = {
                "x": left / 16 / width * 100,
                "y": top / 16 / height * 100,
                "width": (right - left) / 16 / width * 100,
                "height": (bottom - top) / 16 / height * 100,
                "rotation": 0,
            }
            about = {"original_width": width, "original_height": height, "image_rotation": 0, "to_name": "image"}
            results.append({"id": f"n{number}", "from_name": "value", "type": "rectangle", "value": value, **about})
            drawn.append([left * factor, top * factor, (right - left) * factor, (bottom - top) * factor])
        return results, sorted(drawn)

    def submit(self, seen):
        """Answer what they have open; return what the server acknowledged."""
        results, drawn = self.draw(seen)
        verdict = None
        if seen.form == "verify":
            verdict = "accept" if self.is_right(seen) else "reject"
            said = {"id": "v", "from_name": "verdict", "to_name": "image", "type": "choices"}
            results = [{**said, "value": {"choices": [verdict]}}, *(seen.shown if verdict == "accept" else results)]
        status, answer = self.studio.people.submit(seen.task_id, self.who, results, lead_s=20.0)
        assert 201 == status, answer
        return Given(self.who, seen.ask, seen.name, seen.form, verdict, None if verdict == "accept" else drawn)

    def is_right(self, seen):
        """Tell whether what is shown has each face, and nothing else, near where they see it."""
        faces = [tuple(face) for face in HAAR[seen.name]["faces"]]
        (width, height), (stored_width, _) = glance(seen.image)[1], self._known[seen.name][1]
        factor = -(-stored_width // width)
        shown = [
            (
                region["value"]["x"] / 100 * width * factor,
                region["value"]["y"] / 100 * height * factor,
                region["value"]["width"] / 100 * width * factor,
                region["value"]["height"] / 100 * height * factor,
            )
            for region in seen.shown
        ]
        return len(shown) == len(faces) and all(any(overlap(face, box) > 0.6 for box in shown) for face in faces)

    def work(self, limit=None):
        """Answer what the server gives out; return what was acknowledged."""
        given = []
        while limit is None or len(given) < limit:
            seen = self.open_next()
            if seen is None:
                break
            given.append(self.submit(seen))
        return given


def overlap(first, second):
    """Return intersection over union of two boxes."""
    width = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    height = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    both = max(0, width) * max(0, height)
    return both / (first[2] * first[3] + second[2] * second[3] - both)


def get(address):
    """Return what whoever has nothing but an address gets: status and body."""
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as err:
        with err:
            return err.code, err.read()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Lets the test see where it is sent."""

    def redirect_request(self, *_):
        """Follow none."""
        return
