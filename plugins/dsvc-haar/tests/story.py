"""A repository over real images, and brute force beside it: what must run, and what comes out.

The model reads the worker's documents itself, computes every step in plain Python, and remembers which inputs each
step has seen for each source. That is the rule in full: a record runs iff its inputs were never seen with its source.
"""

import json
from dataclasses import dataclass, field

from dsvc_haar.outputs import READ

import dsvc

RECIPE = """
[feed.images]                            # what the capture devices write
plugin     = "files"
path       = "images.jsonl"
pointer    = "pointer"
content_id = "etag"

[feed.outputs]                           # what the model worker writes
plugin = "files"
path   = "outputs/*.jsonl"
about  = { feed = "images", field = "pointer", key = "pointer" }

[signal.capture]
from   = "images"
fields = { subject = "subject" }

[signal.face_detection]                  # type, accepted versions and formats are the producer's
from       = "outputs"
value      = "output"
version    = "version"
content_id = "etag"
producer   = "haar"

[step.face_count]
sql = "SELECT len(face_detection) AS face_count"

[step.is_portrait]
sql = "SELECT face_count = 1 AS is_portrait"

[step.largest]
python = "steps:largest"
inputs = ["face_detection"]

[step.rank]
python = "steps:rank"
inputs = ["largest"]
group  = "capture.subject"

[step.subject_length]
sql = "SELECT length(capture.subject) AS subject_length"

[dataset.portraits]
where   = "is_portrait"
columns = { boxes = "face_detection", subject = "capture.subject", area = "largest" }

[dataset.subjects]
columns = { subject = "capture.subject", n = "subject_length" }
"""
STEPS = """
def largest(face_detection) -> float:
    return max((box["w"] * box["h"] for box in face_detection), default=0.0)


def rank(largest) -> list[int]:
    order = sorted(largest, reverse=True)
    return [order.index(area) for area in largest]
"""
TRANSFORM = """
[feed.images]
plugin     = "files"
path       = "images.jsonl"
pointer    = "pointer"
content_id = "etag"

[signal.capture]
from   = "images"
fields = {{ subject = "subject" }}

[step.faces]
transform  = "haar_faces"
inputs     = ["pixels"]
parameters = {{ model = {model} }}

[step.face_count]
sql = "SELECT len(faces) AS face_count"

[step.is_portrait]
sql = "SELECT face_count = 1 AS is_portrait"

[step.subject_length]
sql = "SELECT length(capture.subject) AS subject_length"

[dataset.portraits]
where   = "is_portrait"
columns = {{ boxes = "faces" }}
"""


class Story:
    """A repository, the documents that lie in its feeds, and what the model has seen.

    Args:
        directory: For the repository.
        images: Files.
        written: What the worker of each version writes of them.
    """

    def __init__(self, directory, images, written):
        self.repo = dsvc.init(directory, author="tester")
        self.images = images
        self.model = Model()
        self.written = written
        (directory / "outputs").mkdir()
        (directory / "steps.py").write_text(STEPS)
        captures = [
            {"pointer": document["pointer"], "etag": document["etag"], "subject": subject(image)}
            for image, document in zip(images, written[1], strict=True)
        ]
        write_lines(directory / "images.jsonl", captures)
        self.subjects = {capture["pointer"]: capture["subject"] for capture in captures}

    def recipe(self, text):
        """Write the recipe."""
        (self.repo.path / "dsvc.toml").write_text(text)

    def deliver(self, version):
        """Let the worker of a version write its documents, and take them in."""
        write_lines(self.repo.path / "outputs" / f"{version}.jsonl", self.written[version])
        return self.repo.ingest()

    def boxes(self, version):
        """Return source -> boxes of a version, read from its documents by hand."""
        return {document["pointer"]: READ[version](document["output"]) for document in self.written[version]}

    def run(self):
        """Run and return (step -> records that ran, step -> records that came out as before)."""
        steps = self.repo.run().steps
        return {step.name: step.ran for step in steps}, {step.name: step.cut_off for step in steps}

    def read(self, signal, revision="@draft"):
        """Return source -> value."""
        return {row["source"]: row[signal] for row in self.repo.read(revision, [signal]).to_pylist()}


@dataclass
class Model:
    """What each step has seen, and what it gave last."""

    seen: set = field(default_factory=set)
    last: dict = field(default_factory=dict)

    def step(self, name, inputs, function, *, identity=None):
        """Return (source -> value, how many must run, how many of these give the value there was).

        Args:
            name: The step.
            inputs: Source -> inputs.
            function: Makes a value of them.
            identity: What the step is, besides its name.
        """
        new = [source for source in inputs if (name, identity, source, key(inputs[source])) not in self.seen]
        self.seen |= {(name, identity, source, key(inputs[source])) for source in inputs}
        values = {source: function(given) for source, given in inputs.items()}
        before = self.last.get(name, {})
        self.last[name] = values
        return values, len(new), sum(source in before and before[source] == values[source] for source in new)

    def groups(self, name, inputs, groups, function):
        """As `step`, for a step of groups: a group's inputs are those of its members, ordered by source."""
        members = {}
        for source in sorted(inputs, key=str.encode):
            members.setdefault(groups[source], []).append(source)
        values, n_new, n_same = {}, 0, 0
        before = self.last.get(name, {})
        for sources in members.values():
            seen = (name, *sources, key([inputs[source] for source in sources]))
            made = dict(zip(sources, function([inputs[source] for source in sources]), strict=True))
            values |= made
            if seen not in self.seen:
                n_new += len(sources)
                n_same += sum(source in before and before[source] == made[source] for source in sources)
            self.seen.add(seen)
        self.last[name] = values
        return values, n_new, n_same


def area(boxes):
    """The area of the largest box."""
    return max((box["w"] * box["h"] for box in boxes), default=0.0)


def ranks(areas):
    """The place of each area, the largest first."""
    return [sorted(areas, reverse=True).index(area) for area in areas]


def key(value):
    """Return what is equal for equal values alone."""
    return json.dumps(value, sort_keys=True)


def subject(image):
    """Return who is shown, as it were: ``cgi-model-2`` of ``cgi-model-20.jpg`` to ``cgi-model-29.jpg``."""
    name, _, number = image.stem.rpartition("-")
    return f"{name}-{int(number) // 10}" if number.isdigit() else image.stem


def write_lines(path, documents):
    """Write documents as lines of JSON."""
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
