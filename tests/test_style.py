"""The house's order: every module has its tests, none grows into two, and none is a drawer."""

import ast
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
ROOT = PROJECT / "dsvc"
TESTS = PROJECT / "tests"

MAX_LINES = 400
DRAWERS = {"utils", "util", "helpers", "helper", "common", "core", "misc", "base_utils", "tools", "shared_utils"}

# Longer than a module may be, and why it stays one.
LONG = {
    "errors.py": "one tree in one file; a class is five lines",
}

# Modules without a test module of their own, and why.
WITHOUT_TWIN = {
    "__main__.py": "two lines that call cli.main; the tests of cli start it",
    "objects/access.py": "protocols alone; dsvc.testing and the stores hold them to it",
}


def modules() -> list[Path]:
    """Return every module of the product, relative to its root, but the `__init__.py`."""
    return [path.relative_to(ROOT) for path in sorted(ROOT.rglob("*.py")) if path.name != "__init__.py"]


def twin(module: Path) -> Path:
    """Return where a module's tests are."""
    return TESTS / module.parent / f"test_{module.name.lstrip('_')}"


@pytest.mark.parametrize("module", modules(), ids=str)
def test_every_module_has_a_twin(module):
    """dsvc/x/y.py is tested by tests/x/test_y.py."""
    if str(module) in WITHOUT_TWIN:
        pytest.skip(WITHOUT_TWIN[str(module)])

    assert twin(module).is_file()


@pytest.mark.parametrize("module", modules(), ids=str)
def test_no_module_is_two(module):
    """A module of more than 400 lines holds a second concept."""
    n_lines = len((ROOT / module).read_text().splitlines())

    assert n_lines <= MAX_LINES or str(module) in LONG


def test_exceptions_are_still_needed():
    """What is listed as long is long, and what is listed without tests has none."""
    assert [] == [name for name in LONG if len((ROOT / name).read_text().splitlines()) <= MAX_LINES]
    assert [] == [name for name in WITHOUT_TWIN if not (ROOT / name).is_file() or twin(Path(name)).is_file()]


def test_there_are_no_drawers():
    """A module is named after its concept, never after the fact that it holds several."""
    names = {part.strip("_") for module in modules() for part in module.with_suffix("").parts}

    assert set() == names & DRAWERS


def test_packages_hold_no_code():
    """An `__init__.py` says what its room is, and at most what of it is public."""
    allowed = (ast.Expr, ast.ImportFrom, ast.Import, ast.Assign, ast.AnnAssign, ast.If)
    lazy = {"__getattr__", "__dir__"}
    rooms = [path for path in ROOT.rglob("__init__.py") if path != ROOT / "__init__.py"]

    assert rooms
    for path in rooms:
        tree = ast.parse(path.read_text())
        code = [node for node in tree.body if not isinstance(node, allowed)]
        assert ast.get_docstring(tree), path
        assert [] == [node.lineno for node in code if getattr(node, "name", None) not in lazy], path


def test_todos_name_their_topic():
    """An open end says what it belongs to: `TODO(topic): ...`."""
    pattern = re.compile(r"\b(TODO(?!\(\w)|FIXME|XXX|HACK)\b")
    found = [
        f"{module}:{number}"
        for module in modules()
        for number, line in enumerate((ROOT / module).read_text().splitlines(), start=1)
        if pattern.search(line)
    ]

    assert [] == found


def test_only_commands_print():
    """The library returns and raises; what is said to people is said by commands."""
    rooms = [m for m in modules() if m.parts[0] not in {"commands", "cli.py", "demo", "testing"}]
    found = [
        f"{module}:{node.lineno}"
        for module in rooms
        for node in ast.walk(ast.parse((ROOT / module).read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]

    assert [] == found


def test_only_front_doors_read_the_environment():
    """Environment and working directory come in as arguments, from the command line or from `dsvc.open`."""
    doors = {"commands", "cli.py", "repository.py", "demo", "testing"}
    pattern = re.compile(r"\bos\.(environ|getenv|getcwd)\b|\bPath\.(cwd|home)\b")
    found = [
        str(module)
        for module in modules()
        if module.parts[0] not in doors and pattern.search((ROOT / module).read_text())
    ]

    assert [] == found
