"""The suites for plugins: what keeps the contract passes them, and each breach is found."""

import json

import pyarrow as pa
import pytest

from dsvc.errors import FeedError
from dsvc.plugins.contracts import DocumentBatch, Exporter, Feed, FeedQuery, Outcome, RecordTransform, Transform
from dsvc.plugins.match import compile_filter
from dsvc.plugins.options import Option
from dsvc.testing.plugins import ExporterTests, FeedTests, TransformTests, check_declaration


class LinesFeed(Feed):
    """A feed of one file of JSON lines."""

    options = {"path": Option(str, "the file")}
    meaning_keys = ("path",)

    def read(self, cursor=None):
        try:
            lines = (self.base_dir / self.values["path"]).read_text().splitlines()
        except FileNotFoundError as err:
            raise FeedError(feed=self.name, reason="there is no such file") from err
        matches = compile_filter(self.name, self.query.filter)
        found = [(number, json.loads(line)) for number, line in enumerate(lines)]
        kept = [(number, document) for number, document in found if matches(document)]
        yield DocumentBatch([document for _, document in kept], [number for number, _ in kept])


class TestLinesFeed(FeedTests):
    def make_feed(self, documents, place, query):
        (place / "x.jsonl").write_text("".join(json.dumps(document) + "\n" for document in documents))
        return LinesFeed("lines", {"path": "x.jsonl"}, place, query)

    def make_missing_feed(self, place):
        return LinesFeed("lines", {"path": "gone.jsonl"}, place, FeedQuery())


class Images:
    def __init__(self, *images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, row):
        return self.images[row]


class Brightness(RecordTransform):
    """The mean byte of an image, times the number of its faces."""

    version, output, inputs, needs_pixels = "1", "score", {"faces": "list<string>"}, True
    parameters = {"scale": Option(float, "what to multiply by", 1.0)}

    def record(self, values, image):
        return self.settings["scale"] * len(values["faces"]) * sum(image) / len(image)


class TestBrightness(TransformTests):
    transform = Brightness
    given = {"scale": 2}

    @pytest.fixture
    def batch(self):
        return pa.record_batch({"source": ["a", "b", "c"], "faces": pa.array([["x"], [], ["y", "z"]])})

    @pytest.fixture
    def pixels(self, batch):
        return Images(b"abc", b"d", b"ef")


class Rank(Transform):
    """The place of each member of a group by its score."""

    version, output, kind = "1", "int64", "group"
    inputs = {"score": "float64"}

    def __call__(self, batch, pixels=None):
        scores = [score or 0.0 for score in batch.column("score").to_pylist()]
        order = sorted(range(len(scores)), key=lambda row: -scores[row])
        return Outcome([order.index(row) for row in range(len(scores))])


class Share(Rank):
    """Of all records."""

    kind = "global"


class TestRank(TransformTests):
    """A transform of groups passes."""

    transform = Rank

    @pytest.fixture
    def batch(self):
        """Three members."""
        return pa.RecordBatch.from_pydict({"source": ["s3://a", "s3://b", "s3://c"], "score": [0.5, None, 0.7]})


class TestShare(TestRank):
    """And one of all records."""

    transform = Share


class Named(Rank):
    """Cheats: looks at pointers."""

    def __call__(self, batch, pixels=None):
        return Outcome([len(source) for source in batch.column("source").to_pylist()])


class Remembering(Rank):
    """Cheats: knows how many groups there were before."""

    def __init__(self, parameters):
        super().__init__(parameters)
        self.n = 0

    def __call__(self, batch, pixels=None):
        self.n += 1
        return Outcome([self.n] * batch.num_rows)


@pytest.mark.parametrize("transform", [Named, Remembering])
def test_a_group_that_depends_on_more_is_found_out(transform):
    """By other pointers, and by another group in between."""
    suite = TransformTests()
    suite.transform = transform
    batch = pa.RecordBatch.from_pydict({"source": ["s3://a", "s3://b"], "score": [0.5, 0.7]})

    with pytest.raises(AssertionError):
        suite.test_a_group_depends_on_its_members_alone(batch, None)


class LinesExporter(Exporter):
    """One JSON object a row."""

    suffix = ".jsonl"

    def write(self, batches, schema, path):
        rows = [row for batch in batches for row in batch.to_pylist()]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


class TestLinesExporter(ExporterTests):
    exporter = LinesExporter

    def read_back(self, path):
        return [json.loads(line) for line in path.read_text().splitlines()]


class Sorted(Transform):
    """Looks at its neighbours."""

    version, output = "1", "int64"

    def __call__(self, batch, pixels=None):
        return Outcome(list(range(batch.num_rows)))


class Writing(Brightness):
    """Leaves a file behind."""

    def record(self, values, image):
        import tempfile

        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(image)
        return 0.0


class Short(Brightness):
    """Gives one value for all."""

    def __call__(self, batch, pixels=None):
        return Outcome([1.0])


BATCH = pa.record_batch({"source": ["a", "b"], "faces": pa.array([["x"], ["y"]])})


@pytest.mark.parametrize(
    "transform,claim",
    [
        (Sorted, "test_a_value_depends_on_its_row_alone"),
        (Short, "test_every_row_has_a_value_or_a_failure"),
    ],
)
def test_a_broken_transform_is_found(transform, claim):
    """Each claim fails for what breaks it."""
    suite = TransformTests()
    suite.transform = transform

    with pytest.raises(AssertionError):
        getattr(suite, claim)(BATCH, Images(b"a", b"b"))


def test_a_transform_that_writes_is_found(tmp_path, monkeypatch):
    """An image in a temporary file is one too many."""
    suite = TransformTests()
    suite.transform = Writing

    with pytest.raises(AssertionError):
        suite.test_nothing_is_written(BATCH, Images(b"a", b"b"), tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "declared",
    [
        {"a b": Option(str, "x")},
        {"a": Option(str, "")},
        {"a": Option(int, "x", "1")},
        {"a": Option(str, "x", "c", ("a",))},
    ],
    ids=["no name", "no explanation", "a default of another kind", "a default that is no choice"],
)
def test_an_incomplete_declaration_is_found(declared):
    """Before a user meets it."""
    with pytest.raises(AssertionError):
        check_declaration(declared)
