"""How a step makes values, and what becomes of a record that fails."""

from __future__ import annotations

import pytest

from dsvc.errors import DeriveError
from tests.engine.project import Project

CODE = """
import pyarrow as pa

def record(a, k):
    if a == 2:
        raise ValueError("two")
    return "text" if a == 3 else a * k

def batch(rows, k):
    return pa.array([record(a, k) for a in rows.column("a").to_pylist()], pa.int64())

def short(rows):
    return rows.column(0).slice(1)
"""


@pytest.fixture
def project(tmp_path):
    """Five sources."""
    made = Project(tmp_path)
    made.put("a", {f"s{i}": i for i in range(1, 6)})
    return made


@pytest.mark.parametrize("more", ["", "batch = true"], ids=["record", "batch"])
def test_a_record_that_fails_fails_alone(project, more):
    """One that raises and one whose value does not fit are listed with why; all others have their value."""
    recipe = 'inputs = ["a"]\ntype = "int64"\nparameters = { k = 10 }\n'
    function = "batch" if more else "record"
    project.write(f'[step.s]\npython = "code:{function}"\n{recipe}{more}', code=CODE)

    report = project.run().steps[0]

    assert {"s1": 10, "s4": 40, "s5": 50} == project.read("s")
    why = project.waiting("s")
    assert ["s2", "s3"] == sorted(why)
    assert "ValueError: two" == why["s2"]
    assert "text" in why["s3"]
    assert (5, 2) == (report.ran, report.failed)


def test_sql_that_fails_on_one_source_fails_there_alone(project):
    """The engine stops at one row; the rows beside it come out."""
    project.write(
        "[step.s]\nsql = \"SELECT CAST(CASE WHEN a = 2 THEN 'x' ELSE '1' END AS BIGINT) + a AS s\"", code=CODE
    )

    project.run()

    assert {"s1": 2, "s3": 4, "s4": 5, "s5": 6} == project.read("s")
    assert ["s2"] == list(project.waiting("s"))


def test_another_number_of_values_is_the_step_s_error(project):
    """Values that cannot be told apart by row stop the step, and nothing of it is kept."""
    project.write('[step.s]\npython = "code:short"\ninputs = ["a"]\ntype = "int64"\nbatch = true', code=CODE)

    with pytest.raises(DeriveError, match="gave 4 values for 5 records"):
        project.run()

    assert "s" not in project.view().signals
