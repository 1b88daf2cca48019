"""A step as another process has it: the same calls, as bytes."""

from __future__ import annotations

import pickle

import pyarrow as pa
import pytest

from dsvc.engine.making.executors.work import decode_batch, decode_result, encode_batch, is_importable
from dsvc.engine.making.steps import Made
from dsvc.errors import DeriveError
from dsvc.objects.arrays import to_arrow

RECIPE = """
[step.s]
python = "steps:f"
inputs = ["x"]
parameters = { plus = 3 }
"""
CODE = """
def f(x, plus) -> int:
    if x == 13:
        raise ValueError("unlucky")
    return x + plus
"""


@pytest.fixture(name="step")
def make_step(bench):
    """A step of a Python function, as the recipe has it."""
    bench.put("x", {"a": 1, "b": 13})
    bench.write(RECIPE, steps=CODE)
    return load(bench)


def load(bench, name="s"):
    """Return a step, loaded anew."""
    from dsvc.engine.making.binding import bind_step

    loader = bench.loader
    bound = bind_step(bench.repo, bench.view, loader, loader.recipe.steps[name])
    return loader.load(bound.spec, bound.type, bound.transform)


def batch_of(*values):
    """Return a batch of x."""
    return pa.RecordBatch.from_arrays([pa.array(values, pa.int64())], names=["x"])


def plain(made: Made):
    """Return values and failures as plain values."""
    return to_arrow(made[0]).to_pylist(), made[1]


def called(step, batch):
    """Return what a copy of a step's work gives, as if it were in another process."""
    work = pickle.loads(pickle.dumps(step.work))
    return plain(decode_result(work(encode_batch(batch)), step)[0])


@pytest.mark.parametrize("values", [(1, None, 13, 5), (), (7,)])
def test_work_gives_what_the_step_gives(step, values):
    """Values, nulls and failures; also for no record."""
    values = tuple(value for value in values if value is not None)

    assert plain(step.call(batch_of(*values))) == called(step, batch_of(*values))


def test_the_time_of_a_call_is_told(step):
    """Where it was made, without the way there and back."""
    _, seconds = decode_result(step.work(encode_batch(batch_of(1))), step)

    assert seconds > 0


def test_a_batch_without_columns_keeps_its_rows():
    """A function without inputs is called for each record all the same."""
    rows = pa.StructArray.from_buffers(pa.struct([]), 5, [None], children=[])
    batch = pa.RecordBatch.from_struct_array(rows)

    assert 5 == decode_batch(encode_batch(batch)).num_rows


def test_a_part_of_a_batch_is_sent_alone():
    """Not the buffers that it is a part of."""
    whole = batch_of(*range(100_000))

    assert len(encode_batch(whole.slice(50_000, 10))) < 10_000
    assert list(range(50_000, 50_010)) == decode_batch(encode_batch(whole.slice(50_000, 10))).column(0).to_pylist()


def test_code_that_changed_meanwhile_is_refused(bench, step):
    """Its values would be kept under the transform hash of the code that was there."""
    bench.write(RECIPE, steps=CODE.replace("x + plus", "x - plus"))

    with pytest.raises(DeriveError, match="its code changed while it ran"):
        called(step, batch_of(1))


def test_what_stops_a_step_is_told(bench):
    """As it would be here: with the step, the reason and the hint."""
    bench.put("x", {"a": 1})
    bench.write(
        '[step.s]\npython = "steps:f"\ninputs = ["x"]\nbatch = true\ntype = "int64"',
        steps="import pyarrow as pa\ndef f(batch): return pa.array([1])",
    )

    with pytest.raises(DeriveError, match="steps:f gave 1 values for 2 records") as caught:
        called(load(bench), batch_of(1, 2))

    assert caught.value.hint


def test_a_run_loads_its_own_code(bench, step):
    """A process that has called one run's code calls another's when it is asked to."""
    called(step, batch_of(1))
    bench.write(RECIPE, steps=CODE.replace("x + plus", "x - plus"))

    assert ([-2], {}) == called(load(bench), batch_of(1))


def test_modules_of_no_file_are_not_importable():
    """What a notebook defines is in its own process alone."""
    assert not is_importable("__main__")
    assert not is_importable("a_module_that_nobody_has_loaded")
    assert is_importable("json")
