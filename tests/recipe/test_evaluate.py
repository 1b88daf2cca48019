"""Evaluating: values, types, order, nulls, and errors that name the expression."""

import decimal

import numpy as np
import pyarrow as pa
import pytest

from dsvc.errors import DeriveError, SchemaError
from dsvc.objects.types import parse_type
from dsvc.recipe.evaluate import SqlEvaluator
from dsvc.recipe.expressions import parse_expression, parse_select
from dsvc.recipe.paths import InputPath

P = InputPath.parse

COLUMNS = {
    P("boxes"): pa.array([[{"score": 0.5, "label": "a"}], None, []]),
    P("capture"): pa.array([{"country": "DE", "width": 1.5}, None, {"country": None, "width": 2.0}]),
    P("quality"): pa.array([1, None, 3], pa.int8()),
    P("quality._origin"): pa.array(["model", None, "human"]),
}


@pytest.fixture(name="evaluator", scope="module")
def _evaluator():
    with SqlEvaluator() as evaluator:
        yield evaluator


def evaluate(evaluator, text, columns=None, **more):
    """Return the values of one expression."""
    return evaluator.evaluate([parse_expression(text)], COLUMNS if columns is None else columns, **more)[0]


@pytest.mark.parametrize(
    "text,type_,values",
    [
        ("len(boxes)", pa.int64(), [1, None, 0]),
        ("capture.country", pa.string(), ["DE", None, None]),
        ("capture.country.lower()", pa.string(), ["de", None, None]),
        ("capture.width * 2", pa.float64(), [3.0, None, 4.0]),
        ("quality >= 2", pa.bool_(), [False, None, True]),
        ("quality._origin = 'human'", pa.bool_(), [False, None, True]),
        ("quality + 1.5", pa.decimal128(5, 1), [decimal.Decimal("2.5"), None, decimal.Decimal("4.5")]),
        ("CAST('a' AS ENUM('a', 'b'))", pa.string(), ["a", "a", "a"]),
        ("[b.score for b in boxes]", pa.list_(pa.float64()), [[0.5], None, []]),
        ("NULL", pa.null(), [None, None, None]),
        ("1", pa.int32(), [1, 1, 1]),
        ("DATE '2024-05-01'", pa.date32(), None),
        ("TIMESTAMPTZ '2024-05-01 12:00:00+02'", pa.timestamp("us", "UTC"), None),
        ("capture -> 'country'", pa.string(), ['"DE"', None, "null"]),
        ("1.0::DOUBLE / 0", pa.float64(), [np.inf, np.inf, np.inf]),
    ],
)
def test_values_and_types(evaluator, text, type_, values):
    """Results come in our plain types, nulls where SQL says NULL."""
    found = evaluate(evaluator, text)

    assert type_ == found.type
    assert values is None or values == found.to_pylist()


def test_a_bare_input_is_not_changed(evaluator):
    """Types that the engine lacks or folds pass through; the array is the one handed in."""
    column = pa.array([None, 5], pa.timestamp("ns", "Europe/Berlin"))

    assert evaluate(evaluator, "x", {P("x"): column}) is column


@pytest.mark.parametrize(
    "text,hint",
    [
        ("quality::HUGEINT", "CAST(... AS BIGINT)"),
        ("list_sum([1, quality])", "CAST(... AS BIGINT)"),
        ("[list_sum([1])]", "CAST(... AS BIGINT)"),
        ("{'a': INTERVAL 3 DAY}", "epoch(...)"),
        ("MAP {'a': quality}", "map_entries(...)"),
        ("'101'::BIT", "VARCHAR"),
        ("'6ccd780c-baba-1026-9564-5b8c656024db'::UUID", "VARCHAR"),
    ],
)
def test_a_type_that_is_not_stored_is_refused_with_a_way_out(evaluator, text, hint):
    """Also inside of lists and structs: nothing is narrowed in silence."""
    with pytest.raises(DeriveError, match="which is not stored") as caught:
        evaluate(evaluator, text)

    assert hint in caught.value.hint


def test_rows_keep_their_order_and_number():
    """Over many batches of the engine's own, on several threads."""
    n = 300_000
    rng = np.random.default_rng(1)
    values = rng.integers(0, 1 << 40, n)
    with SqlEvaluator(threads=2) as evaluator:
        found = evaluate(evaluator, "[e * 2 for e in [x]][1]", {P("x"): pa.array(values)})

    assert (values * 2).tolist() == found.to_pylist()


def test_a_batch_may_be_empty_or_have_no_inputs(evaluator):
    """The number of rows is then said."""
    assert 0 == len(evaluate(evaluator, "len(x)", {P("x"): pa.array([], pa.string())}))
    assert [7, 7] == evaluate(evaluator, "7", {}, n_rows=2).to_pylist()
    with pytest.raises(ValueError, match="n_rows"):
        evaluate(evaluator, "7", {})


def test_null_bytes_and_sliced_columns(evaluator):
    """Text with NUL, slices and garbage under nulls are read as the values they are."""
    texts = pa.array(["x", "a\0b", None, "", "ü"])[1:]

    assert ["a\0b!", None, "!", "ü!"] == evaluate(evaluator, "t || '!'", {P("t"): texts}).to_pylist()


def test_half_floats_are_read(evaluator):
    """The engine has none; they widen without loss."""
    column = pa.array(np.array([1.5, 2.5], np.float16))

    assert [3.0, 5.0] == evaluate(evaluator, "h * 2", {P("h"): column}).to_pylist()


def test_several_expressions_are_one_query_and_one_name_each(evaluator):
    """Equal expressions are evaluated once; results come in the order asked."""
    asked = [parse_expression(text) for text in ("len(boxes)", "quality", "len( boxes )")]
    found = evaluator.evaluate(asked, COLUMNS)

    assert [[1, None, 0], [1, None, 3], [1, None, 0]] == [values.to_pylist() for values in found]


def test_a_step_is_a_struct_or_one_value(evaluator):
    """Fields are sorted by name; one column named like the signal is its value."""
    select = parse_select("SELECT len(boxes) AS n, capture.width AS average")

    assert {"average": 1.5, "n": 1} == evaluator.select(select, COLUMNS, signal="face_count")[0].as_py()
    assert [1, None, 0] == evaluator.select(parse_select("SELECT len(boxes) AS n"), COLUMNS, signal="n").to_pylist()


def test_the_type_of_a_step_is_known_without_data(evaluator):
    """From the types of its inputs alone."""
    types = {P("boxes"): parse_type("boxes"), P("capture.width"): parse_type("float32")}
    select = parse_select("SELECT len(boxes) AS n, capture.width AS w, [b.label for b in boxes] AS labels")

    found = evaluator.output_type(select, types, signal="x")

    assert "struct<labels: list<string>, n: int64, w: float32>" == str(found)


def test_only_true_selects(evaluator):
    """FALSE and NULL do not; no null is left."""
    found = evaluator.where(parse_expression("quality >= 2"), COLUMNS)

    assert [False, False, True] == found.to_pylist()
    assert 0 == found.null_count
    assert [False] * 3 == evaluator.where(parse_expression("NULL"), COLUMNS).to_pylist()


def test_a_where_is_a_condition(evaluator):
    """A number is none."""
    with pytest.raises(DeriveError, match="of type int64, expected a condition"):
        evaluator.where(parse_expression("len(boxes)"), COLUMNS, name="detector")


@pytest.mark.parametrize(
    "text,reason",
    [
        ("CAST(capture.country AS INTEGER)", "Could not convert string 'DE' to INT32"),
        ("[b.labell for b in boxes]", 'Could not find key "labell" in struct'),
        ("error('no such class')", "no such class"),
        ("quality + 9223372036854775807", "Overflow"),
    ],
)
def test_what_fails_is_named(evaluator, text, reason):
    """The expression that failed, also among others that do not; our column names are not shown."""
    with pytest.raises(DeriveError) as caught:
        evaluator.evaluate([parse_expression("len(boxes)"), parse_expression(text)], COLUMNS, name="a_step")

    assert "a_step" == caught.value.step
    assert caught.value.reason.startswith(f"`{text}`: ")
    assert reason in caught.value.reason
    assert "_dsvc" not in caught.value.reason


def test_an_evaluator_goes_on_after_an_error(evaluator):
    """One bad batch does not spoil the next."""
    with pytest.raises(DeriveError):
        evaluate(evaluator, "error('x')")

    assert [1, None, 0] == evaluate(evaluator, "len(boxes)").to_pylist()


def test_a_missing_field_names_the_nearest(evaluator):
    """Fields are found by us, not by the engine."""
    with pytest.raises(SchemaError, match="capture has no field 'contry'"):
        evaluate(evaluator, "capture.contry = 'DE'")


def test_closing_twice_is_fine():
    """And an evaluator that never ran has nothing to close."""
    evaluator = SqlEvaluator()
    evaluator.close()
    evaluate(evaluator, "1", {}, n_rows=1)
    evaluator.close()
    evaluator.close()
