"""Reading one table strictly."""

from decimal import Decimal
from pathlib import Path

import pytest

from dsvc.errors import RecipeError
from dsvc.recipe.spec import Recipe
from dsvc.recipe.table import Table, plain, shown


def make(section="step", **values):
    """Return a table whose keys are on lines 2, 3, ..."""
    lines = {(section, "x", key): ("dsvc.toml", line) for line, key in enumerate(values, 2)}
    return Table(Recipe(Path(), places={(section, "x"): ("dsvc.toml", 1), **lines}), (section, "x"), values)


def test_a_misspelt_key_is_found_with_the_nearest():
    """File, line, key, what was expected, and the valid spelling."""
    table = make(sql="SELECT x", verzion="1")
    table.text("sql")
    table.text("version")

    with pytest.raises(RecipeError) as caught:
        table.finish()

    assert "dsvc.toml:3: step.x.verzion: expected one of sql, version, found 'verzion'" == str(caught.value)
    assert "did you mean 'version'?" == caught.value.hint


def test_a_required_key_that_is_misspelt_is_blamed_itself():
    """Not the key that is missing for it."""
    with pytest.raises(RecipeError) as caught:
        make("feed", plugn="files").require("plugin")

    assert "feed.x.plugn" == caught.value.key
    assert "plugin" == caught.value.nearest


@pytest.mark.parametrize(
    "read,value,expected",
    [
        (lambda t: t.text("k"), 1, "a text"),
        (lambda t: t.text("k"), " ", "a text"),
        (lambda t: t.path_text("k"), "a..b", "a dotted path into a document"),
        (lambda t: t.texts("k"), "a", "an array of texts"),
        (lambda t: t.texts("k"), ["a", 1], "a text"),
        (lambda t: t.texts("k"), ["a", "a"], "each name once"),
        (lambda t: t.flag("k"), 1, "true or false"),
        (lambda t: t.table("k"), [], "a table"),
        (lambda t: t.paths("k"), {"a": 1}, "a dotted path into a document"),
        (lambda t: t.refuse(("k",), "no reason"), 1, "no `k`: no reason"),
    ],
)
def test_a_wrong_value_says_what_was_expected(read, value, expected):
    """And where."""
    with pytest.raises(RecipeError) as caught:
        read(make(k=value))

    assert (expected, 2) == (caught.value.expected, caught.value.line)


def test_a_table_must_be_one():
    """`x = 1` under a section is no table."""
    with pytest.raises(RecipeError, match="expected a table, found 1"):
        Table(Recipe(Path()), ("step", "x"), 1)


def test_the_rest_is_what_was_not_asked_for():
    """With plain values: decimals are kept only where they are shares."""
    table = make(plugin="files", path="x", rate=Decimal("0.5"))
    table.text("plugin")

    assert {"path": "x", "rate": 0.5} == table.rest()
    assert {"a": [0.25, {"b": 1}]} == plain({"a": [Decimal("0.25"), {"b": 1}]})


def test_values_are_shown_short():
    """As they are written in TOML, and cut where they are long."""
    assert ["true", "0.80", "'x'", "a table"] == [shown(value) for value in (True, Decimal("0.80"), "x", {})]
    assert 60 == len(shown("x" * 100))
