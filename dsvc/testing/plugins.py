"""The contracts of feeds, transforms, producers and exporters, as test classes to inherit from.

A plugin's tests subclass the suite of its kind, say what is tested and with which data, and inherit the claims:

    class TestLaplacianBlur(TransformTests):
        transform = LaplacianBlur

        @pytest.fixture
        def batch(self): ...

Source: docs/how-to/plugins.md#testing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from dsvc.errors import DsvcError, FeedError
from dsvc.objects.types import parse_type
from dsvc.plugins.contracts import DocumentBatch, Exporter, Feed, FeedQuery, Outcome, Pixels, Transform
from dsvc.plugins.options import REQUIRED, Option, fill_options, iter_problems
from dsvc.testing.producers import ProducerTests  # noqa: F401 - all suites are imported from here


def check_declaration(declared: Mapping[str, Option]) -> None:
    """Check that options are named and explained, and that a default is None or one of the values allowed."""
    for key, option in declared.items():
        assert key.isidentifier(), f"{key!r} is no key of a recipe"
        assert option.doc, f"{key!r} is not explained"
        free = option.default is REQUIRED or option.default is None
        assert free or option.accepts(option.default), f"the default of {key!r} is not {option.expected}"


class FeedTests:
    """The contract of `Feed`. A subclass keeps documents somewhere and makes a feed that reads them.

    A feed of a format that cannot hold these documents gives others, four or more, and says what is asked of them.
    """

    documents: ClassVar[Sequence[Mapping[str, Any]]] = (
        {"_id": 1, "uri": "s3://faces/1", "country": "DE", "at": 10, "model": {"score": 0.5, "boxes": [{"x": 1}]}},
        {"_id": 2, "uri": "s3://faces/2", "country": "CH", "at": 20, "model": {"score": None, "boxes": []}},
        {"_id": 3, "uri": "s3://faces/3", "country": "DE", "at": 30, "model": {"score": 1.5, "boxes": [{"x": 2}]}},
        {"_id": 4, "uri": "s3://faces/ü", "country": "FR", "at": 40, "model": None},
    )
    """What `make_feed` keeps, in the order read."""
    key: ClassVar[str] = "_id"
    """The field that tells them apart."""
    cursor: ClassVar[str | None] = "at"
    """A field that grows; None where documents have none."""
    filters: ClassVar[Sequence[tuple[Mapping[str, Any], Sequence[Any]]]] = (
        ({"country": {"$in": ["DE", "CH"]}}, [1, 2, 3]),
        ({"model.score": {"$gt": 1}}, [3]),
    )
    """Filters, and the keys of the documents that match each."""
    fields: ClassVar[Sequence[str]] = ("_id", "uri", "model.boxes")
    """Paths to ask for."""
    look_up: ClassVar[tuple[str, Sequence[Any], Mapping[str, Any], Sequence[Any]]] = (
        "uri",
        ["s3://faces/2", "s3://faces/3", "s3://faces/ü", "s3://none"],
        {"country": {"$ne": "CH"}},
        [3, 4],
    )
    """A path, values to look for there, a filter beside it, and the keys of the documents found."""

    def make_feed(self, documents: Sequence[Mapping[str, Any]], place: Path, query: FeedQuery) -> Feed:
        """Return a feed over exactly these documents; what an earlier call kept at this place is replaced."""
        raise NotImplementedError

    def make_missing_feed(self, place: Path) -> Feed:
        """Return a feed of something that does not exist."""
        raise NotImplementedError

    def ids(self, batches: Sequence[DocumentBatch]) -> list[Any]:
        """Return the keys of all documents, sorted."""
        return sorted(document[self.key] for batch in batches for document in batch.documents)

    def test_the_declaration_is_complete(self, tmp_path: Path) -> None:
        """Options are explained, and those that decide which documents there are are declared."""
        feed = type(self.make_feed(self.documents, tmp_path, FeedQuery()))

        check_declaration(feed.options)
        assert set(feed.meaning_keys) <= set(feed.options)

    def test_every_document_is_read_once(self, tmp_path: Path) -> None:
        """With its values, nested ones too, in batches that say a position for each."""
        feed = self.make_feed(self.documents, tmp_path, FeedQuery())
        batches = list(feed.read())
        feed.close()

        found = {document[self.key]: dict(document) for batch in batches for document in batch.documents}
        assert {document[self.key]: dict(document) for document in self.documents} == found
        assert len(self.documents) == sum(len(batch.documents) for batch in batches)
        assert [] == [batch for batch in batches if len(batch.documents) != len(batch.positions)]

    def test_positions_order_documents_alike_each_time(self, tmp_path: Path) -> None:
        """They can be compared, no two are equal, and a second reading gives the same."""
        feed = self.make_feed(self.documents, tmp_path, FeedQuery())
        readings = [
            {
                document[self.key]: position
                for batch in feed.read()
                for document, position in zip(batch.documents, batch.positions, strict=True)
            }
            for _ in range(2)
        ]
        feed.close()

        assert readings[0] == readings[1]
        assert len(self.documents) == len({repr(position) for position in sorted(readings[0].values())})

    def test_a_filter_leaves_only_what_matches(self, tmp_path: Path) -> None:
        """A filter of MongoDB's language, pushed down or not."""
        for filter_, expected in self.filters:
            feed = self.make_feed(self.documents, tmp_path, FeedQuery(filter=filter_))
            assert list(expected) == self.ids(list(feed.read()))
            feed.close()

    def test_asked_fields_are_there(self, tmp_path: Path) -> None:
        """A projection may leave out others, and changes none that are asked for."""
        feed = self.make_feed(self.documents, tmp_path, FeedQuery(fields=tuple(self.fields)))
        found = {document[self.key]: document for batch in feed.read() for document in batch.documents}
        feed.close()

        for path in self.fields:
            expected = {document[self.key]: _at(document, path) for document in self.documents}
            assert expected == {key: _at(document, path) for key, document in found.items()}

    def test_reading_goes_on_after_a_cursor(self, tmp_path: Path) -> None:
        """Nothing after it is left out; a feed without cursors reads everything again."""
        query = FeedQuery(cursor=self.cursor)
        feed = self.make_feed(self.documents[:-1], tmp_path, query)
        cursors = [batch.cursor for batch in feed.read() if batch.cursor is not None]
        feed.close()
        feed = self.make_feed(self.documents, tmp_path, query)
        later = self.ids(list(feed.read(cursors[-1] if cursors else None)))
        feed.close()

        assert self.documents[-1][self.key] in later
        assert not cursors or self.documents[0][self.key] not in later

    def test_a_look_up_finds_exactly_what_is_asked(self, tmp_path: Path) -> None:
        """Within the query; values that no document has are no error."""
        path, values, filter_, expected = self.look_up
        feed = self.make_feed(self.documents, tmp_path, FeedQuery(filter=filter_))
        found = self.ids(list(feed.lookup(path, values)))
        nothing = self.ids(list(feed.lookup(path, [])))
        feed.close()

        assert list(expected) == found
        assert [] == nothing

    def test_a_fingerprint_stays_while_documents_do(self, tmp_path: Path) -> None:
        """Two feeds over the same documents agree, unless the feed has none."""
        feed = self.make_feed(self.documents, tmp_path, FeedQuery())

        assert feed.fingerprint() == feed.fingerprint()
        feed.close()

    def test_making_a_feed_opens_nothing(self, tmp_path: Path) -> None:
        """What does not exist is an error when it is read, and names the feed; closing twice is none."""
        feed = self.make_missing_feed(tmp_path)
        with pytest.raises(FeedError) as caught:
            list(feed.read())
        feed.close()
        feed.close()

        assert feed.name == caught.value.feed


def _at(document: Any, path: str) -> Any:
    """Return what stands at a dotted path, None where nothing does."""
    for name in path.split("."):
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


class BrokenPixels:
    """Images of which one cannot be read."""

    def __init__(self, pixels: Pixels, broken: int) -> None:
        self._pixels = pixels
        self._broken = broken

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, row: int) -> bytes:
        if row == self._broken:
            raise DsvcError(message="this image cannot be read")
        return self._pixels[row]


class TransformTests:
    """The contract of `Transform`. A subclass names it and gives a batch it can do: one group, if its kind says so."""

    transform: ClassVar[type[Transform]]
    given: ClassVar[Mapping[str, Any]] = {}
    """Parameters, as a recipe would give them."""

    @pytest.fixture
    def batch(self) -> pa.RecordBatch:
        """Return at least two rows: `source`, then the declared inputs."""
        raise NotImplementedError

    @pytest.fixture
    def pixels(self, batch: pa.RecordBatch) -> Pixels | None:
        """Return the images of the batch, for a transform that needs them."""
        return None

    def make(self) -> Transform:
        """Return a new transform with the parameters of the suite."""
        return self.transform(fill_options(self.transform.parameters, self.given))

    def run(self, batch: pa.RecordBatch, pixels: Pixels | None) -> list[Any]:
        """Return what a new transform makes of a batch: values, and an error for each failure."""
        return self.told(self.make()(batch, pixels), batch.num_rows)

    def told(self, outcome: Outcome, n_rows: int) -> list[Any]:
        """Return values, and an error for each failure, of what a transform made of so many rows."""
        assert isinstance(outcome, Outcome)
        assert n_rows == len(outcome.values)
        assert set(outcome.failed) <= set(range(n_rows))
        values = outcome.values if isinstance(outcome.values, pa.Array) else pa.array(outcome.values, self.type)
        return [
            ("failed", outcome.failed[row]) if row in outcome.failed else value
            for row, value in enumerate(values.cast(self.type).to_pylist())
        ]

    @property
    def is_of_groups(self) -> bool:
        """Whether the transform makes groups, or all records, and not record by record."""
        return self.transform.kind != "map"

    @property
    def type(self) -> pa.DataType:
        """The declared type of the values."""
        return parse_type(self.transform.output).arrow

    def test_the_declaration_is_complete(self) -> None:
        """A version, a kind and types that there are, and parameters that are explained."""
        assert self.transform.version
        assert self.transform.kind in ("map", "group", "global")
        assert self.type is not None
        assert all(parse_type(type_) for type_ in self.transform.inputs.values() if type_ is not None)
        check_declaration(self.transform.parameters)
        assert [] == list(iter_problems(self.transform.parameters, self.given))

    def test_every_row_has_a_value_or_a_failure(self, batch: pa.RecordBatch, pixels: Pixels | None) -> None:
        """And at least one row of the suite's batch a value, of the declared type."""
        assert batch.schema.names == ["source", *self.transform.inputs]
        assert [] != [made for made in self.run(batch, pixels) if not isinstance(made, tuple)]

    def test_equal_inputs_give_equal_values(self, batch: pa.RecordBatch, pixels: Pixels | None) -> None:
        """Also from a transform made again."""
        assert repr(self.run(batch, pixels)) == repr(self.run(batch, pixels))

    def test_a_value_depends_on_its_row_alone(self, batch: pa.RecordBatch, pixels: Pixels | None) -> None:
        """Row by row, and in another order, the values are the same, unless the rows are a group."""
        if self.is_of_groups:
            pytest.skip("a value depends on the whole group")
        whole = self.run(batch, pixels)
        alone = [self.run(batch.slice(row, 1), _only(pixels, [row]))[0] for row in range(batch.num_rows)]
        rows = list(range(batch.num_rows))[::-1]
        backwards = self.run(batch.take(pa.array(rows)), _only(pixels, rows))[::-1]

        assert repr(whole) == repr(alone)
        assert repr(whole) == repr(backwards)

    def test_a_group_depends_on_its_members_alone(self, batch: pa.RecordBatch, pixels: Pixels | None) -> None:
        """Not on their pointers but for the order, nor on groups made before."""
        if not self.is_of_groups:
            pytest.skip("it makes record by record")
        renamed = pa.array([f"s3://renamed/{row:09d}" for row in range(batch.num_rows)])
        others = pa.RecordBatch.from_arrays([renamed, *batch.columns[1:]], names=batch.schema.names)
        transform = self.make()
        first = self.told(transform(batch, pixels), batch.num_rows)
        transform(batch.slice(0, 1), _only(pixels, [0]))

        assert repr(first) == repr(self.told(transform(others, pixels), batch.num_rows))

    def test_an_empty_batch_is_done(self, batch: pa.RecordBatch, pixels: Pixels | None) -> None:
        """It has no values; but no group is empty."""
        assert self.is_of_groups or [] == self.run(batch.slice(0, 0), _only(pixels, []))

    def test_a_null_input_is_no_crash(self, batch: pa.RecordBatch, pixels: Pixels | None) -> None:
        """It has a value, maybe null, or is a failure of its own record."""
        nulls = [batch.column(0), *(pa.nulls(batch.num_rows, field.type) for field in list(batch.schema)[1:])]

        assert batch.num_rows == len(self.run(pa.RecordBatch.from_arrays(nulls, names=batch.schema.names), pixels))

    def test_an_image_that_cannot_be_read_fails_alone(self, batch: pa.RecordBatch, pixels: Pixels | None) -> None:
        """The other rows of the batch keep their values, if the transform reads the row's image at all."""
        if pixels is None or self.is_of_groups:
            pytest.skip("it reads no pixels, or fails with its group")
        whole = self.run(batch, pixels)
        found = self.run(batch, BrokenPixels(pixels, 0))

        assert repr(whole[1:]) == repr(found[1:])
        assert isinstance(found[0], tuple) or repr(whole[0]) == repr(found[0])

    def test_nothing_is_written(
        self, batch: pa.RecordBatch, pixels: Pixels | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No file appears where a careless transform would leave one."""
        place = tmp_path / "empty"
        place.mkdir()
        monkeypatch.chdir(place)
        for name in ("TMPDIR", "TEMP", "TMP"):
            monkeypatch.setenv(name, str(place))
        monkeypatch.setattr("tempfile.tempdir", str(place))
        self.run(batch, pixels)

        assert [] == list(place.rglob("*"))


def _only(pixels: Pixels | None, rows: Sequence[int]) -> Pixels | None:
    """Return the images of some rows."""
    return None if pixels is None else _Chosen(pixels, rows)


class _Chosen:
    """Some images of a batch."""

    def __init__(self, pixels: Pixels, rows: Sequence[int]) -> None:
        self._pixels = pixels
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> bytes:
        return self._pixels[self._rows[row]]


class ExporterTests:
    """The contract of `Exporter`. A subclass names the exporter and reads its files back."""

    exporter: ClassVar[type[Exporter]]
    given: ClassVar[Mapping[str, Any]] = {}
    """Options, as a user would give them."""
    table: ClassVar[pa.Table] = pa.table(
        {
            "source": ["s3://faces/1", "s3://faces/2", "s3://faces/ü"],
            "n": pa.array([1, None, 3], pa.int64()),
            "label": ["a", "", None],
            "score": pa.array([0.5, None, -1.5], pa.float64()),
            "blurred": [True, None, False],
        }
    )
    """What is written; a format that cannot hold it gives another."""

    def read_back(self, path: Path) -> list[dict[str, Any]]:
        """Return the rows of a file that was written."""
        raise NotImplementedError

    def write(self, path: Path, table: pa.Table, rows_per_batch: int = 100) -> Path:
        """Write a table and return the path."""
        exporter = self.exporter(fill_options(self.exporter.options, self.given))
        exporter.write(iter(table.to_batches(rows_per_batch)), table.schema, path)
        return path

    def test_the_declaration_is_complete(self) -> None:
        """A suffix, and options that are explained."""
        assert self.exporter.suffix.startswith(".")
        check_declaration(self.exporter.options)
        assert [] == list(iter_problems(self.exporter.options, self.given))

    def test_rows_are_read_back(self, tmp_path: Path) -> None:
        """In their order, nulls as nulls, however they were batched."""
        expected = self.table.to_pylist()

        assert expected == self.read_back(self.write(tmp_path / "whole", self.table))
        assert expected == self.read_back(self.write(tmp_path / "rows", self.table, rows_per_batch=1))

    def test_equal_rows_give_equal_bytes(self, tmp_path: Path) -> None:
        """A second checkout rewrites no file whose rows are the same."""
        first, second = (self.write(tmp_path / name, self.table) for name in ("first", "second"))

        assert first.read_bytes() == second.read_bytes()

    def test_no_rows_are_a_file(self, tmp_path: Path) -> None:
        """An empty dataset is checked out too."""
        path = self.write(tmp_path / "empty", self.table.slice(0, 0))

        assert path.is_file()
        assert [] == self.read_back(path)

    def test_one_file_is_written_and_no_other(self, tmp_path: Path) -> None:
        """The caller knows all that there is to rename and to remove."""
        self.write(tmp_path / "only", self.table)

        assert ["only"] == [path.name for path in tmp_path.iterdir()]
