"""A change of code under a declared version is told, once by runs, until it is accepted or the version raised."""

from __future__ import annotations

from textwrap import dedent

import pytest

from dsvc.recipe.declared import accept_code, find_changed_code, mark_told, note_code
from dsvc.store.memory import MemoryStore

RECIPE = """
[step.x]
python = "steps:f"
inputs = ["a"]
version = "3"
"""
CODE = "def f(a):\n    return a + 1\n"
OTHER = "def f(a):\n    return a + 2\n"


class Place:
    """A recipe and what is known of it."""

    def __init__(self, path):
        self.path = path
        self.refs = MemoryStore().refs

    def write(self, code, recipe=RECIPE):
        (self.path / "dsvc.toml").write_text(dedent(recipe))
        (self.path / "steps.py").write_text(code)

    def changed(self):
        return [(item.step, item.code, item.version, item.is_told) for item in find_changed_code(self.refs, self.path)]


@pytest.fixture
def place(tmp_path):
    """A recipe whose step has been made."""
    place = Place(tmp_path)
    place.write(CODE)
    note_code(place.refs, tmp_path)
    return place


def test_a_change_of_code_is_found(place):
    """Until the code is as it was; layout and comments are no change."""
    unchanged = place.changed()
    place.write(f"# a comment\n{CODE}")
    reformatted = place.changed()
    place.write(OTHER)
    changed = place.changed()
    place.write(CODE)

    assert ([], [], [("x", "steps:f", "3", False)], []) == (unchanged, reformatted, changed, place.changed())


def test_a_raised_version_is_another_one(place):
    """Of which nothing is known before it was made; the old one is remembered."""
    place.write(OTHER, RECIPE.replace('"3"', '"4"'))
    raised = place.changed()
    note_code(place.refs, place.path)
    place.write(CODE, RECIPE.replace('"3"', '"4"'))

    assert [] == raised
    assert ["4"] == [version for _, _, version, _ in place.changed()]


def test_noting_again_changes_nothing(place):
    """What the version stood for first is what it stands for."""
    place.write(OTHER)
    note_code(place.refs, place.path)

    assert 1 == len(place.changed())


def test_only_what_was_made_is_noted(tmp_path):
    """The other steps may still change."""
    place = Place(tmp_path)
    two = RECIPE + RECIPE.replace("step.x", "step.y").replace("steps:f", "steps:g")
    place.write(CODE + "def g(a):\n    return a\n", two)
    note_code(place.refs, tmp_path, ["y"])
    place.write(OTHER + "def g(a):\n    return 2\n", two)

    assert ["y"] == [name for name, *_ in place.changed()]


def test_what_was_told_is_remembered(place):
    """Of this change; another one is news again."""
    place.write(OTHER)
    mark_told(place.refs, find_changed_code(place.refs, place.path))
    told = place.changed()
    place.write(OTHER.replace("2", "3"))

    assert ([True], [False]) == ([item[-1] for item in told], [item[-1] for item in place.changed()])


def test_an_accepted_change_is_none(place):
    """Nor is the code that was there before."""
    place.write(OTHER)
    accepted = accept_code(place.refs, place.path)
    after = place.changed()
    place.write(CODE)

    assert (["x"], [], []) == ([item.step for item in accepted], after, place.changed())


@pytest.mark.parametrize(
    ("recipe", "code"),
    [
        (RECIPE.replace('version = "3"', ""), OTHER),  # its code is its identity
        (RECIPE.replace("steps:f", "json:dumps"), OTHER),  # installed: the version is all there is
        (RECIPE.replace("steps:f", "no name"), OTHER),
        (RECIPE, "def f(:"),
        (RECIPE, "import importlib\nimportlib.import_module(f'{1}')\ndef f(a): ..."),
        ("[[", OTHER),
        ('include = ["gone.toml"]', OTHER),
        ("step = 3", OTHER),
        ("[step]\nx = 3", OTHER),
    ],
)
def test_what_tells_nothing_is_passed_over(tmp_path, recipe, code):
    """Recipes may be wrong in every way; others say so."""
    place = Place(tmp_path)
    place.write(CODE, recipe)
    note_code(place.refs, tmp_path)
    place.write(code, recipe)

    assert [] == place.changed()


def test_without_a_recipe_there_is_nothing(tmp_path):
    """No file, no step."""
    assert [] == find_changed_code(MemoryStore().refs, tmp_path)
