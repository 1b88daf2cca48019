"""Trying a step on a few sources: what it reads and gives, with nothing stored.

The steps before it are brought up to date in memory for these sources alone, from traces where they answer.  Steps of
groups and of all records would need far more than these sources: where such a step before it is stale, its present
values are read, and it is named, unless all sources are asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from dsvc.engine.making.binding import Bound, bind_step
from dsvc.engine.making.dirty import Groups
from dsvc.engine.making.drafts import drop_derived, put_derived
from dsvc.engine.making.group_ids import ids_of
from dsvc.engine.making.group_steps import GroupStep
from dsvc.engine.making.loading import Loader
from dsvc.engine.making.members import Members
from dsvc.engine.making.output import Output
from dsvc.engine.making.steps import Made, Step
from dsvc.engine.making.traces import Batch, merge_records
from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.fields import same_bits
from dsvc.engine.reading.inputs import Inputs
from dsvc.engine.reading.plain_values import plain_values
from dsvc.engine.reading.probe import Probe
from dsvc.engine.reading.scratch import Scratch
from dsvc.errors import SignalNotFoundError, UserError
from dsvc.objects.arrays import to_arrow
from dsvc.objects.column import Index, null_column
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys, concat_keys
from dsvc.objects.oid import ZERO, Kind
from dsvc.objects.state import Derived
from dsvc.objects.types import Type
from dsvc.plugins.manager import Plugins
from dsvc.recipe.expressions import Place, parse_expression
from dsvc.recipe.spec import Recipe, StepSpec
from dsvc.repo.base import BaseRepository
from dsvc.repo.draft import DraftEdit
from dsvc.repo.names import nearest
from dsvc.repo.nearby import check_source
from dsvc.repo.refs import DRAFT_REVISION
from dsvc.repo.sources import iter_source_keys
from dsvc.repo.view import View

LIMIT = 20
"""Sources that are tried unless said otherwise."""
_SCANNED_ROWS = 16_384

SAME, NEW, DIFFERS, FAILED, MISSING = "same", "new", "differs", "failed", "missing-input"


class Tried(msgspec.Struct, frozen=True):
    """What came of one source."""

    source: str
    verdict: str
    """``new``, ``same`` or ``differs`` from what the draft holds, ``failed``, or ``missing-input``; of a task
    ``asked``, its standing, or ``nothing``."""
    inputs: dict[str, Any]
    """Input -> value that the step was given; null where there is none."""
    value: Any = None
    error: str | None = None
    """What the step raised, or which inputs are missing."""
    present: Any = None
    """What the draft holds, where that differs."""
    has_present: bool = False
    """Whether the draft holds a record."""
    group: int | None = None
    """Of a step of groups: sources with one number were one call."""
    asks: str = ""
    """Of a task: what people would be asked."""


class Trial(msgspec.Struct, frozen=True):
    """What came of a step that was tried."""

    step: str
    rows: tuple[Tried, ...]
    made: tuple[str, ...] = ()
    """Steps before it that were made in memory for these sources, since they are stale."""
    stale: tuple[str, ...] = ()
    """Steps before it that are stale, and whose present values were read."""


def try_step(
    repo: BaseRepository,
    recipe: Recipe,
    plugins: Plugins,
    name: str,
    pointers: Sequence[str] = (),
    *,
    limit: int = LIMIT,
    where: str | None = None,
    everything: bool = False,
) -> Trial:
    """Run a step of the recipe on a few sources of the draft, and store nothing.

    Args:
        repo: Whose draft.
        recipe: What the step is.
        plugins: Offers transforms.
        name: The step.
        pointers: The sources; by default the first that would run, or the first there are where none would.
        limit: Sources at most; a step of groups is given whole groups all the same.
        where: SQL over signals of the draft that sources must satisfy.
        everything: Make what is needed for every source, as a step of all records demands, and show those chosen.

    Raises:
        UserError: If the recipe has no such step; or, without `everything`, if it is one of all records, or one of
            groups that are made by a step that is stale.
        SourceNotFoundError: If the draft has no source of one of the pointers.
        NotRowWiseError: If `where` is no condition on one record.
        DeriveError: If the step cannot run at all.
    """
    if name not in recipe.steps:
        close = nearest(name, recipe.steps)
        hint = f"did you mean {close!r}?" if close else f"it has: {', '.join(recipe.order) or 'none'}"
        raise UserError(message=f"the recipe has no step {name!r}", hint=hint)
    trier = _Trier(repo, repo.view(DRAFT_REVISION), Loader(recipe, plugins), recipe.steps[name])
    return trier.run(pointers, limit, where, everything=everything)


class _Trier:
    """Tries one step, on a draft that is made up in memory."""

    def __init__(self, repo: BaseRepository, view: View, loader: Loader, spec: StepSpec) -> None:
        self._repo, self._draft, self._loader, self._spec = repo, view, loader, spec
        self._scratch = Scratch(view.reader)
        self._view = view
        """The draft with what was made in memory."""
        self._has_all = False
        """Whether it is made for every source, so that steps of groups can be made too."""
        self._made: list[str] = []
        self._stale: list[str] = []

    def run(self, pointers: Sequence[str], limit: int, where: str | None, *, everything: bool) -> Trial:
        """Try the step."""
        spec = self._spec
        if spec.scope == "global" and not everything:
            raise UserError(
                message=f"step {spec.name!r} makes all records at once: its result for some says nothing of the others",
                hint=f"`dsvc try {spec.name} --all` runs it on all records, and stores nothing",
            )
        chosen = self._choose(pointers, limit, where)
        self._has_all = everything
        keys = self._all() if everything else self._with_groups(chosen)
        self._make_before(keys)
        bound = bind_step(self._repo, self._view, self._loader, spec)
        rows = [] if bound is None else self._try(bound, keys)
        if everything:
            named = set(chosen)
            groups = {row.group for row in rows if row.source.encode() in named and spec.scope == "group"} - {None}
            rows = [row for row in rows if row.source.encode() in named or row.group in groups]
        return Trial(spec.name, tuple(rows), tuple(self._made), tuple(self._stale))

    # --- which sources ----------------------------------------------------------------------------------------------

    def _choose(self, pointers: Sequence[str], limit: int, where: str | None) -> Keys:
        """Return the sources to try."""
        named = sorted({check_source(self._draft, pointer) for pointer in pointers})
        if where is not None:
            return self._matching(where, Keys.of_bytes(named) if named else None, limit)
        if named:
            return Keys.of_bytes(named[:limit])
        return self._would_run(limit)

    def _would_run(self, limit: int) -> Keys:
        """Return the first sources of which a run would make this step or one before it, or the first there are."""
        recipe = self._loader.recipe
        before = _ancestors(recipe, self._spec.name)
        found: list[Keys] = []
        for name in (*(name for name in recipe.order if name in before), self._spec.name):
            bound = bind_step(self._repo, self._draft, self._loader, recipe.steps[name])
            if bound is not None and bound.match.equal is None:
                batches = bound.match.batches(rows=_SCANNED_ROWS)
                runs = (batch.columns.keys.take(np.flatnonzero(batch.run)) for batch in batches)
                found.append(_first(map(self._with_inputs, runs), limit))
        if any(map(len, found)):
            return _first(iter([_union(found)]), limit)
        bound = bind_step(self._repo, self._draft, self._loader, self._spec)
        everything = () if bound is None else bound.inputs.scan(_SCANNED_ROWS)
        return _first((columns.keys for columns in everything), limit)

    def _with_inputs(self, keys: Keys) -> Keys:
        """Return those of some sources that have what the step needs beside the results of steps before it."""
        held = np.ones(len(keys), np.bool_)
        probe = Probe(self._draft.reader, keys)
        for path in self._spec.required:
            if path.signal not in self._loader.recipe.steps and len(keys):
                held &= probe.present(self._draft.signal(path.signal))
        return keys.take(np.flatnonzero(held))

    def _matching(self, where: str, among: Keys | None, limit: int) -> Keys:
        """Return the first sources of the draft that satisfy a condition."""
        expression = parse_expression(where, Place("--where"))
        known = {*self._draft.signals, *self._loader.declared_types}
        for path in expression.inputs:
            if path.signal not in known:
                raise SignalNotFoundError(
                    signal=path.signal, revision=DRAFT_REVISION, nearest=nearest(path.signal, known)
                )
        inputs = Inputs.bind(self._draft, expression.inputs, (), self._loader.declared_types, every_source=True)
        batches = inputs.scan(_SCANNED_ROWS) if among is None else iter([inputs.take(Probe(inputs.reader, among))])

        def iter_held() -> Iterator[Keys]:
            for columns in batches:
                values = {path: columns.values(path) for path in expression.inputs}
                held = self._loader.evaluator.where(expression, values, n_rows=len(columns), name="--where")
                yield columns.keys.take(np.flatnonzero(np.asarray(held)))

        return _first(iter_held(), limit)

    def _all(self) -> Keys:
        """Return every source of the draft."""
        found = list(iter_source_keys(self._draft))
        return concat_keys(found) if found else Keys.of_bytes([])

    def _with_groups(self, chosen: Keys) -> Keys:
        """Return the sources that the step needs to be called for some: themselves, or their whole groups.

        Raises:
            UserError: If what the groups are made by is itself to be made first.
        """
        group = self._spec.group
        if self._spec.scope != "group" or group is None or not len(chosen):
            return chosen
        recipe = self._loader.recipe
        above = {group.signal, *_ancestors(recipe, group.signal)} & set(recipe.steps)
        bounds = [bind_step(self._repo, self._draft, self._loader, recipe.steps[name]) for name in above]
        if any(bound is None or not bound.is_current for bound in bounds):
            raise UserError(
                message=f"step {self._spec.name!r} makes groups by {group}, which is to be made first",
                hint=f"run `dsvc run {group.signal}`, or pass `--all` to make it in memory for every source",
            )
        # Who is in a group follows from its key alone; who then lacks another input has no record.
        inputs = Inputs.bind(self._draft, [group], [group], self._loader.declared_types)
        ids = ids_of(inputs.take(Probe(inputs.reader, chosen)), group)
        wanted = Groups.collect([(ids, np.zeros(len(ids), np.uint64))])
        found = [batch.columns.keys for batch in Members(inputs, group, self._scratch).batches(wanted)]
        return _union([*found, chosen])

    # --- what is before the step ------------------------------------------------------------------------------------

    def _make_before(self, keys: Keys) -> None:
        """Bring the steps before this one up to date in memory, for some sources."""
        recipe = self._loader.recipe
        needed = _ancestors(recipe, self._spec.name)
        for name in recipe.order:
            if name in needed and len(keys):
                self._make(recipe.steps[name], keys)

    def _make(self, spec: StepSpec, keys: Keys) -> None:
        bound = bind_step(self._repo, self._view, self._loader, spec)
        if bound is None:
            self._edit(drop_derived(self._view, spec.name))
            return
        if bound.is_current:
            return
        if spec.scope != "record" and not self._has_all:
            self._stale.append(spec.name)
            return
        probe = Probe(bound.inputs.reader, keys)
        columns = bound.inputs.take(probe)
        bits = np.zeros(len(keys), np.uint64)
        if spec.scope == "record":
            batch = bound.match.offer(probe, columns, columns.complete, bits, base_too=True)
        else:
            complete = columns.filter(columns.complete)
            every = np.ones(len(complete), np.bool_)
            batch = Batch(keys, complete, bits[columns.complete], every, None, ~every, None)
        rows = np.flatnonzero(batch.run)
        values, failed = self._call(bound, batch.columns.take(rows))
        if len(rows):
            self._made.append(spec.name)
        before = bound.before if bound.before is not None and Type.decode(bound.before.type) == bound.type else None
        output = Output(self._scratch, before, bound.type, self._loader.provenance(spec, bound.transform))
        good = np.array([at for at in range(len(rows)) if at not in failed], np.int64)
        made = output.made(batch.columns.keys.take(rows[good]), values.take(good))
        parts = [(rows[good], made)]
        if batch.reused is not None:
            parts.append((np.flatnonzero(batch.is_reused), batch.reused))
        output.remove(keys)
        output.flush()
        records = merge_records(parts)
        if records is not None:
            output.put(records)
        signal = output.flush()
        oid = ZERO if signal is None else put_object(self._scratch, Kind.SIGNAL, signal)
        self._edit(put_derived(self._view, Derived(spec.name, ZERO, None), oid))

    def _call(self, bound: Bound, columns: Columns) -> Made:
        """Call a step for some records, none of which is stored; for whole groups, where it is one of groups."""
        if not len(columns):
            return null_column(bound.type.physical, 0), {}
        step: Step = self._loader.load(bound.spec, bound.type, bound.transform)
        return step.make_groups(columns, _numbers(bound, columns)) if isinstance(step, GroupStep) else step(columns)

    def _edit(self, edit: DraftEdit) -> None:
        root = put_object(self._scratch, Kind.ROOT, edit.root or self._view.root)
        state = put_object(self._scratch, Kind.STATE, edit.state or self._view.state)
        draft = self._draft
        self._view = View(
            self._scratch, root, state, commit_id=draft.commit_id, commit=draft.commit, revision=draft.revision
        )

    # --- the step itself --------------------------------------------------------------------------------------------

    def _try(self, bound: Bound, keys: Keys) -> list[Tried]:
        probe = Probe(bound.inputs.reader, keys)
        columns = bound.inputs.take(probe)
        complete = np.flatnonzero(columns.complete)
        chosen = columns.take(complete)
        numbers = None if bound.spec.scope == "record" else _numbers(bound, chosen)
        values, failed = self._call(bound, chosen)
        old = None if bound.before is None else Probe(self._scratch, keys).read(bound.before)
        has_old = probe.present(bound.before)
        present = [None] * len(keys) if old is None else plain_values(to_arrow(old.column))
        is_same = np.zeros(len(keys), np.bool_)
        if old is not None:
            is_same[complete] = same_bits(old.column.take(complete), values)
        given = {str(item.path): plain_values(columns.values(item.path)) for item in bound.inputs.items}
        results = plain_values(to_arrow(values))
        place = {int(row): at for at, row in enumerate(complete)}
        rows = []
        for row, key in enumerate(keys):
            at = place.get(row)
            told = Tried(
                key.decode(),
                MISSING,
                {path: column[row] for path, column in given.items()},
                present=present[row],
                has_present=bool(has_old[row]),
            )
            if at is None:
                lacking = [
                    str(item.path) for item in bound.inputs.required if not columns.present(item.path.signal)[row]
                ]
                told = msgspec.structs.replace(told, error=f"no record of {', '.join(lacking) or 'any of its inputs'}")
            elif at in failed:
                told = msgspec.structs.replace(told, verdict=FAILED, error=failed[at])
            else:
                verdict = SAME if has_old[row] and is_same[row] else DIFFERS if has_old[row] else NEW
                told = msgspec.structs.replace(told, verdict=verdict, value=results[at])
            if at is not None and numbers is not None:
                told = msgspec.structs.replace(told, group=int(numbers[at]))
            rows.append(told)
        return rows


def _numbers(bound: Bound, columns: Columns) -> Index:
    """Return the number of each record's group."""
    ids = ids_of(columns, bound.spec.group)
    return np.asarray(ids.dictionary_encode().indices).astype(np.int64)


def _ancestors(recipe: Recipe, name: str) -> Collection[str]:
    """Return the steps that a step reads, whatever is between; none for a signal that is no step."""
    found: set[str] = set()
    queue = [name] if name in recipe.steps else []
    while queue:
        for signal in recipe.steps[queue.pop()].signals:
            if signal in recipe.steps and signal not in found:
                found.add(signal)
                queue.append(signal)
    return found


def _first(runs: Iterator[Keys], limit: int) -> Keys:
    """Return the first keys of ascending runs."""
    held: list[Keys] = []
    n = 0
    for run in runs:
        if n >= limit:
            break
        held.append(run.slice(0, min(len(run), limit - n)))
        n += len(held[-1])
    return concat_keys(held) if held else Keys.of_bytes([])


def _union(parts: Sequence[Keys]) -> Keys:
    return Keys.of_bytes(sorted({key for part in parts for key in part}))
