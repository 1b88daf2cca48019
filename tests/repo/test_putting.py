import pyarrow as pa
import pytest

from dsvc.errors import (
    DuplicateSourceError,
    EncodedImageError,
    InvalidNameError,
    PointerError,
    RecordTooLargeError,
    SchemaError,
    SignalNotFoundError,
    SignalOwnedError,
    SignalTypeError,
)
from dsvc.objects.oid import ZERO
from dsvc.objects.state import Derived, Ingested, State
from dsvc.repo import incoming
from dsvc.repo.draft import DraftEdit


def test_put_upserts(put, values):
    """A source without a record gets one, one with a record gets the new value, and the rest stays."""
    put("quality", {"s3://a": 1, "s3://b": 2})
    report = put("quality", {"s3://b": 3, "s3://c": 4, "s3://a": 1})
    assert {"s3://a": 1, "s3://b": 3, "s3://c": 4} == values("quality")
    assert (1, 1, 1, 3) == (report.added, report.changed, report.same, report.n_records)


@pytest.mark.parametrize(
    "producer, expected",
    [("spoof@2.1.0", ("spoof", "2.1.0")), ("spoof", ("spoof", "0")), ("a@b@3", ("a@b", "3")), ("x@", ("x", ""))],
)
def test_the_producer_is_cut_at_its_last_at_sign(repo, producer, expected):
    """`name@version`; without a version it is 0. The origin is `import`, the transform hash zero."""
    repo.put("quality", {"source": ["s3://a"], "quality": [1]}, producer=producer)
    given = repo.record("quality", "s3://a", "@draft").provenance
    assert (*expected, "import", ZERO, "final") == (
        given.producer,
        given.version,
        given.origin,
        given.transform,
        given.standing,
    )


@pytest.mark.parametrize("producer", ["", "@1"])
def test_a_producer_has_a_name(put, producer):
    """An empty name is refused."""
    with pytest.raises(InvalidNameError, match="NAME@VERSION"):
        put("quality", {"s3://a": 1}, producer=producer)


def test_a_null_value_is_a_record(put, values):
    """A source put with null has a record; one that was not put has none."""
    put("quality", {"s3://a": None, "s3://b": 1})
    assert {"s3://a": None, "s3://b": 1} == values("quality")


def test_a_new_producer_of_equal_values_is_a_change(repo, put):
    """Other provenance with the same values changes the root, and counts as the same value."""
    put("quality", {"s3://a": 1})
    before = repo.view("@draft")
    report = put("quality", {"s3://a": 1}, producer="model@2")
    after = repo.view("@draft")
    assert (1, 0) == (report.same, report.changed)
    assert before.root_id != after.root_id
    assert before.get_signal("quality").value_id == after.get_signal("quality").value_id


def test_the_type_is_fixed_while_there_are_records(repo, put, values):
    """Another type is refused, with `--replace` in the hint, until the last record is gone."""
    put("quality", {"s3://a": 1})
    with pytest.raises(SignalTypeError) as caught:
        put("quality", {"s3://b": "good"})
    assert "--replace" in caught.value.hint
    repo.remove("quality", ["s3://a"])
    put("quality", {"s3://b": "good"})
    assert {"s3://b": "good"} == values("quality")


def test_replace_drops_all_other_records_and_the_type(put, values):
    """`replace` leaves exactly what was put; the report says what that did."""
    put("quality", {"s3://a": 1, "s3://b": 2, "s3://c": 3})
    report = put("quality", {"s3://b": 2, "s3://c": 4, "s3://d": 5}, replace=True)
    assert {"s3://b": 2, "s3://c": 4, "s3://d": 5} == values("quality")
    assert (1, 1, 1, 1) == (report.added, report.changed, report.same, report.removed)
    report = put("quality", {"s3://a": "x"}, replace=True)
    assert (1, 3) == (report.added, report.removed)
    put("quality", {}, replace=True, arrow=pa.int8())
    with pytest.raises(SignalNotFoundError):
        values("quality")


def test_nulls_alone_fit_any_type(put, values):
    """A column of nothing but nulls joins a signal of any type."""
    put("quality", {"s3://a": 1})
    put("quality", {"s3://a": None, "s3://b": None})
    assert {"s3://a": None, "s3://b": None} == values("quality")


def test_a_field_of_nothing_but_nulls_fits_any_type(put, values):
    """A detector that gives no labels puts boxes all the same; another field that is missing is refused."""
    box = {"x": 1.0, "y": 2.0, "w": 3.0, "h": 4.0, "score": 0.5}
    report = put("faces", {"s3://a": [{**box, "label": None}], "s3://b": None, "s3://c": []}, type="boxes")
    assert ("boxes", 3) == (report.type, report.added)
    assert {"s3://a": [{**box, "label": None}], "s3://b": None, "s3://c": []} == values("faces")
    put("faces", {"s3://b": [{**box, "label": None}]})
    with pytest.raises(SignalTypeError):
        put("faces", {"s3://d": [box]})


def test_a_named_type_is_kept(repo, put):
    """A type given by name is the signal's, and puts of the same storage join it without naming it."""
    put("quality", {"s3://a": 3}, type="rating(5)", arrow=pa.int8())
    put("quality", {"s3://b": 4}, arrow=pa.int8())
    assert "rating(5)" == str(repo.view("@draft").get_tree("quality").type)
    with pytest.raises(SignalTypeError):
        put("quality", {"s3://b": 4}, arrow=pa.int8(), type="rating(7)")
    with pytest.raises(SignalTypeError):
        put("other", {"s3://b": 4.5}, type="rating(5)")
    with pytest.raises(SchemaError):
        put("other", {"s3://b": 4}, type="no_such_type")


@pytest.mark.parametrize(
    "records, error",
    [
        ({"": 1}, PointerError),
        ({"x" * 1101: 1}, PointerError),
        ({"s3://a": "data:image/png;base64,iVBORw0KGgo"}, EncodedImageError),
        ({"s3://a": "x" * 300_000}, RecordTooLargeError),
    ],
    ids=["empty pointer", "long pointer", "image", "heavy"],
)
def test_what_is_refused_changes_nothing(repo, put, records, error):
    """A refused put leaves the draft and the log as they were."""
    put("quality", {"s3://a": 1})
    before, operations = repo.view("@draft").root_id, len(list(repo.operations()))
    with pytest.raises(error):
        put("thing", records)
    assert (before, operations) == (repo.view("@draft").root_id, len(list(repo.operations())))


def test_duplicates_are_refused(repo):
    """A source twice in one put is an error that names it, in a table and in a stream."""
    table = pa.table({"source": ["s3://b", "s3://a", "s3://b"], "quality": [1, 2, 1]})
    for data in (table, iter(table.to_batches(max_chunksize=1))):
        with pytest.raises(DuplicateSourceError, match="s3://b"):
            repo.put("quality", data, producer="m@1")


@pytest.mark.parametrize("name", ["source", "content", "Bad", "a.b"])
def test_names_of_signals(put, name):
    """Built-in and impossible names are refused."""
    with pytest.raises(InvalidNameError):
        put(name, {"s3://a": 1})


def test_what_the_recipe_makes_is_not_put_by_hand(repo, put):
    """A derived and an ingested signal refuse put and remove, and say which table makes them."""
    for name in ("derived", "ingested"):
        put(name, {"s3://a": 1})
    state = State(derived=(Derived("derived", ZERO),), ingested=(Ingested("ingested", ZERO, "images"),))
    repo.edit_draft(lambda view, writer: DraftEdit(state=state), command="state")
    for name, owner in (("derived", "step.derived"), ("ingested", "signal.ingested")):
        with pytest.raises(SignalOwnedError, match=owner):
            put(name, {"s3://a": 2})
        with pytest.raises(SignalOwnedError, match=owner):
            repo.remove(name, ["s3://a"])


def test_removing_records(repo, put, values):
    """Sources with a record lose it, others are passed over; a signal without records is gone."""
    put("quality", {"s3://a": 1, "s3://b": 2, "s3://c": 3})
    assert 2 == repo.remove("quality", ["s3://c", "s3://nowhere", "s3://a", "s3://a"])
    assert {"s3://b": 2} == values("quality")
    assert 0 == repo.remove("quality", [])
    assert 1 == repo.remove("quality", pa.array(["s3://b"]))
    assert {} == repo.view("@draft").signals
    with pytest.raises(SignalNotFoundError):
        repo.remove("quality", "s3://b")


def test_a_long_stream_is_put_whole(repo, values, monkeypatch):
    """Streams of many segments, in any order, into a new signal and into one with records."""
    monkeypatch.setattr(incoming, "SEGMENT_ROWS", 1000)
    n = 10_000
    order = [(i * 7919) % n for i in range(n)]
    table = pa.table({"source": [f"s3://{i:05}" for i in order], "quality": order})
    report = repo.put("quality", table.to_reader(max_chunksize=300), producer="m@1")
    assert (n, 0) == (report.added, report.changed)
    whole = repo.view("@draft").root_id
    other = table.set_column(1, "quality", pa.array([-i for i in order]))
    report = repo.put("quality", other.to_reader(max_chunksize=300), producer="m@1")
    assert (0, n - 1, 1) == (report.added, report.changed, report.same)
    repo.put("quality", table, producer="m@1")
    assert whole == repo.view("@draft").root_id
    assert [] == list(repo.layout.tmp.iterdir())


def test_signals_of_one_table_share_their_keys(repo, monkeypatch):
    """The sources of a table are prepared once, however many of its signals are put."""
    from dsvc.repo import records

    made = []
    original = records.SourceColumn.__init__

    def counted(self, *args):
        made.append(args)
        original(self, *args)

    monkeypatch.setattr(records.SourceColumn, "__init__", counted)
    table = pa.table({"source": ["s3://b", "s3://a"], "x": [1, 2], "y": [3, 4]})
    for name in ("x", "y"):
        repo.put(name, table.select(["source", name]), producer="m@1")
    assert 1 == len(made)
    assert [{"source": "s3://a", "x": 2, "y": 4}, {"source": "s3://b", "x": 1, "y": 3}] == repo.read(
        "@draft"
    ).to_pylist()
