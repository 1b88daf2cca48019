"""What the values of a table are like, against counting by hand."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.looking.profile import MAX_CLASSES, class_counts, make_profile

SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("label", pa.string()),
        ("ok", pa.bool_()),
        ("rating", pa.int8()),
        ("score", pa.float64()),
        ("boxes", pa.list_(pa.int64())),
        ("capture", pa.struct([("country", pa.string()), ("age", pa.int64())])),
        ("split", pa.string()),
    ]
)
ROW = st.fixed_dictionaries(
    {
        "source": st.text(max_size=2),
        "label": st.none() | st.sampled_from(["a", "b", "c"]),
        "ok": st.none() | st.booleans(),
        "rating": st.none() | st.integers(1, 5),
        "score": st.none() | st.floats(0, 1) | st.just(float("nan")),
        "boxes": st.none() | st.lists(st.integers(0, 3), max_size=3),
        "capture": st.none() | st.fixed_dictionaries({"country": st.sampled_from(["DE", None]), "age": st.just(3)}),
        "split": st.sampled_from(["train", "test"]),
    }
)


def profile(batches, **options):
    """Return the profile of rows that come in batches."""
    return make_profile(
        [pa.RecordBatch.from_pylist(rows, SCHEMA) for rows in batches],
        SCHEMA,
        parts=("train", "test"),
        part_column="split",
        **options,
    )


def expected_classes(rows, pick):
    """Count the values of a column, in all and by part."""
    found = {(value, row["split"]) for row in rows if (value := pick(row)) is not None}
    counts = Counter((pick(row), row["split"]) for row in rows)
    return {value: tuple(counts[value, part] for part in ("train", "test")) for value, _ in found}


@given(st.lists(st.lists(ROW, max_size=6), max_size=4))
def test_counts_are_those_of_counting(batches):
    """Classes by part, nulls, fields of structs, lengths of lists."""
    rows = [row for batch in batches for row in batch]
    found = profile(batches)
    columns = {column.name: column for column in found.columns}
    picks = {
        "label": lambda row: row["label"],
        "ok": lambda row: row["ok"],
        "rating": lambda row: row["rating"],
        "capture.country": lambda row: (row["capture"] or {}).get("country"),
        "capture.age": lambda row: (row["capture"] or {}).get("age"),
    }

    assert (len(rows), ["train", "test"]) == (found.rows, [name for name, _ in found.parts])
    for name, pick in picks.items():
        assert expected_classes(rows, pick) == {item.value: item.parts for item in columns[name].classes}
        assert sum(pick(row) is None for row in rows) == columns[name].nulls
    lengths = [len(row["boxes"]) for row in rows if row["boxes"] is not None]
    told = columns["boxes"].histogram
    assert (lengths and (min(lengths), max(lengths))) == (lengths and (told.minimum, told.maximum))
    n_nan = sum(row["score"] is not None and row["score"] != row["score"] for row in rows)
    assert n_nan == columns["score"].not_finite


@given(st.lists(ROW, max_size=8))
def test_batches_do_not_matter(rows):
    """One by one or all at once."""
    one, other = profile([rows]), profile([[row] for row in rows])

    assert [(c.classes, c.nulls) for c in one.columns] == [(c.classes, c.nulls) for c in other.columns]


def test_too_many_values_are_no_classes():
    """A column of names, say; memory stays bounded, and nulls are counted on."""
    schema = pa.schema([("name", pa.string())])
    values = [None, *map(str, range(MAX_CLASSES + 1)), None]
    batches = [
        pa.RecordBatch.from_arrays([pa.array(values[at : at + 100])], schema=schema) for at in range(0, 4200, 100)
    ]
    (column,) = make_profile(batches, schema).columns

    assert (None, None, 2) == (column.classes, column.distinct, column.nulls)


def test_times_and_decimals_have_histograms():
    """Times in seconds, decimals as numbers."""
    table = pa.table({"at": [datetime(2026, 1, 1, tzinfo=UTC)], "d": [Decimal("1.5")], "raw": [b"x"]})
    at, decimal, raw = make_profile(table.to_batches(), table.schema).columns

    assert ("time", 1767225600.0) == (at.histogram.unit, at.histogram.minimum)
    assert 1.5 == decimal.histogram.mean
    assert (None, None) == (raw.histogram, raw.classes)


def test_without_a_split_there_is_one_count():
    """And what has classes can be compared."""
    table = pa.table({"source": ["a", "b"], "label": ["x", "x"]})
    found = make_profile(table.to_batches(), table.schema)

    assert ((), 2, {"label": {"x": 2}}) == (found.parts, found.rows, class_counts(found))


def test_types_are_named_as_a_recipe_names_them():
    """Not as the library that holds the values does."""
    named = {column.name: column.type for column in profile([]).columns}

    assert ("string", "float64", "list<int64>") == (named["label"], named["score"], named["boxes"])
