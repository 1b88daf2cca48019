"""Random repositories with recipes, and brute force beside them: what must run, and what comes out.

The model keeps every record of every retained trace in dicts, and compares values source by source.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from dsvc.engine.plan import Plan, plan
from dsvc.engine.report import RunReport
from dsvc.engine.run import run
from dsvc.engine.splits import assign
from dsvc.engine.steps import Step
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import Kind
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.plugins.manager import Plugins
from dsvc.recipe.load import load_recipe
from dsvc.recipe.spec import Recipe
from dsvc.repo.base import BaseRepository
from dsvc.repo.layout import Layout
from dsvc.repo.refs import FIRST_BRANCH, HEAD, symbolic
from dsvc.store.base import RefChange
from dsvc.store.memory import MemoryStore

BASE = ("a", "b", "c")
"""Signals that are put: `a` and `b` are int64, `c` is a struct of int64 f and g."""
FAILS = "boom"


@dataclass(frozen=True)
class StepModel:
    """One step: how a recipe says it, and what it means."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    parameter: int = 1
    code: int = 0
    version: str | None = None
    optional: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[Any, ...]:
        """Equal where the transform hash is."""
        version = self.version if self.kind in ("python", "batch") else None
        code = self.code if version is None else None
        # An SQL step names itself where its value is one column, a Python step its module.
        name = "" if self.kind == "pair" else self.name
        return name, self.kind, self.inputs, self.parameter, code, version, self.optional

    def toml(self) -> str:
        """The step in a recipe."""
        lines = [f"[step.{self.name}]"]
        x, *rest = self.inputs
        y = rest[0] if rest else x
        if self.kind == "add":
            lines.append(f'sql = "SELECT {x} + {self.parameter * 100 + self.code} AS {self.name}"')
        elif self.kind == "cut":
            lines.append(f'sql = "SELECT {x} // {self.parameter + 2} + {self.code} AS {self.name}"')
        elif self.kind == "pair":
            lines.append(f'sql = "SELECT {x} % 3 AS m, coalesce({y}, {self.parameter}) + {self.code} AS v"')
        else:
            function = "batch" if self.kind == "batch" else "record"
            lines += [f'python = "code_{self.name}:{function}"', f"inputs = {list(self.inputs)}", 'type = "int64"']
            lines.append(f"parameters = {{ p = {self.parameter} }}")
            if self.kind == "batch":
                lines.append("batch = true")
            if self.version is not None:
                lines.append(f'version = "{self.version}"')
        if self.kind in ("add", "cut", "pair"):
            # The type that the engine finds depends on the inputs' types, and so on whether anybody has them.
            lines.append('type = "struct<m: int64, v: int64>"' if self.kind == "pair" else 'type = "int64"')
        if self.optional:
            lines.append(f"optional = {list(self.optional)}")
        return "\n".join(lines)

    def python(self) -> str:
        """The module of a Python step."""
        return f"""
import pyarrow as pa

def record(*values, p):
    total = sum(value or 0 for value in values)
    if total % 7 == 6:
        raise ValueError("{FAILS}")
    return None if total % 5 == 4 else total * 10 + p + {self.code}

def batch(rows, p):
    columns = [rows.column(i).to_pylist() for i in range(rows.num_columns)]
    return pa.array([record(*values, p=p) for values in zip(*columns)], pa.int64())
"""

    def value(self, values: tuple[Any, ...]) -> Any:
        """What the step makes of its inputs.

        Raises:
            ValueError: Where it fails.
        """
        x, y = values[0], values[1] if len(values) > 1 else values[0]
        if self.kind == "add":
            return None if x is None else x + self.parameter * 100 + self.code
        if self.kind == "cut":
            return None if x is None else x // (self.parameter + 2) + self.code
        if self.kind == "pair":
            return {"m": None if x is None else x % 3, "v": (self.parameter if y is None else y) + self.code}
        total = sum(value or 0 for value in values)
        if total % 7 == 6:
            raise ValueError(FAILS)
        return None if total % 5 == 4 else total * 10 + self.parameter + self.code


@dataclass(frozen=True)
class DatasetModel:
    """One dataset."""

    where: str
    """A path, whose value must be above `least`."""
    least: int
    by: str | None = None

    def toml(self) -> str:
        """The dataset in a recipe."""
        lines = ["[dataset.data]", f'where = "{self.where} > {self.least}"', f'columns = {{ x = "{self.where}" }}']
        if self.by is not None:
            lines += ['split = "parts"', "[split.parts]", f'by = "{self.by}"', "parts = { one = 0.5, two = 0.3 }"]
        return "\n".join(lines)


@dataclass
class Branch:
    """What one branch holds."""

    records: dict[str, dict[str, tuple[Any, str]]] = field(default_factory=lambda: {name: {} for name in BASE})
    """Signal -> source -> (value, producer)."""
    steps: dict[str, StepModel] = field(default_factory=dict)
    dataset: DatasetModel | None = None
    derived: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: dict[str, tuple[Any, dict[str, Any]]] = field(default_factory=dict)
    """Step -> identity, source -> inputs, of records that failed."""


Trace = tuple[dict[str, tuple[Any, ...]], dict[str, Any]]
"""Inputs and output of one trace, by source."""


class World:
    """A repository in memory beside its model."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.repo = make_repository(path)
        self.branch = Branch()
        self.branches: dict[str, Branch] = {}
        self.traces: dict[Any, list[Trace]] = {}
        """By the identity of a step, newest first."""
        self._files: dict[str, str] = {}
        self._recipe = Recipe(path)

    # --- edits ------------------------------------------------------------------------------------------------------

    def put(self, signal: str, records: Mapping[str, Any], producer: str) -> None:
        """Put some records."""
        put_records(self.repo, signal, records, producer)
        self.branch.records[signal] |= {source: (value, producer) for source, value in records.items()}

    def remove(self, signal: str, sources: list[str]) -> None:
        """Remove some records."""
        held = [source for source in sources if source in self.branch.records[signal]]
        if held:
            self.repo.remove(signal, held)
        for source in held:
            del self.branch.records[signal][source]

    def fork(self, name: str) -> None:
        """Commit, and go on on a new branch."""
        self.repo.commit("fork", allow_empty=True)
        current = self.repo.head().branch
        self.branches[str(current)] = deepcopy(self.branch)
        self.repo.switch(name, create=True)

    def switch(self, name: str) -> None:
        """Commit, and go to another branch."""
        self.repo.commit("switch", allow_empty=True)
        self.branches[str(self.repo.head().branch)] = deepcopy(self.branch)
        self.repo.switch(name)
        self.branch = self.branches.pop(name)

    # --- what must be -----------------------------------------------------------------------------------------------

    def evaluate(self, *, retry: bool) -> tuple[dict[str, set[str]], dict[str, dict[str, Any]]]:
        """Return, by brute force, which records of which step must run now, and everything derived; and retain it."""
        must_run: dict[str, set[str]] = {}
        derived: dict[str, dict[str, Any]] = {}
        failed: dict[str, tuple[Any, dict[str, Any]]] = {}
        for name, step in self.branch.steps.items():
            seen = self._seen(step, derived)
            held = self.traces.setdefault(step.identity, [])
            was_failed = self.branch.failed.get(name)
            same = was_failed[1] if was_failed is not None and was_failed[0] == step.identity and not retry else {}
            must_run[name] = {
                source
                for source, values in seen.items()
                if not any(source in output and inputs[source] == values for inputs, output in held)
                and not (source in same and same[source] == values)
            }
            derived[name], bad = {}, {}
            for source, values in seen.items():
                try:
                    derived[name][source] = step.value(values)
                except ValueError:
                    bad[source] = values
            failed[name] = (step.identity, bad)
            held.insert(0, (seen, derived[name]))
        self.branch.failed, self.branch.derived = failed, derived
        return must_run, derived

    def _seen(self, step: StepModel, derived: Mapping[str, dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
        """What a step sees of each source for which it makes a record."""
        signals = {path: self._signal(path.partition(".")[0], derived) for path in step.inputs}
        required = [signals[path] for path in step.inputs if path not in step.optional]
        sources: set[str] = set.intersection(*map(set, required)) if required else set().union(*signals.values())
        return {
            source: tuple(_field(signals[path].get(source), path) for path in step.inputs) for source in sorted(sources)
        }

    def _signal(self, name: str, derived: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        if name in derived:
            return derived[name]
        return {source: value for source, (value, _) in self.branch.records[name].items()}

    def selection(self, derived: Mapping[str, dict[str, Any]]) -> dict[str, int | None]:
        """Return, by brute force, the part of each source of the version."""
        dataset = self.branch.dataset
        if dataset is None:
            return {}
        sources = sorted({source for name in BASE for source in self.branch.records[name]})
        chosen: dict[str, int | None] = {}
        for source in sources:
            value = self._path(dataset.where, source, derived)
            chosen[source] = 0 if value is not None and value > dataset.least else None
            if dataset.by is not None and chosen[source] is not None:
                key = self._path(dataset.by, source, derived)
                parts = (("one", _decimal("0.5")), ("two", _decimal("0.3")))
                chosen[source] = assign(
                    parts, "", pa.array([key], pa.int64()), lambda source=source: pa.array([source])
                )[0].as_py()
        return chosen

    def _path(self, path: str, source: str, derived: Mapping[str, dict[str, Any]]) -> Any:
        return _field(self._signal(path.partition(".")[0], derived).get(source), path)

    # --- what is ----------------------------------------------------------------------------------------------------

    def load(self) -> Recipe:
        """Write the recipe and load it, if it is another one."""
        files = recipe_files(self.branch)
        if files != self._files:
            for name, text in files.items():
                (self.path / name).write_text(text)
            self._files, self._recipe = files, load_recipe(self.path, plugins=Plugins(), also_known=BASE)
        return self._recipe

    def plan(self) -> Plan:
        """Plan the draft."""
        return plan(self.repo, self.load(), Plugins())

    def run(self, *, retry: bool = False) -> tuple[dict[str, list[str]], RunReport]:
        """Run the draft; return which records each step's transform was called for."""
        recipe = self.load()
        with recorded_calls() as calls:
            report = run(self.repo, recipe, Plugins(), retry_failed=retry)
        return calls, report

    def read(self, name: str) -> dict[str, Any]:
        """Return the records of a signal of the draft."""
        return read_records(self.repo, self.repo.view("@draft").signal(name))

    def read_waiting(self, name: str) -> dict[str, Any]:
        """Return who waits for a record of a step, and why."""
        view = self.repo.view("@draft")
        entry = next((entry for entry in view.state.derived if entry.name == name), None)
        if entry is None or entry.waiting is None:
            return {}
        return read_records(self.repo, get_object(view.reader, entry.waiting, Kind.SIGNAL, Signal))

    def read_selection(self) -> dict[str, int | None]:
        """Return the selection of the dataset."""
        view = self.repo.view("@draft")
        return read_records(self.repo, view.selection(view.dataset("data"))) if "data" in view.datasets else {}

    def fresh_root(self, path: Path) -> bytes:
        """Return the root of a new repository with the same records and recipe."""
        repo = make_repository(path)
        for signal, records in self.branch.records.items():
            for producer in sorted({producer for _, producer in records.values()}):
                put_records(repo, signal, {s: v for s, (v, p) in records.items() if p == producer}, producer)
        run(repo, self.load(), Plugins())
        return repo.view("@draft").root_id


def make_repository(path: Path) -> BaseRepository:
    """Return a repository in memory."""
    path.mkdir(parents=True, exist_ok=True)
    ticks = itertools.count(1_767_225_600_000_000)
    repo = BaseRepository(Layout(path), MemoryStore(), author="ann", clock=lambda: next(ticks))
    repo.store.refs.update([RefChange(HEAD, None, symbolic(FIRST_BRANCH))])
    return repo


def put_records(repo: BaseRepository, signal: str, records: Mapping[str, Any], producer: str) -> None:
    """Put records of one of the base signals."""
    if not records:
        return
    table = {"source": pa.array(list(records))}
    if signal == "c":
        table |= {name: pa.array([value[name] for value in records.values()], pa.int64()) for name in ("f", "g")}
    else:
        table[signal] = pa.array(list(records.values()), pa.int64())
    repo.put(signal, pa.table(table), producer=producer)


def recipe_files(branch: Branch) -> dict[str, str]:
    """Return a branch's recipe and its Python files."""
    tables = [step.toml() for step in branch.steps.values()]
    tables += [branch.dataset.toml()] if branch.dataset is not None else []
    code = {f"code_{step.name}.py": step.python() for step in branch.steps.values()}
    return {"dsvc.toml": "\n\n".join(tables), **code}


def read_records(repo: BaseRepository, signal: Signal | None) -> dict[str, Any]:
    """Return the records of a signal."""
    if signal is None:
        return {}
    return {
        source: value
        for rows in Tree(repo.store.objects, signal).rows()
        for source, value in zip(rows.sources.to_pylist(), rows.values.to_pylist(), strict=True)
    }


@contextmanager
def recorded_calls():
    """Record which sources each step's transform is called for."""
    calls: dict[str, list[str]] = {}
    original: Callable[..., Any] = Step.__call__

    def call(self, columns):
        calls.setdefault(self.spec.name, []).extend(key.decode() for key in columns.keys)
        return original(self, columns)

    Step.__call__ = call
    try:
        yield calls
    finally:
        Step.__call__ = original


def _field(value: Any, path: str) -> Any:
    name = path.partition(".")[2]
    return value if not name or value is None else value[name]


def _decimal(text: str):
    from decimal import Decimal

    return Decimal(text)
