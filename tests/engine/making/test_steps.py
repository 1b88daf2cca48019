"""How steps make values of a batch, and how what fails fails alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.making.steps import PythonBatchStep, PythonStep, SqlStep, TransformStep, tell
from dsvc.engine.reading.inputs import Input, Inputs
from dsvc.engine.reading.probe import Probe
from dsvc.errors import DeriveError
from dsvc.objects.arrays import to_arrow
from dsvc.objects.provenance import Provenance
from dsvc.objects.types import parse_type
from dsvc.plugins.contracts import Outcome, RecordTransform, Transform
from dsvc.plugins.options import Option
from dsvc.recipe.evaluate import SqlEvaluator
from dsvc.recipe.expressions import parse_select
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import StepSpec
from tests.engine.signals import INT, keys_of, new_writer, write_signal

X = InputPath("x")
MADE = Provenance("step", "p", "0")
TEXT = parse_type("text")


def columns_of(values, type_=INT, name="x"):
    """Return the inputs of sources a, b, ... that have these values."""
    writer = new_writer()
    sources = [chr(97 + i) for i in range(len(values))]
    signal = write_signal(writer, dict(zip(sources, values, strict=True)), type_)
    inputs = Inputs(writer, [Input(InputPath(name), True, *signal)])
    return inputs.take(Probe(writer, keys_of(*sources)))


def called(step, columns):
    """Return the values and failures of a call."""
    values, failed = step(columns)
    return to_arrow(values).to_pylist(), failed


def python(function, kind=PythonStep, type_="int64", **parameters):
    """Return a Python step over x."""
    spec = StepSpec("s", "python", "m:f", inputs=(X,), batch=kind is PythonBatchStep, parameters=parameters)
    return kind(spec, parse_type(type_), MADE, function)


def sql(text, type_="int64"):
    """Return an SQL step over x."""
    select = parse_select(text)
    spec = StepSpec("s", "sql", text, select=select, inputs=select.inputs)
    return SqlStep(spec, parse_type(type_), MADE, SqlEvaluator())


def test_sql_makes_a_batch_at_once():
    """A SELECT list gives one value per record, null in, null out."""
    assert ([11, None, 13], {}) == called(sql("SELECT x + 10 AS s"), columns_of([1, None, 3]))


@given(st.lists(st.sampled_from(["1", "x", "22", ""]), min_size=1, max_size=9))
def test_a_failing_sql_batch_is_bisected(values):
    """Exactly the records that fail on their own fail, each with its own reason."""
    found, failed = called(sql("SELECT CAST(x AS BIGINT) AS s"), columns_of(values, TEXT))

    bad = [row for row, value in enumerate(values) if not value.isdigit()]
    assert bad == sorted(failed)
    assert all(f"'{values[row]}'" in failed[row] for row in bad)
    assert [int(value) if value.isdigit() else None for value in values] == found


def test_sql_values_must_fit_a_declared_type():
    """A value that the declared type does not hold fails its record."""
    found, failed = called(sql("SELECT x * 100 AS s", "int8"), columns_of([1, 2]))

    assert [100, None] == found
    assert {1: "expected int8, found 200"} == failed


def test_a_python_function_gets_values_and_parameters():
    """Inputs come in order as plain values, parameters by keyword."""
    step = python(lambda x, p: None if x is None else x * p, p=3)

    assert ([3, None], {}) == called(step, columns_of([1, None]))
    assert 2 == step.n_ran


def test_a_record_that_raises_fails_alone():
    """The error's name and text are kept."""

    def function(x):
        if x == 2:
            raise ValueError("two")
        return x

    assert ([1, None, 3], {1: "ValueError: two"}) == called(python(function), columns_of([1, 2, 3]))


def test_a_batch_function_is_bisected():
    """Whatever raises for a batch is found by halving it; the others keep their values."""
    sizes = []

    def function(batch):
        sizes.append(batch.num_rows)
        values = batch.column("x").to_pylist()
        if 3 in values:
            raise RuntimeError("three")
        return pa.chunked_array([[value * 2 for value in values]])

    step = python(function, PythonBatchStep)

    assert ([2, 4, None, 8], {2: "RuntimeError: three"}) == called(step, columns_of([1, 2, 3, 4]))
    assert [4, 2, 2, 1, 1] == sizes
    assert 4 == step.n_ran


def test_a_value_for_each_record_is_demanded():
    """A function that gives another number of values is wrong whatever the records: the step stops."""
    with pytest.raises(DeriveError, match="m:f gave 1 values for 2 records"):
        called(python(lambda batch: pa.array([1]), PythonBatchStep), columns_of([1, 2]))


class Twice(RecordTransform):
    """Doubles."""

    version = "2"
    output = "int64"
    inputs = {"number": "int64"}
    parameters = {"plus": Option(int, "added", default=0)}

    def record(self, values, image):
        if values["number"] == 5:
            raise ValueError("five")
        return values["number"] * 2 + self.settings["plus"]


class Length(Transform):
    """Reads pixels."""

    version = "1"
    output = "int64"
    needs_pixels = True

    def __call__(self, batch, pixels=None):
        failed = {}
        values = []
        for row in range(batch.num_rows):
            try:
                values.append(len(pixels[row]))
            except Exception as err:  # noqa: BLE001
                failed[row], _ = str(err), values.append(None)
        return Outcome(values, failed)


def test_an_installed_transform_gets_its_own_names_and_defaults():
    """Columns are named as the transform declares, parameters have their defaults, failures are its own."""
    spec = StepSpec("s", "transform", "twice", inputs=(X,), parameters={"plus": 1})

    step = TransformStep(spec, INT, MADE, Twice)

    assert ([3, None], {1: "ValueError: five"}) == called(step, columns_of([1, 5]))
    assert ([2], {}) == called(
        TransformStep(StepSpec("s", "transform", "t", inputs=(X,)), INT, MADE, Twice), columns_of([1])
    )


def test_a_transform_is_given_the_pointers_first():
    """As its contract says; nothing else of the source."""

    class Names(Transform):
        version = "1"
        output = "text"
        inputs = {"number": "int64"}

        def __call__(self, batch, pixels=None):
            return Outcome([f"{batch.schema.names} {source}" for source in batch.column("source").to_pylist()])

    step = TransformStep(StepSpec("s", "transform", "n", inputs=(X,)), TEXT, MADE, Names)

    assert (["['source', 'number'] a"], {}) == called(step, columns_of([7]))


def test_a_transform_that_raises_is_bisected():
    """A transform that fails as a whole fails only on the records that it fails on."""

    class Whole(Transform):
        version = "1"
        output = "int64"

        def __call__(self, batch, pixels=None):
            if 2 in batch.column("x").to_pylist():
                raise KeyError("two")
            return Outcome(batch.column("x"))

    step = TransformStep(StepSpec("s", "transform", "w", inputs=(X,)), INT, MADE, Whole)

    assert ([1, None], {1: "KeyError: 'two'"}) == called(step, columns_of([1, 2]))


def test_pixels_are_read_through_the_pointer(tmp_path):
    """A step that reads pixels alone has rows without columns; an image that is missing fails its record."""
    image = tmp_path / "a.png"
    image.write_bytes(b"12345")
    writer = new_writer()
    here, gone = image.as_uri(), (tmp_path / "b.png").as_uri()
    content = write_signal(writer, {here: {"id": "1"}, gone: {"id": "2"}}, parse_type("struct<id: string>"))
    inputs = Inputs(writer, [Input(InputPath("content", ("id",)), False, *content)])
    step = TransformStep(StepSpec("s", "transform", "length", pixels=True), INT, MADE, Length)

    values, failed = called(step, inputs.take(Probe(writer, keys_of(here, gone))))

    assert [5, None] == values
    assert "does not exist" in failed[1]


@pytest.mark.parametrize(
    ("err", "text"),
    [
        (ValueError("no"), "ValueError: no"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (DeriveError(step="s", reason="because"), "because"),
    ],
)
def test_why_a_record_failed(err, text):
    """An error is told by its name and text, ours by its reason."""
    assert text == tell(err)


@pytest.mark.parametrize("end", [SystemExit(0), GeneratorExit(), BaseException("a panic")])
@pytest.mark.parametrize("kind", [PythonStep, PythonBatchStep])
def test_what_would_end_the_program_is_a_failure_of_its_record(kind, end):
    """A step that calls `sys.exit()` must not end a run, least of all with status 0."""

    def function(x):
        if (kind is PythonStep and x == 2) or (kind is PythonBatchStep and 2 in x.column(0).to_pylist()):
            raise end
        return x if kind is PythonStep else x.column(0)

    values, failed = called(python(function, kind), columns_of([1, 2, 3]))

    assert ([1, None, 3], {1: tell(end)}) == (values, failed)


@pytest.mark.parametrize(
    ("given_", "found"),
    [
        (None, "a value of type NoneType"),
        ((x for x in [1, 2]), "a value of type generator"),
        ("ab", "a value of type str"),
        ({1, 2}, "a value of type set"),
        (pa.record_batch({"x": [1, 2]}), "a value of type RecordBatch"),
        (np.array(1), "a value of type ndarray"),
        ([1], "1 values"),
    ],
)
def test_a_batch_function_that_gives_no_values_is_told_so(given_, found):
    """What it gave instead is named, for whoever forgot a `return`."""
    with pytest.raises(DeriveError, match=f"m:f gave {found} for 2 records"):
        called(python(lambda batch: given_, PythonBatchStep), columns_of([1, 2]))


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        (None, "gave a value of type NoneType"),
        ([1, 2], "gave a value of type list"),
        (Outcome([1, 2], None), "gave failures of type NoneType"),
        (Outcome([1, 2], {2: "why"}), "gave a failure of row 2 of 2"),
        (Outcome([1, 2], {-1: "why"}), "gave a failure of row -1 of 2"),
        (Outcome([1, 2], {"a": "why"}), "gave a failure of row 'a' of 2"),
        (Outcome(None), "gave a value of type NoneType for 2 records"),
    ],
)
def test_a_transform_that_breaks_its_contract_is_named(outcome, found):
    """Neither does a failure go to another record, nor does the error tell of dsvc's own code."""

    class Odd(Transform):
        version, output, inputs = "1", "int64", {"x": None}

        def __call__(self, batch, pixels=None):
            return outcome

    step = TransformStep(StepSpec("s", "transform", "odd", inputs=(X,)), INT, MADE, Odd)

    with pytest.raises(DeriveError, match=found):
        called(step, columns_of([1, 2]))


def test_why_a_transform_says_a_row_failed_is_kept_as_text():
    """Whatever it put there, and with numpy's integers as rows."""

    class Odd(Transform):
        version, output, inputs = "1", "int64", {"x": None}

        def __call__(self, batch, pixels=None):
            return Outcome([1, 2], {np.int64(1): ValueError("why")})

    step = TransformStep(StepSpec("s", "transform", "odd", inputs=(X,)), INT, MADE, Odd)

    assert ([1, None], {1: "why"}) == called(step, columns_of([1, 2]))
