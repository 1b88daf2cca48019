"""The rooms of dsvc import downwards only, and each third party stays in the rooms that may know it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "dsvc"

_DATA_ROOMS = {"errors", "objects", "plugins", "store", "repo", "recipe"}

# What each room may import of dsvc, beside itself.
BELOW = {
    "errors": set(),
    "objects": {"errors"},
    "plugins": {"errors", "objects"},
    "store": {"errors", "objects"},
    "repo": {"errors", "objects", "store"},
    "recipe": {"errors", "objects", "plugins", "store", "repo"},
    "feeds": _DATA_ROOMS | {"annotation"},
    "annotation": _DATA_ROOMS,
    "engine": _DATA_ROOMS | {"annotation"},
    "export": _DATA_ROOMS,
    "looking": _DATA_ROOMS | {"engine", "export"},
    "verifying": _DATA_ROOMS | {"engine", "looking"},
    "running": _DATA_ROOMS | {"engine", "verifying"},
    "tagging": _DATA_ROOMS | {"export", "looking"},
    "asking": _DATA_ROOMS | {"annotation", "engine", "looking"},
    "annotating": _DATA_ROOMS | {"annotation", "engine", "running"},
    "repository": _DATA_ROOMS
    | {"annotating", "annotation", "asking", "feeds", "engine", "export", "looking", "running", "tagging", "verifying"},
    "demo": {"errors"},
    "commands": _DATA_ROOMS | {"annotation", "feeds", "engine", "export", "repository", "demo"},
    "cli": {"errors", "commands", "plugins"},
    "__main__": {"cli"},
    "testing": _DATA_ROOMS | {"annotation", "feeds", "engine", "export", "repository"},
}

_ARROW_ROOMS = {
    "objects",
    "repo",
    "recipe",
    "plugins",
    "feeds",
    "annotation",
    "engine",
    "export",
    "repository",
    "testing",
}

# The floors of the large rooms: each imports from those before it. What binds them together stands above all.
FLOORS = {
    "engine": ("reading", "making", "datasets", "planning", "looking", "verifying", "run"),
    "annotation": ("answers", "judging", "keeping", "opstores", "staging", "platforms", "turns"),
}

# Which rooms may import which third party.
VENDORS = {
    "blake3": {"objects"},
    "msgspec": {"objects", "store", "repo", "recipe", "feeds", "annotation", "engine", "export", "commands"},
    "numpy": _ARROW_ROOMS,
    "pyarrow": _ARROW_ROOMS | {"store"},  # store: its zstd, and its memory pool
    "lmdb": {"store"},
    "pluggy": {"plugins"},
    "duckdb": {"recipe", "engine"},
    "pymongo": {"feeds", "annotation", "testing"},  # annotation: an op store, and a platform
    "bson": {"feeds", "annotation", "testing"},
    "boto3": {"plugins", "annotation"},  # annotation: the staging store
    "botocore": {"plugins", "annotation"},
    "PIL": {"annotation"},
    "click": {"commands", "cli"},
    "rich": {"commands"},
    "pytest": {"testing"},
    "hypothesis": {"testing"},
}

# Imports against the table that are there on purpose: (module, what it imports): why.
ALLOWED = {
    ("engine.datasets.splits", "blake3"): "the bucket of a split is a hash of its own definition, no object's id",
}

# Loaded by no quick command: they cost more than everything else together.
HEAVY = {"pyarrow", "numpy", "duckdb", "boto3", "pymongo", "pluggy", "rich"}


def imports(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Yield (line, absolute name, whether only type checkers see it) of every import, also inside functions."""
    package = ("dsvc", *path.relative_to(ROOT).parts[:-1])
    tree = ast.parse(path.read_text())
    unseen = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join((*base, *(node.module or "").split("."))).strip(".")
            names = [f"dsvc.{alias.name}" for alias in node.names] if name == "dsvc" else [name]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from ((node.lineno, name, node in unseen) for name in names)


def violations(path: Path) -> Iterator[str]:
    """Yield every import of a module that its room may not have."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    room = module.split(".")[0]
    if room not in BELOW:
        yield f"{module}: {room!r} is no room; add it to BELOW"
        return
    for line, name, is_type_only in imports(path):
        if (module, name) in ALLOWED:
            continue
        top, _, rest = name.partition(".")
        other = rest.split(".")[0]
        if top == "dsvc" and other and other != room and other not in BELOW[room]:
            yield f"{module}:{line} imports {name}"
        if top in VENDORS and room not in VENDORS[top] and not is_type_only:
            yield f"{module}:{line} imports {name}"


def modules() -> list[Path]:
    """Return every module but the package's front door, which loads by name."""
    return [path for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "__init__.py"]


def test_imports_point_downwards():
    """No module imports a room above or beside its own, nor a third party that is not its room's."""
    assert [] == [found for path in modules() for found in violations(path)]


def floor_of(room: str, name: str) -> int:
    """Return on which floor of its room a part stands; a module beside the floors binds them together."""
    return FLOORS[room].index(name) if name in FLOORS[room] else len(FLOORS[room])


@pytest.mark.parametrize("room", FLOORS)
def test_floors_of_a_room_rest_on_those_below(room):
    """A floor imports none above it; a run alone is used from above: verifying makes things again by it."""
    found = []
    for path in sorted((ROOT / room).rglob("*.py")):
        floor = path.relative_to(ROOT / room).with_suffix("").parts[0]
        for line, name, _ in imports(path):
            if not name.startswith(f"dsvc.{room}."):
                continue
            other = name.split(".")[2]
            if floor_of(room, other) > floor_of(room, floor) and (floor, other) != ("verifying", "run"):
                found.append(f"{path.relative_to(ROOT)}:{line} imports {name}")

    assert [] == found


def test_the_allow_list_holds_nothing_stale():
    """Every allowed exception is still there, and says why."""
    there = {
        (".".join(p.relative_to(ROOT).with_suffix("").parts), name) for p in modules() for _, name, _ in imports(p)
    }

    assert set() == set(ALLOWED) - there
    assert all(ALLOWED.values())


@pytest.mark.parametrize(
    "source",
    [
        "from dsvc.repo import base",
        "from dsvc import repo",
        "import dsvc.commands.log",
        "from ..repo import base",
        "def f():\n    from dsvc.engine.planning import plan",
        "import lmdb",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from dsvc.repo import base",
        "def f():\n    import click",
    ],
)
def test_a_violation_is_found(source, monkeypatch, tmp_path):
    """Absolute, relative, inner and vendor imports are all seen: each of these would be wrong in `objects`."""
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "objects" / "bad.py"
    path.parent.mkdir()
    path.write_text(source)

    assert 1 == len(list(violations(path)))


def test_no_module_of_the_product_needs_a_test_tool():
    """`dsvc.testing` is imported by no room, so that dsvc runs without pytest."""
    rooms = [path for path in modules() if path.relative_to(ROOT).parts[0] != "testing"]

    assert [] == [path.name for path in rooms for _, name, _ in imports(path) if name.startswith("dsvc.testing")]


def loaded_by(code: str) -> set[str]:
    """Return the heavy packages that a fresh interpreter has loaded after `code`."""
    script = f"{code}\nimport sys\nprint(*({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    return set(done.stdout.split())


LIGHT = [
    *(f"dsvc.objects.{name}" for name in ("oid", "encoding", "provenance", "snapshot", "commit", "state", "tag")),
    "dsvc.store.lmdb",
    "dsvc.store.writer",
    "dsvc.repo.refs",
    "dsvc.repo.history",
    "dsvc.repo.base",
    "dsvc.cli",
]


@pytest.mark.parametrize("module", LIGHT)
def test_quick_commands_load_no_heavy_package(module):
    """What `log`, `branch`, `tag`, `show` and `status` are made of loads neither Arrow nor a database client."""
    assert set() == loaded_by(f"import {module}")
