"""Tests of steps and tasks as one."""

import pytest

from dsvc.recipe.load import load_recipe
from dsvc.recipe.nodes import TaskNode, derives, find_node, get_node, iter_nodes, node_names
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import Recipe

TEXT = """
[step.after]
sql = "SELECT len(boxes) AS after"
[task.boxes]
type = "boxes"
of   = "det"
ask  = "n < 2 OR other._version = '1'"
[task.boxes.audit]
sample = 0.1
max_error = 0.02
lot = { by = "elsewhere" }
[step.n]
sql = "SELECT len(det) AS n"
"""


@pytest.fixture
def recipe(tmp_path):
    """A task between two steps."""
    (tmp_path / "dsvc.toml").write_text(TEXT)
    return load_recipe(tmp_path, also_known=["det", "other", "elsewhere"])


def test_a_task_is_a_step_of_what_it_judges(recipe):
    """It needs that alone; how lots are cut is no input of it."""
    node = get_node(recipe, "boxes")

    assert isinstance(node, TaskNode)
    assert (InputPath("det"),) == node.required
    named = ["det", "det._origin", "n", "other._version", "content.id"]
    assert named == [str(path) for path in node.inputs]
    assert ("task", "boxes", "1") == (node.kind, node.producer, node.version)
    assert recipe.tasks["boxes"] is node.spec


def test_a_task_without_a_judged_signal_needs_nothing(tmp_path):
    """There may be a record of every source."""
    (tmp_path / "dsvc.toml").write_text('[task.pick]\ntype = "rating(5)"\nask = "a > 1"')
    node = get_node(load_recipe(tmp_path, also_known=["a"]), "pick")

    assert () == node.required
    assert ["a", "content.id"] == [str(path) for path in node.inputs]


def test_nodes_come_after_what_they_read(recipe):
    """Whatever the file says first."""
    assert ("n", "boxes", "after") == node_names(recipe) == tuple(node.name for node in iter_nodes(recipe))


def test_names(recipe, tmp_path):
    """What makes a signal, if anything does."""
    assert derives(recipe, "boxes")
    assert derives(recipe, "n")
    assert not derives(recipe, "det")
    assert find_node(recipe, "det") is None
    assert recipe.steps["n"] is find_node(recipe, "n")
    assert () == node_names(Recipe(tmp_path))


def test_a_node_without_its_task_is_refused():
    """It cannot be resolved."""
    with pytest.raises(TypeError, match="without its spec"):
        TaskNode("x", "task", "x").spec  # noqa: B018
