"""What a plan says of people: which asks a run would find, which of these are asked already, and how long they take.

A task's signal is foreseen exactly, whatever people have said; so are the asks. Only how many audits closed lots will
want is an expectation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from itertools import islice
from statistics import median
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.annotation.answers.evidence import Evidence
from dsvc.annotation.judging.lots import plan_of
from dsvc.annotation.keeping.ledger import LedgerView, read_ledger
from dsvc.annotation.opstores.base import Doc
from dsvc.annotation.under_way import UnderWay
from dsvc.engine.making.loading import Loader
from dsvc.engine.making.task_items import HUMAN
from dsvc.engine.planning.filling import find_remembered, name_of
from dsvc.engine.planning.forecast import StepForecast
from dsvc.engine.planning.people import People
from dsvc.engine.planning.waits import asks_named, count_asks, new_asks
from dsvc.engine.reading.fields import Mask
from dsvc.engine.reading.probe import Probe
from dsvc.objects.access import Reader
from dsvc.objects.chunk import ProvColumn
from dsvc.objects.diff import diff_trees
from dsvc.objects.encoding import get_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.state import State
from dsvc.recipe.nodes import derives
from dsvc.recipe.spec import Recipe
from dsvc.recipe.task_spec import TaskSpec
from dsvc.repo.base import BaseRepository
from dsvc.repo.draft import decode_draft
from dsvc.repo.refs import DRAFTS, HEADS
from dsvc.repo.view import View

MEASURED = 2000
"""Sources of whose answers the time is looked at, at most."""


class TaskPlan(msgspec.Struct, frozen=True):
    """What people would have to do for one task, once it is run."""

    name: str
    asks: int = 0
    """Asks that are open then."""
    new: int = 0
    """Of these: that no branch waits for yet, and nobody was sent."""
    shared: int = 0
    """Of these: that others wait for, and this branch did not."""
    reused: int = 0
    """Sources that are resolved whose value people have given already."""
    answers: int = 0
    """Answers that are missing."""
    modes: tuple[tuple[str, int], ...] = ()
    """(mode, asks), sorted."""
    audits: int = 0
    """Audits that are to be expected beside, of values that wait for a lot."""
    seconds: float | None = None
    """How long people take for all of it, at the median of measured times; None where none was measured."""
    days: float | None = None
    """When they are done with that at their present pace and in their hours, if they do nothing else; None where
    `seconds` is, or there was no pass with their platform here yet."""
    is_exact: bool = True
    """Whether all that the task reads is known; where it is not, this is what is known of it."""


def plan_task(
    repo: BaseRepository,
    loader: Loader,
    draft: View,
    task: TaskSpec,
    forecast: StepForecast,
    view: View,
    unknown: AbstractSet[str],
    under_way: UnderWay | None = None,
) -> TaskPlan:
    """Say what people would have to do for one task.

    Args:
        repo: Whose branches and ledger.
        loader: Loads the recipe.
        draft: The draft as it is.
        task: The task.
        forecast: What a run would find.
        view: The draft as a run would leave it.
        unknown: The signals of which not all is known before a step has run.
        under_way: What is known of asks that no version waits for, and of the team.
    """
    reader = view.reader
    waiting = view.waiting.get(task.name, ZERO)
    others = new_asks(reader, draft.waiting.get(task.name, ZERO), waiting)
    about = Keys.of_bytes(sorted({source.encode() for source in others.values()}))
    wanted: set[str] = set()
    for oid in _other_waiting(repo, draft, task.name) if others else ():
        wanted |= others.keys() & asks_named(reader, oid, about)
    sent = {} if under_way is None else under_way.subscribers(list(others))
    ours = repo.head().branch or "HEAD"
    n_new = sum(ask not in sent and ask not in wanted for ask in others)
    n_shared = sum(bool(sent[ask]) and ours not in sent[ask] if ask in sent else ask in wanted for ask in others)
    modes, people = count_asks(reader, waiting)
    has_audits = task.audit is not None and forecast.bound is not None
    known = None if under_way is None else under_way.remembered(name_of(task.name))
    n_audits = _expected_audits(People(repo, view, loader, task.name, forecast.bound), known) if has_audits else 0
    each = _median_lead(repo, task.name)
    seconds = None if each is None else each * (people + n_audits)
    return TaskPlan(
        task.name,
        modes.total(),
        n_new,
        n_shared,
        _count_reused(forecast, reader, draft.signal(task.name), view.signal(task.name)),
        people,
        tuple(sorted(modes.items())),
        n_audits,
        seconds,
        None if seconds is None or under_way is None else under_way.days(task, seconds),
        forecast.bound is None or not unknown & forecast.bound.inputs.signals.keys(),
    )


def _other_waiting(repo: BaseRepository, draft: View, task: str) -> Iterator[Oid]:
    """Yield the waiting trees of a task that any branch has beside this draft, each once."""
    refs = repo.store.refs
    states = {decode_draft(value).state for _, value in refs.iter_refs(DRAFTS)}
    states |= {repo.read_commit(Oid(value)).state for _, value in refs.iter_refs(HEADS)}
    seen = {draft.waiting.get(task), None}
    for state in states - {None, draft.state_id}:
        derived = get_object(draft.reader, state, Kind.STATE, State).derived if state is not None else ()
        for oid in (entry.waiting for entry in derived if entry.name == task):
            if oid is not None and oid not in seen:
                seen.add(oid)
                yield oid


def _count_reused(forecast: StepForecast, reader: Reader, before: Signal | None, after: Signal | None) -> int:
    """Return of how many sources that are resolved, here or by a run before, the value is one that people gave."""
    total = 0
    resolved: list[pa.Array[Any]] = []
    for part in forecast.iter_parts() if after is not None else ():
        if len(part.keys) and after is not None:
            prov = Probe(reader, part.keys).read(after, provenance=True).prov
            total += 0 if prov is None else int(_is_human(reader, prov).sum())
            resolved.append(part.keys.arrow)
    known = pa.concat_arrays(resolved) if resolved else pa.array([], pa.string())
    for changes in diff_trees(reader, before, after, provenance=True):
        if changes.prov_after is not None:
            theirs = changes.sources.filter(pa.array(_is_human(reader, changes.prov_after)))
            total += len(theirs) - (pc.sum(pc.is_in(theirs, known)).as_py() or 0)
    return total


def _is_human(reader: Reader, prov: ProvColumn) -> Mask:
    """Return which records people gave."""
    told = [get_object(reader, oid, Kind.PROVENANCE, Provenance).origin == HUMAN for oid in prov.table]
    # The last slot is that of a row without a record, whose index is -1.
    return np.array([*told, False], np.bool_)[prov.rows]


def _expected_audits(people: People, known: Doc | None) -> int:
    """Return how many audits the values want that are in no lot yet, once all lots of them are closed."""
    audit = people.task.audit
    if audit is None:
        return 0
    size, total = audit.lot.size, 0
    few = find_remembered(people, known, is_foreseen=True)
    counts = people.count_candidates() if few is None else Counter((one.round, one.origin, one.key) for one in few)
    for n_waiting in counts.values():
        n_full, rest = divmod(n_waiting, size)
        total += n_full * plan_of(audit, size).sample if n_full else 0
        total += plan_of(audit, rest).sample if rest else 0
    return total


def tell_renamed(draft: View, recipe: Recipe, ledger: LedgerView) -> list[str]:
    """Return what to say of tasks that are new, beside some that went though people answered them."""
    made = [entry.name for entry in draft.state.derived]
    gone = [name for name in made if name in ledger.tasks and not derives(recipe, name)]
    new = [name for name in recipe.tasks if name not in ledger.tasks and name not in made] if gone else []
    told = f"a task's name is part of what is asked, and answers to {', '.join(gone)} do not count for it"
    return [f"task {name} is new: {told}" for name in new]


def _median_lead(repo: BaseRepository, task: str) -> float | None:
    """Return how many seconds an answer takes; None where no platform has said."""
    ledger = read_ledger(repo.store)
    leads = [lead for _, known in islice(ledger.iter_evidence(task, MEASURED), MEASURED) for lead in _leads(known)]
    return median(leads) if leads else None


def _leads(known: Evidence) -> list[float]:
    return [answer.lead_s for answer in known.answers if answer.lead_s is not None]
