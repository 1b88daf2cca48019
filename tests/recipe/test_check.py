"""Everything that is wrong with the text of a recipe is found in one go."""

import pytest

from dsvc.errors import DatasetNotFoundError, UserError
from dsvc.plugins.manager import Plugins
from dsvc.recipe.check import Problem, check_text
from dsvc.recipe.spec import Recipe

WRONG = """\
[feed.images]
plugin = "filez"
path = "x"
pointer = "uri"
[signal.z]
from = "imagez"
value = "a.b"
typ = "int64"
acept = ">=1"
[step.four]
sql = "SELECT q +  AS four"
[step.five]
sql = "SELECT qq + four + rr AS five"
[dataset.d]
where = "q > 1"
columns = { a = "sum(q)", b = "qq" }
split = "people"
[split.peeple]
by = "q"
parts = { a = 2 }
[datset.e]
where = "q"
"""


def check(recipe, text, known=("q",), plugins=None):
    """Return (line, key, nearest) of all problems of a recipe."""
    checked = check_text(recipe.toml(text).path, plugins=plugins or Plugins(), also_known=known)
    return [(problem.line, problem.key, problem.nearest) for problem in checked.problems]


def test_every_problem_is_found(recipe):
    """Several in one table too, each with its line, its key, and the nearest spelling."""
    assert [
        (2, "feed.images.plugin", "files"),
        (6, "signal.z.from", "images"),
        (8, "signal.z.typ", "type"),
        (9, "signal.z.acept", "accept"),
        (11, "step.four.sql", None),
        (13, "step.five.sql", "q"),
        (13, "step.five.sql", None),
        (16, "dataset.d.columns.a", None),
        (16, "dataset.d.columns.b", "q"),
        (17, "dataset.d.split", "peeple"),
        (20, "split.peeple.parts.a", None),
        (21, "datset", "dataset"),
    ] == check(recipe, WRONG)


def test_nothing_is_wrong(recipe):
    """Then there is a recipe with its order, as it is loaded."""
    recipe.toml('[step.b]\nsql = "SELECT a AS b"\n[step.a]\nsql = "SELECT q AS a"')
    checked = check_text(recipe.path, plugins=None, also_known=["q"])

    assert ((), ("a", "b")) == (checked.problems, checked.recipe.order)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("[feed.images]\nplugin = 'files'\npath = 'x'", [(1, "feed.images.pointer", None)], id="key"),
        pytest.param('[step.s]\npythn = "a:b"\ninputs = ["q"]', [(1, "step.s", None)], id="one-of-several-keys"),
        pytest.param("step = 3", [(1, "step", None)], id="section"),
        pytest.param('[step.s]\nsql = ["q"]', [(2, "step.s.sql", None)], id="kind-of-value"),
        pytest.param('[step.s]\npython = "a:b"\ninputs = ["q", ""]', [(3, "step.s.inputs.1", None)], id="item"),
        pytest.param("step = ", [(1, "text", None)], id="toml"),
    ],
)
def test_what_follows_from_a_problem_is_none(recipe, text, expected):
    """One mistake is one problem: what is missed only because the mistake was set aside is not told."""
    assert expected == check(recipe, text)


def test_steps_in_a_circle_are_a_problem(recipe):
    """Beside others."""
    text = '[step.a]\nsql = "SELECT b AS a"\n[step.b]\nsql = "SELECT a + nope AS b"'

    assert [(1, "step.a", None), (4, "step.b.sql", None)] == check(recipe, text)


def test_a_table_that_is_broken_still_has_its_name(recipe):
    """Whoever reads a signal whose table is wrong is not wrong."""
    text = '[step.a]\nsql = "SELECT count(q) AS a"\n[dataset.d]\nwhere = "a > 1"\n'
    checked = check_text(recipe.toml(text).path, plugins=None, also_known=["q"])

    assert ["step.a.sql"] == [problem.key for problem in checked.problems]
    assert {("step", "a")} == checked.broken


def test_no_recipe_is_a_problem(recipe):
    """With what the error says."""
    (problem,) = check_text(recipe.path, plugins=None).problems

    assert "does not exist" in problem.message


def test_an_error_that_knows_no_place_gets_one(tmp_path):
    """That of the key it is about; its nearest spelling stays."""
    error = DatasetNotFoundError(dataset="d", nearest="dd")
    placed = Problem.of(error, Recipe(tmp_path, places={("dataset", "d"): ("more.toml", 7)}), ("dataset", "d"))

    assert ("more.toml", 7, "dataset.d", "dd") == (placed.file, placed.line, placed.key, placed.nearest)
    assert Problem("no", hint="yes") == Problem.of(UserError(message="no", hint="yes"))
