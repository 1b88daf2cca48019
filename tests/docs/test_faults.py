"""The page of faults: forty of them, each with tests that exist, or with the reason why it does not apply."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "design" / "faults.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if re.match(r"\| \d", line)]
NAMED = re.compile(r"`([a-z0-9_/]+\.py)::(\w+)`")


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the names of the tests in a file, those of its classes included."""
    tree = ast.parse((PROJECT / path).read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


def test_all_forty_are_there():
    """Each once."""
    assert list(range(1, 41)) == sorted(int(row[0]) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_row_is_whole(row):
    """It says what goes wrong, what happens then, and what shows it; or why it does not apply."""
    assert all(len(cell) > 15 for cell in row[1:])
    assert len(row) == 3 or NAMED.search(row[3])


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED.findall(PAGE))))
def test_what_is_named_exists(path, name):
    """A test that was renamed or removed took its mention along."""
    assert name in names_in(path)
