"""A recipe in one piece means what its files mean."""

import tomllib
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.plugins.manager import Plugins
from dsvc.recipe.load import load_recipe
from dsvc.recipe.resolved import resolve_recipe, toml_lines

TEXT = """
include = ["more.toml"]
[feed.images]
plugin = "mongodb"
uri = "${MONGODB_URI}"
collection = "orb.images"
pointer = "uri"
filter = { country = { "$in" = ["DE", "CH"] } }
[signal.quality]
from = "images"
type = "rating(5)"
value = "a.b"
formats = { "<2" = "formats:old" }
[split.people]
by = "quality"
parts = { train = 0.8, test = 0.2 }
[dataset.good]
where = '''
quality > 1
  AND score < 0.5'''
split = "people"
[dataset.best]
from = "good"
where = "quality > 3"
sample = { max = 10, per = "quality" }
check = { min_rows = 1, max_loss = 0.05 }
"""
MORE = """
[step.area]
python = "steps:area"
inputs = ["quality"]
type = "float64"
parameters = { least = 0.50, deep = { "a b" = [1, true] } }
"""


@pytest.fixture(name="both")
def _both(recipe):
    return recipe.toml(TEXT).toml(MORE, "more.toml")


def resolve(path, plugins=None):
    """Return the resolved recipe as text."""
    return "\n".join(toml_lines(resolve_recipe(path, plugins=plugins, also_known=["score"])))


def load(path, plugins=None):
    """Return what a recipe means, wherever it is written."""
    return replace(load_recipe(path, plugins=plugins, also_known=["score"]), directory=None, places={})


def test_the_resolved_text_loads_to_the_same_recipe(both, tmp_path):
    """Sections of all files, in one."""
    (tmp_path / "dsvc.toml").write_text(resolve(both.path))

    assert load(both.path) == load(tmp_path)


def test_it_says_what_the_files_leave_out(both):
    """Columns, the seed, how a function is called."""
    found = tomllib.loads(resolve(both.path))

    assert {"area": "area", "quality": "quality", "score": "score"} == found["dataset"]["good"]["columns"]
    assert "" == found["split"]["people"]["seed"]
    assert found["step"]["area"]["batch"] is False
    assert "include" not in found


def test_plugins_give_the_defaults_of_their_options(both):
    """Those that have one."""
    plugins = Plugins()
    options = plugins.get_feed("mongodb").options
    expected = {key for key, option in options.items() if isinstance(option.default, (str, int, bool, float))}
    found = tomllib.loads(resolve(both.path, plugins))

    assert expected <= found["feed"]["images"].keys()


def test_secrets_are_never_expanded(both, monkeypatch):
    """A reference to the environment stays one."""
    monkeypatch.setenv("MONGODB_URI", "mongodb://user:secret@host/")

    assert 'uri        = "${MONGODB_URI}"' in resolve(both.path)
    assert "secret" not in resolve(both.path, Plugins())


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(TEXTS, VALUES)
def test_whatever_can_be_written_can_be_read(key, value):
    """Keys and values of any kind, with any characters."""
    text = "\n".join(toml_lines({"step": {"s": {key: value}}}))

    assert {"step": {"s": {key: value}}} == tomllib.loads(text)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e400", "0.1000000000000000055"])
def test_decimals_keep_their_digits(text):
    """As they are written, or as TOML has them."""
    (_, line) = toml_lines({"step": {"s": {"x": Decimal(text)}}})
    found = tomllib.loads(line, parse_float=Decimal)["x"]

    assert str(Decimal(text)) == str(found)
