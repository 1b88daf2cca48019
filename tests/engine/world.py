"""Random repositories with recipes, and brute force beside them: what must run, and what comes out.

The model keeps every record of every retained trace in dicts, and compares values source by source.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from dsvc.engine.datasets.splits import assign
from dsvc.engine.making.group_steps import GroupStep, split_groups
from dsvc.engine.making.report import RunReport
from dsvc.engine.making.steps import Step, TransformStep
from dsvc.engine.planning.plan import Plan, plan
from dsvc.engine.run import run
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import Kind
from dsvc.objects.snapshot import Root, Signal
from dsvc.objects.tree import Tree
from dsvc.objects.types import parse_type
from dsvc.recipe.load import load_recipe
from dsvc.recipe.spec import Recipe
from dsvc.repo.base import BaseRepository
from dsvc.repo.draft import DraftEdit
from dsvc.repo.layout import Layout
from dsvc.repo.refs import FIRST_BRANCH, HEAD, symbolic
from dsvc.store.base import RefChange
from dsvc.store.memory import MemoryStore
from tests.engine.models import PLUGINS, DatasetModel, StepModel
from tests.engine.signals import write_signal

BASE = ("a", "b", "c")
"""Signals that are put: `a` and `b` are int64, `c` is a struct of int64 f and g."""
CONTENT = "content"
VERSION = "_version"
CONTENT_TYPE = parse_type("struct<id: string>")


@dataclass
class Branch:
    """What one branch holds."""

    records: dict[str, dict[str, tuple[Any, str]]] = field(default_factory=lambda: {name: {} for name in BASE})
    """Signal -> source -> (value, producer)."""
    steps: dict[str, StepModel] = field(default_factory=dict)
    dataset: DatasetModel | None = None
    contents: dict[str, str] = field(default_factory=dict)
    """Source -> content id."""
    derived: dict[str, dict[str, Any]] = field(default_factory=dict)
    own: dict[str, tuple[Any, dict[str, Any]]] = field(default_factory=dict)
    """Step -> identity, source -> inputs, of the last run."""
    failed: dict[str, dict[str, str]] = field(default_factory=dict)
    """Step -> source -> why its record failed."""


Unit = tuple[str, ...]
"""Sources that are made together, in order."""
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

    def see_contents(self, contents: Mapping[str, str]) -> None:
        """Let some sources have other content ids, as an ingest would."""
        self.branch.contents |= contents
        place_contents(self.repo, self.branch.contents)

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

    def evaluate(self, *, retry: bool) -> tuple[dict[str, set[Unit]], dict[str, dict[str, Any]]]:
        """Return, by brute force, what of which step must run now, and everything derived; and retain it.

        What must run are units: the sources of a record, of a group, or of everything.
        """
        must_run: dict[str, set[Unit]] = {}
        derived: dict[str, dict[str, Any]] = {}
        failed: dict[str, dict[str, str]] = {}
        own: dict[str, tuple[Any, dict[str, Any]]] = {}
        for name, step in self.branch.steps.items():
            seen = self._seen(step, derived)
            held = self.traces.setdefault(step.identity, [])
            last = self.branch.own.get(name)
            # What failed with these very inputs in the draft is not tried again unless that is asked for.
            tried = last[1] if last is not None and last[0] == step.identity and not retry else {}
            must_run[name] = {
                unit
                for unit in step.units(seen)
                if not _had(step, unit, seen, tried)
                and not any(all(s in output for s in unit) and _had(step, unit, seen, was) for was, output in held)
            }
            derived[name], failed[name] = {}, {}
            for unit in step.units(seen):
                for source, value in zip(unit, step.make([seen[source] for source in unit]), strict=True):
                    (failed if isinstance(value, str) else derived)[name][source] = value
            derived[name] = dict(sorted(derived[name].items()))
            own[name] = (step.identity, seen)
            held.insert(0, (seen, derived[name]))
        self.branch.failed, self.branch.derived, self.branch.own = failed, derived, own
        return must_run, derived

    def _seen(self, step: StepModel, derived: Mapping[str, dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
        """What a step sees of each source for which it makes a record."""
        signals = {path: self._told(path, derived) for path in step.depends}
        if step.required:
            sources = set.intersection(*(set(signals[path]) for path in step.required))
        else:
            sources = set(self.sources()) if step.kind == "pixels" else set().union(*signals.values())
        return {
            source: tuple(_field(signals[path].get(source), path) for path in step.depends)
            for source in sorted(sources)
        }

    def sources(self) -> list[str]:
        """Return the sources of the version."""
        held = [*self.branch.records.values(), self.branch.contents]
        return sorted(set().union(*held))

    def _told(self, path: str, derived: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        """Return source -> the whole of what a path names something of."""
        name, _, field_name = path.partition(".")
        if field_name == VERSION:
            return {
                source: {VERSION: producer.partition("@")[2]}
                for source, (_, producer) in self.branch.records[name].items()
            }
        return self._signal(name, derived)

    def _signal(self, name: str, derived: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        if name in derived:
            return derived[name]
        if name == CONTENT:
            return {source: {"id": oid} for source, oid in self.branch.contents.items()}
        return {source: value for source, (value, _) in self.branch.records[name].items()}

    def selection(self, derived: Mapping[str, dict[str, Any]]) -> dict[str, int | None]:
        """Return, by brute force, the part of each source of the version."""
        dataset = self.branch.dataset
        if dataset is None:
            return {}
        chosen: dict[str, int | None] = {}
        for source in self.sources():
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
            self._files, self._recipe = files, load_recipe(self.path, plugins=PLUGINS, also_known=(*BASE, CONTENT))
        return self._recipe

    def plan(self) -> Plan:
        """Plan the draft."""
        return plan(self.repo, self.load(), PLUGINS)

    def run(self, *, retry: bool = False) -> tuple[dict[str, list[Unit]], RunReport]:
        """Run the draft; return what each step was called for, in units."""
        recipe = self.load()
        with recorded_calls() as calls:
            report = run(self.repo, recipe, PLUGINS, retry_failed=retry)
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
        place_contents(repo, self.branch.contents)
        run(repo, self.load(), PLUGINS)
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


def place_contents(repo: BaseRepository, contents: Mapping[str, str]) -> None:
    """Let the signal of content ids have exactly these."""
    if not contents:
        return

    def edit(view, writer):
        oid, _ = write_signal(writer, {source: {"id": found} for source, found in contents.items()}, CONTENT_TYPE)
        kept = [pair for pair in view.root.signals if pair[0] != CONTENT]
        return DraftEdit(Root(tuple(sorted([*kept, (CONTENT, oid)])), view.root.datasets))

    repo.edit_draft(edit, command="ingest")


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
    """Record what each step was called for: the sources of each record or group."""
    calls: dict[str, list[Unit]] = {}
    originals = {kind: kind.batch for kind in (Step, TransformStep)}
    group_batch = GroupStep.group_batch

    def recording(original):
        def batch(self, columns):
            if not isinstance(self, GroupStep):
                calls.setdefault(self.spec.name, []).extend((key.decode(),) for key in columns.keys)
            return original(self, columns)

        return batch

    def recording_groups(self, columns, numbers):
        sources = [key.decode() for key in columns.keys]
        calls.setdefault(self.spec.name, []).extend(tuple(sources[at] for at in rows) for rows in split_groups(numbers))
        return group_batch(self, columns, numbers)

    try:
        for kind, original in originals.items():
            kind.batch = recording(original)
        GroupStep.group_batch = recording_groups
        yield calls
    finally:
        for kind, original in originals.items():
            kind.batch = original
        GroupStep.group_batch = group_batch


def _had(step: StepModel, unit: Unit, seen: dict[str, tuple[Any, ...]], was: dict[str, tuple[Any, ...]]) -> bool:
    """Tell whether a unit was one with the same inputs before."""
    same = all(source in was and was[source] == seen[source] for source in unit)
    return same and (step.scope == "record" or unit in step.units(was))


def _field(value: Any, path: str) -> Any:
    name = path.partition(".")[2]
    return value if not name or value is None else value[name]


def _decimal(text: str):
    from decimal import Decimal

    return Decimal(text)
