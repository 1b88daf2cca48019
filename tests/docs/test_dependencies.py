"""Every dependency is there for a reason that is written down."""

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "design" / "dependencies.md").read_text()
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]


def declared_names() -> set[str]:
    """Return the name of everything the project asks for."""
    extras = DECLARED["optional-dependencies"]
    wanted = [*DECLARED["dependencies"], *(line for extra in extras.values() for line in extra)]
    names = {re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0] for line in wanted}
    return names - {DECLARED["name"]}


@pytest.mark.parametrize("name", sorted(declared_names()))
def test_a_dependency_has_a_reason(name):
    """Each package has a line in docs/design/dependencies.md that says why."""
    rows = [line for line in PAGE.splitlines() if line.startswith("|") and f"`{name}`" in line]

    assert 1 == len(rows)
    assert all(cell.strip() for cell in rows[0].strip("|").split("|"))


def test_nothing_is_explained_that_is_not_used():
    """A dependency that went took its line along."""
    first_cells = {line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")}
    named = {name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)}

    assert set() == named - declared_names() - set(DECLARED["optional-dependencies"])


def test_every_dependency_has_a_least_version():
    """What was never tried is not promised."""
    extras = DECLARED["optional-dependencies"]
    wanted = [*DECLARED["dependencies"], *(line for extra in extras.values() for line in extra)]

    assert [] == [line for line in wanted if ">=" not in line and not line.startswith(DECLARED["name"])]
