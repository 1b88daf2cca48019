"""Output types, transform hashes and code of the steps of a recipe."""

from __future__ import annotations

import pytest

from dsvc.engine.making.binding import bind_step
from dsvc.engine.making.steps import PythonBatchStep, PythonStep, SqlStep
from dsvc.engine.reading.inputs import Inputs
from dsvc.errors import DeriveError, RecipeError, SchemaError

CODE = """
def one(x) -> int:
    return 1

def any(x):
    return 1
"""


@pytest.fixture
def load(bench):
    """Returns a loader and the step `s` of a recipe, with its inputs."""
    bench.put("x", {"a": 1.5})

    def load(lines, code=CODE):
        bench.write(f"[step.s]\n{lines}", steps=code)
        loader = bench.loader
        spec = loader.recipe.steps["s"]
        return loader, spec, Inputs.bind(bench.view, spec.depends, spec.required, loader.declared_types)

    return load


@pytest.mark.parametrize(
    ("lines", "expected", "kind"),
    [
        ('sql = "SELECT x > 1 AS s"', "bool", SqlStep),
        ('sql = "SELECT x AS a, 1 AS b"', "struct<a: float64, b: int32>", SqlStep),
        ('sql = "SELECT x AS s"\ntype = "score"', "score", SqlStep),
        ('python = "steps:one"\ninputs = ["x"]', "int64", PythonStep),
        ('python = "steps:any"\ninputs = ["x"]\ntype = "text"', "text", PythonStep),
        ('python = "steps:any"\ninputs = ["x"]\ntype = "text"\nbatch = true', "text", PythonBatchStep),
    ],
)
def test_output_types(load, lines, expected, kind):
    """As declared; else as the SQL engine or the return annotation says."""
    loader, spec, inputs = load(lines)

    type_ = loader.output_type(spec, inputs)
    step = loader.load(spec, type_, loader.transform_hash(spec, type_))

    assert expected == str(type_)
    assert kind is type(step)


@pytest.mark.parametrize("batch", ["", "\nbatch = true"])
def test_a_type_is_never_guessed_from_values(load, batch):
    """A function that says nothing of its type must declare it: the error says how."""
    loader, spec, inputs = load(f'python = "steps:any"\ninputs = ["x"]{batch}')

    with pytest.raises(RecipeError, match=r"dsvc.toml:1: step.s.type: expected the type of its values") as caught:
        loader.output_type(spec, inputs)

    assert 'type = "float64"' in str(caught.value.hint)


def test_what_the_engine_refuses_stops_the_step(load):
    """A SELECT list that is wrong whatever the record is no failure of records."""
    loader, spec, inputs = load('sql = "SELECT x.f AS s"')

    with pytest.raises(SchemaError, match="x has no field 'f'"):
        loader.output_type(spec, inputs)


@pytest.mark.parametrize("text", ["SELECT x[1] AS s", "SELECT upper(x) + 1 AS s"])
def test_what_the_engine_cannot_bind_stops_the_step(load, text):
    """Types that do not go together are no failure of records either."""
    loader, spec, inputs = load(f'sql = "{text}"')

    with pytest.raises(DeriveError, match="step 's'"):
        loader.output_type(spec, inputs)


def test_provenance_names_producer_version_and_hash(load, bench):
    """Producer is the function or `sql`, version the declared one, else 0."""
    loader, spec, _ = load('python = "steps:one"\ninputs = ["x"]\nversion = "3"')
    bound = bind_step(bench.repo, bench.view, loader, spec)

    made = loader.provenance(spec, bound.transform)

    assert ("step", "steps:one", "3", bound.transform, "final") == (
        made.origin,
        made.producer,
        made.version,
        made.transform,
        made.standing,
    )
    loader, spec, _ = load('sql = "SELECT x AS s"')
    assert "sql" == loader.provenance(spec, bound.transform).producer
    assert "0" == loader.provenance(spec, bound.transform).version


def test_declared_types_are_those_of_signals_and_steps(bench):
    """What a recipe declares is known before there is a record."""
    bench.put("x", {"a": 1})
    bench.write(
        """
        [feed.images]
        plugin = "files"
        path = "*.jsonl"
        pointer = "uri"
        [signal.quality]
        from = "images"
        type = "rating(5)"
        value = "quality"
        [step.s]
        sql = "SELECT x AS s"
        type = "score"
        [step.t]
        sql = "SELECT x AS t"
        """
    )

    assert {"quality": "rating(5)", "s": "score"} == {
        name: str(type_) for name, type_ in bench.loader.declared_types.items()
    }


@pytest.mark.parametrize(
    ("lines", "expected", "nearest"),
    [
        ('inputs = ["x"]\nparameters = { leest = 1 }', "parameters", "least"),
        ('inputs = ["x"]', "missing", None),
    ],
)
def test_a_call_that_cannot_be_is_refused_before_any_record(load, lines, expected, nearest):
    """A misspelt parameter is one error with its place, not a failure of every record."""
    code = "def f(x, *, least) -> int:\n    return 1\n"
    loader, spec, inputs = load(f'python = "steps:f"\n{lines}', code)
    type_ = loader.output_type(spec, inputs)

    with pytest.raises(RecipeError, match=expected) as caught:
        loader.load(spec, type_, loader.transform_hash(spec, type_))

    assert nearest == caught.value.nearest


COUNTED = """
from pathlib import Path

def f(x) -> int:
    with (Path(__file__).parent / "calls").open("a") as calls:
        calls.write("call ")
    return x * 2
"""


def test_a_salt_disowns_what_was_made(bench):
    """Every record runs again, whatever traces there are, on any branch; an equal result is an equal version."""
    recipe = '[step.s]\npython = "steps:f"\ninputs = ["x"]\n'
    bench.put("x", {"a": 1, "b": 2})
    bench.write(recipe, steps=COUNTED)
    bench.run()
    root = bench.view.root_id

    bench.write(recipe + 'salt = "1"\n', steps=COUNTED)
    (planned,) = bench.plan().steps
    (salted,) = bench.run().steps
    (again,) = bench.run().steps
    bench.write(recipe, steps=COUNTED)
    (back,) = bench.run().steps

    assert (2, 2) == (planned.run.lower, planned.run.upper)
    assert [(2, "made"), (0, "unchanged"), (0, "taken")] == [(r.ran, r.status) for r in (salted, again, back)]
    assert 2 == salted.cut_off
    assert root == bench.view.root_id
    assert 4 == len((bench.path / "calls").read_text().split())


def test_two_salts_share_nothing(bench):
    """What was made under one answers for no other."""
    bench.put("x", {"a": 1})
    ran = []
    for salt in ("1", "2", "1"):
        bench.write(f'[step.s]\nsql = "SELECT x + 1 AS s"\nsalt = "{salt}"\n')
        ran.append(bench.run().ran)

    assert [1, 1, 0] == ran
