"""The output type that a function's return annotation declares."""

from __future__ import annotations

import pytest

from dsvc.engine.making.annotations import annotated_type

CODE = """
import typing
from typing import Optional

def integer(x) -> int: ...
def number(x) -> "float": ...
def text(x) -> str | None: ...
def maybe(x) -> Optional[bool]: ...
def data(x) -> bytes: ...
def listed(x) -> list[float]: ...
def nested(x) -> typing.List[list[int]]: ...
def untyped(x): ...
def other(x) -> dict: ...
def either(x) -> int | str: ...
def broken(x) -> "1 +": ...
def redefined(x) -> int: ...
def redefined(x) -> str: ...
"""


@pytest.fixture
def directory(tmp_path):
    """A recipe's directory with a module."""
    (tmp_path / "steps.py").write_text(CODE)
    return tmp_path


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("integer", "int64"),
        ("number", "float64"),
        ("text", "string"),
        ("maybe", "bool"),
        ("data", "binary"),
        ("listed", "list<float64>"),
        ("nested", "list<list<int64>>"),
        ("redefined", "string"),
    ],
)
def test_an_annotation_is_a_type(directory, function, expected):
    """Plain types, lists of them, and any of them or None; a later definition wins."""
    assert expected == str(annotated_type(f"steps:{function}", directory))


@pytest.mark.parametrize("function", ["untyped", "other", "either", "broken", "absent"])
def test_what_says_nothing_is_no_type(directory, function):
    """Where the annotation leaves the type open, nothing is guessed."""
    assert annotated_type(f"steps:{function}", directory) is None


def test_installed_functions_are_not_looked_into(directory):
    """Only files of the recipe are read."""
    assert annotated_type("os.path:join", directory) is None


@pytest.mark.parametrize(
    ("function", "expected"), [("listed", "float64"), ("nested", "list<int64>"), ("integer", None), ("untyped", None)]
)
def test_a_function_of_groups_declares_a_list_of_its_values(directory, function, expected):
    """The type of a member's value is that of an item."""
    found = annotated_type(f"steps:{function}", directory, per_member=True)

    assert expected == (None if found is None else str(found))
