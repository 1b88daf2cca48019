"""A repository in memory with a recipe that commits keep, for tests of what makes stored results again."""

from __future__ import annotations

import itertools
from pathlib import Path
from textwrap import dedent
from typing import Any

import pyarrow as pa

from dsvc.plugins.manager import Plugins
from dsvc.repo.layout import Layout
from dsvc.repo.refs import FIRST_BRANCH, HEAD, symbolic
from dsvc.repository import Repository
from dsvc.store.base import RefChange
from dsvc.store.memory import MemoryStore

COUNTING = """
from pathlib import Path

STATE = Path({state!r})

def count(x) -> int:
    number = int(STATE.read_text()) + 1 if STATE.exists() else 1
    STATE.write_text(str(number))
    return number

def double(x) -> int:
    return 2 * x
"""
"""`count` gives another value each time that it is called, `double` does not."""


class Study:
    """A repository whose recipe has steps of Python functions that may or may not be deterministic.

    Args:
        path: Its directory; the state of what counts lies beside it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.state = path.parent / "count"
        self.repo = open_in_memory(path)
        self.repo.plugins = Plugins([])

    def put(self, signal: str, values: list[int], producer: str = "w@1") -> None:
        """Put values of sources a, b, c, ..."""
        sources = [chr(ord("a") + i) for i in range(len(values))]
        self.repo.put(signal, pa.table({"source": sources, signal: pa.array(values, pa.int64())}), producer=producer)

    def write(self, recipe: str, code: str | None = None) -> None:
        """Write the recipe, and a module `steps` with `count` and `double` unless other code is given."""
        (self.path / "dsvc.toml").write_text(dedent(recipe))
        (self.path / "steps.py").write_text(COUNTING.format(state=str(self.state)) if code is None else dedent(code))

    def make(self, recipe: str, code: str | None = None) -> str:
        """Write, run and commit; return the root."""
        self.write(recipe, code)
        self.repo.run()
        return self.repo.commit("made").root

    def read(self, signal: str, revision: str = "@draft") -> dict[str, Any]:
        """Return the records of a signal."""
        table = self.repo.read(revision, [signal])
        return dict(zip(table["source"].to_pylist(), table[signal].to_pylist(), strict=True))


def open_in_memory(path: Path) -> Repository:
    """Return a new repository in memory."""
    ticks = itertools.count(1_767_225_600_000_000)
    layout = Layout(path)
    layout.directory.mkdir(parents=True)  # runs lock a file in it
    repo = Repository(layout, MemoryStore(), author="ann", clock=lambda: next(ticks))
    repo.store.refs.update([RefChange(HEAD, None, symbolic(FIRST_BRANCH))])
    return repo
