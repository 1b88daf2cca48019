"""A step bound to a draft."""

from __future__ import annotations

import pytest

from dsvc.engine.binding import partial_ref
from dsvc.errors import DeriveError
from tests.engine.project import Project

RECIPE = '[step.s]\nsql = "SELECT a * {n} AS s"'


@pytest.fixture
def project(tmp_path):
    """Two sources and one step, made."""
    made = Project(tmp_path)
    made.put("a", {"p": 1, "q": 2})
    made.write(RECIPE.format(n=2))
    made.run()
    return made


def test_current_is_told_by_values(project):
    """The same values by another producer leave a step current; another value or other code does not."""
    project.put("a", {"p": 1}, "w@2")
    assert project.bind("s").is_current
    transform = project.bind("s").transform

    project.put("a", {"p": 3})
    assert not project.bind("s").is_current
    assert transform == project.bind("s").transform

    project.put("a", {"p": 1})
    project.write(RECIPE.format(n=3))
    other = project.bind("s")
    assert not other.is_current
    assert transform not in {other.transform, partial_ref(transform)}
    assert transform == other.was.transform


def test_a_step_without_inputs_is_not_bound(project):
    """Where no source has a required input there is nothing to bind."""
    project.write('[step.s]\nsql = "SELECT a + b AS s"')

    assert project.bind("s") is None


def test_a_signal_put_by_hand_is_not_taken_over(project):
    """A step of the name of a signal that was put is refused, and its records stay."""
    project.put("b", {"p": 7})
    project.write('[step.b]\nsql = "SELECT a AS b"')

    with pytest.raises(DeriveError, match="put by hand"):
        project.run()

    assert {"p": 7} == project.read("b")
