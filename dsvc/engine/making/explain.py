"""Why a step's transform hash is another one: which part of the step changed, as far as can be told.

A hash tells nothing.  What a trace and its records know (inputs, type, producer, version) is compared first; then the
step as a commit's recipe has it, the latest whose signal is the draft's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

from dsvc.engine.making.binding import Bound
from dsvc.engine.making.loading import Loader
from dsvc.errors import RecipeError
from dsvc.objects.access import Reader
from dsvc.objects.chunk import load_prov
from dsvc.objects.commit import Commit
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.state import Derived, State
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type
from dsvc.recipe.files import merge_files
from dsvc.repo.history import walk
from dsvc.repo.view import View
from dsvc.repo.worktree import read_recipe

MOST_COMMITS = 200
"""How far back the recipe that made a draft is looked for."""


def explain_transform(view: View, loader: Loader, bound: Bound) -> str:
    """Return what changed of a step whose draft was made under another transform hash, e.g. ``version 1 -> 2``."""
    # Of a task's records each may be another person's, and what it reads follows from its table.
    parts = [] if bound.spec.kind == "task" else _from_records(view, loader, bound)
    if not parts:
        parts = _from_recipe(view, loader, bound.spec.name, "task" if bound.spec.kind == "task" else "step")
    return ", ".join(parts) or "code or parameters"


def _from_records(view: View, loader: Loader, bound: Bound) -> list[str]:
    """Return what the old trace and one old record tell."""
    parts = []
    old_paths = [entry.path for entry in bound.was.inputs if not entry.path.endswith("._waiting")] if bound.was else []
    new_paths = [str(item.path) for item in bound.inputs.items]
    if old_paths != new_paths:
        parts.append(f"inputs {', '.join(old_paths) or 'none'} -> {', '.join(new_paths) or 'none'}")
    if bound.before is None:
        return parts
    old_type = Type.decode(bound.before.type)
    if old_type != bound.type:
        parts.append(f"type {old_type} -> {bound.type}")
    old = _first_provenance(view.reader, bound.before)
    new = loader.provenance(bound.spec, bound.transform)
    if old.producer != new.producer:
        parts.append(f"{old.producer} -> {new.producer}")
    if old.version != new.version:
        parts.append(f"version {old.version} -> {new.version}")
    return parts


def _first_provenance(reader: Reader, signal: Signal) -> Provenance:
    """Return the provenance of a signal's first record; a step gives all of its records one."""
    entry = next(Tree(reader, signal).nodes().chunks())
    return get_object(reader, load_prov(reader, [entry]).oids()[0], Kind.PROVENANCE, Provenance)


def _from_recipe(view: View, loader: Loader, name: str, section: str) -> list[str]:
    """Return the keys of a table that the recipe which made the draft has otherwise, where a commit has it."""
    commit = _find_commit(view, name)
    if commit is None:
        return []
    old, new = _committed_table(view, commit, section, name), _present_table(loader, section, name)
    changed = [key for key in {**old, **new} if old.get(key) != new.get(key) and key != "type"]
    told: list[str] = []
    for key in changed:
        before, after = old.get(key), new.get(key)
        if key in ("parameters", "environment"):
            before, after = before or {}, after or {}
            items = [item for item in {**before, **after} if before.get(item) != after.get(item)]
            told += [_tell(f"{key}.{item}", before, after, item) for item in items]
        else:
            told.append(key)
    return told or ["code"]


def _tell(label: str, before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> str:
    return f"{label} {before.get(key, 'none')} -> {after.get(key, 'none')}"


def _entry(state: State, name: str) -> Derived | None:
    return next((entry for entry in state.derived if entry.name == name), None)


def _find_commit(view: View, name: str) -> Commit | None:
    """Return the latest commit before the draft that has the step's signal as the draft has it."""
    now = _entry(view.state, name)
    starts = [] if view.commit_id is None else [view.commit_id]
    for _, commit in islice(walk(view.reader, starts), MOST_COMMITS):
        state = State() if commit.state is None else get_object(view.reader, commit.state, Kind.STATE, State)
        if now is not None and _entry(state, name) == now:
            return commit
    return None


def _committed_table(view: View, commit: Commit, section: str, name: str) -> Mapping[str, Any]:
    for path, content in read_recipe(view.reader, commit.recipe).items():
        if path.endswith(".toml"):
            try:
                table = tomllib.loads(content.decode(), parse_float=Decimal).get(section, {}).get(name)
            except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError):
                continue
            if isinstance(table, Mapping):
                return table
    return {}


def _present_table(loader: Loader, section: str, name: str) -> Mapping[str, Any]:
    try:
        content, _ = merge_files(loader.recipe.directory)
    except RecipeError:
        return {}
    table = content.get(section, {}).get(name)
    return table if isinstance(table, Mapping) else {}
