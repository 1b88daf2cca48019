"""From what a recipe says of a step to its type and code that runs."""

from __future__ import annotations

import pytest

from dsvc.errors import DeriveError, RecipeError
from tests.engine.project import Project

CODE = "def plain(a): return a\ndef told(a) -> float: return a\ndef batch(rows) -> int: return rows.column(0)\n"


@pytest.fixture
def project(tmp_path):
    """One source."""
    made = Project(tmp_path)
    made.put("a", {"p": 1})
    made.put("c", {"p": {"f": 1, "g": 2}})
    return made


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ('sql = "SELECT a / 2 AS s"', "float64"),
        ('sql = "SELECT c.f AS f, c.g > 1 AS big"', "struct<big: bool, f: int64>"),
        ('python = "code:told"\ninputs = ["a"]', "float64"),
        ('python = "code:told"\ninputs = ["a"]\ntype = "float32"', "float32"),
        ('python = "code:plain"\ninputs = ["a"]\ntype = "rating(5)"', "rating(5)"),
    ],
    ids=["sql", "struct", "annotation", "declared", "named"],
)
def test_a_type_is_declared_or_told_by_the_code(project, step, expected):
    """What is declared wins; SQL is asked without data, Python by its annotation."""
    project.write(f"[step.s]\n{step}", code=CODE)

    assert expected == str(project.bind("s").type)


@pytest.mark.parametrize("step", ['"code:plain"', '"code:batch"\nbatch = true'], ids=["plain", "batch"])
def test_a_type_is_never_guessed_from_values(project, step):
    """A function that does not tell its type is refused, with where to say it; a batch's annotation tells nothing."""
    project.write(f'[step.s]\npython = {step}\ninputs = ["a"]', code=CODE)

    with pytest.raises(RecipeError) as err:
        project.run()

    assert "step.s.type" in str(err.value)
    assert "type = " in err.value.hint


def test_sql_that_no_input_fits_is_refused_before_it_runs(project):
    """An engine's refusal is the step's error, and nothing is made."""
    project.write('[step.s]\nsql = "SELECT c + 1 AS s"')

    with pytest.raises(DeriveError) as err:
        project.run()

    assert "s" == err.value.step
    assert "s" not in project.view().signals
