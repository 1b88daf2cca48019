"""Names of steps and datasets, and what they pull in."""

from __future__ import annotations

import pytest

from dsvc.engine.making.chosen import choose
from dsvc.errors import UserError

RECIPE = """
[step.a]
sql = "SELECT x AS a"
[step.b]
sql = "SELECT a AS b"
[step.c]
sql = "SELECT b AS c"
[step.other]
sql = "SELECT x AS other"
[split.people]
by = "other"
parts = { train = 1.0 }
[dataset.d]
where = "c > 1"
columns = { a = "a" }
[dataset.e]
from = "d"
where = "x > 1"
columns = { x = "x" }
[dataset.f]
columns = { x = "x" }
split = "people"
"""


@pytest.fixture(name="recipe")
def make_recipe(bench):
    """Three steps in a row, one beside them, and three datasets."""
    bench.put("x", {"a": 1})
    bench.write(RECIPE)
    return bench.recipe


@pytest.mark.parametrize(
    ("names", "how", "expected"),
    [
        (["b"], {}, "b"),
        (["b"], {"upstream": True}, "a b"),
        (["b"], {"downstream": True}, "b c d e"),
        (["b"], {"upstream": True, "downstream": True}, "a b c d e"),
        (["e"], {"upstream": True}, "a b c d e"),
        (["f"], {"upstream": True}, "f other"),
        (["other"], {"downstream": True}, "f other"),
        (["a", "f"], {}, "a f"),
    ],
)
def test_names_pull_in_what_they_need_and_what_follows(recipe, names, how, expected):
    """Over steps, the terms, columns and split of a dataset, and the dataset that it is made from."""
    assert expected.split() == sorted(choose(recipe, names, **how))


def test_no_names_mean_everything(recipe):
    """Including what is no longer in the recipe, which has no name to give."""
    assert None is choose(recipe, None)


def test_up_and_down_of_nothing_is_refused(recipe):
    """It would mean everything, which needs no flag."""
    with pytest.raises(UserError, match="nothing is named"):
        choose(recipe, None, upstream=True)


def test_unknown_names_are_refused(recipe):
    """With the nearest."""
    with pytest.raises(UserError, match="no step, task or dataset 'othr'") as caught:
        choose(recipe, ["a", "othr"])

    assert "'other'" in str(caught.value.hint)
