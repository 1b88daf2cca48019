"""Lots: closed sets of values that are judged together by a sample.

A lot is closed when it is full, or when its first value has waited long enough, and is then frozen: who is in it, who
is looked at, and how many may be wrong never change. Values are taken in the order of a hash of their source, so a lot
is a mixture and its sample needs no chance: the sample is the members of the lowest hashes.

A member that nobody can be asked about is void: it is taken out of the lot, which is judged as the smaller lot that it
then is, by as many members as before. So the next in the order of the hashes is drawn for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from dsvc.annotation.judging.acceptance import Plan, plan_lot
from dsvc.objects.encoding import hash_encoded
from dsvc.objects.oid import Kind, Oid, StoredOid
from dsvc.recipe.task_spec import AuditSpec, TaskSpec

_FORGOTTEN: Final = 2
"""A lot is filling nowhere any more after so many times the time that it may wait."""


class LotMember(msgspec.Struct, frozen=True, order=True, gc=False):
    """One value of a lot."""

    source: str
    value: str
    """The canonical payload."""
    content_id: str = ""
    sampled: bool = False


class Shares(msgspec.Struct, frozen=True):
    """What a lot is judged by, as its task's audit was when it was closed."""

    sample: Decimal
    max_error: Decimal
    reject_error: Decimal | None = None

    def plan(self, size: int, at_least: int = 1) -> Plan:
        """Return how many of so many are looked at, and how many of them may be wrong."""
        return plan_lot(
            size, sample=self.sample, max_error=self.max_error, reject_error=self.reject_error, at_least=at_least
        )


class Lot(msgspec.Struct, frozen=True):
    """A closed lot."""

    lot_id: StoredOid
    round: int
    key: str
    """What its values have in common."""
    closed_us: int
    accept: int
    """It passes with so many wrong values in its sample."""
    members: tuple[LotMember, ...]
    """Sorted by source."""
    version: str = "1"
    """The task's."""
    shares: Shares = Shares(Decimal(1), Decimal(0))

    @property
    def sample(self) -> tuple[LotMember, ...]:
        """The members that are looked at."""
        return tuple(member for member in self.members if member.sampled)

    @property
    def rank(self) -> tuple[Any, ...]:
        """Where two clones closed one lot: the lesser counts, the earlier before the stricter."""
        shares = self.shares
        judged_by = shares.max_error, shares.reject_error or Decimal(1), -shares.sample
        return (self.closed_us, *judged_by, self.accept, self.sample)

    def in_order(self) -> list[LotMember]:
        """Return all members in the order in which they are drawn."""
        return sorted(self.members, key=lambda m: _draw(self.lot_id, (m.source, m.value, m.content_id)))


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A value that waits for a lot."""

    source: str
    value: str
    content_id: str
    round: int
    key: str
    """What `lot.by` gives, as text; empty without it."""
    origin: str = "model"
    """Values of people and of models are never in one lot."""
    after: Oid | None = None
    """The lot that it was taken out of, where it came back: it is not that lot again, though all be as they were."""


class Closing(msgspec.Struct, frozen=True):
    """Lots that are closed now, and since when others are filling."""

    lots: tuple[Lot, ...]
    openings: tuple[tuple[str, int], ...]
    """(key of a lot that is filling, since when), sorted."""


def opening_key(task: TaskSpec, candidate: Candidate) -> str:
    """Return what the candidates of one lot have in common, as one text."""
    return "\x1f".join((task.version, str(candidate.round), candidate.origin, candidate.key))


def close_lots(
    task: TaskSpec,
    candidates: Iterable[Candidate],
    openings: Mapping[str, int],
    now_us: int,
    *,
    nothing_more: bool = False,
) -> Closing:
    """Return the lots that are closed now.

    One ledger is read by every branch: a lot of which nothing waits here may be filling on another one, and goes on
    doing so, until it should have been closed for long.

    Args:
        task: The task, which has an audit.
        candidates: Every value that waits for a lot.
        openings: Since when each lot is filling, as the closing before said.
        now_us: The time.
        nothing_more: Close what there is: nothing else is on its way.
    """
    audit = audit_of(task)
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(opening_key(task, candidate), []).append(candidate)
    lots: list[Lot] = []
    still: list[tuple[str, int]] = []
    size = audit.lot.size
    for key in sorted(groups):
        waiting = sorted(groups[key], key=lambda c: (_rank(task, key, c.source), c.source, c.value))
        since = openings.get(key, now_us)
        n_full = len(waiting) // size
        cuts = [waiting[i * size : (i + 1) * size] for i in range(n_full)]
        rest = waiting[n_full * size :]
        if rest and (nothing_more or now_us - since >= audit.lot.close_after_us):
            cuts.append(rest)
        elif rest:
            still.append((key, now_us if n_full else since))
        lots += (freeze(task, key, cut, now_us) for cut in cuts)
    oldest_us = now_us - _FORGOTTEN * audit.lot.close_after_us
    still += ((key, since) for key, since in openings.items() if key not in groups and since >= oldest_us)
    return Closing(tuple(lots), tuple(sorted(still)))


def freeze(task: TaskSpec, key: str, candidates: Sequence[Candidate], now_us: int) -> Lot:
    """Return the lot of some values, with its sample and how many of it may be wrong."""
    members = sorted((candidate.source, candidate.value, candidate.content_id) for candidate in candidates)
    after = sorted({candidate.after for candidate in candidates if candidate.after is not None})
    named = [task.name, task.type_text, key, [list(member) for member in members]]
    lot_id = hash_encoded(Kind.LOT, [*named, after] if after else named)
    shares = shares_of(audit_of(task))
    plan = shares.plan(len(members))
    sampled = set(sorted(members, key=lambda member: _draw(lot_id, member))[: plan.sample])
    frozen = tuple(LotMember(*member, sampled=member in sampled) for member in members)
    return Lot(lot_id, candidates[0].round, key, now_us, plan.accept, frozen, task.version, shares)


def audit_of(task: TaskSpec) -> AuditSpec:
    """Return how a task is audited.

    Raises:
        ValueError: If it is not.
    """
    if task.audit is None:
        raise ValueError(f"task {task.name} has no audit")
    return task.audit


def shares_of(audit: AuditSpec) -> Shares:
    """Return what lots are judged by."""
    return Shares(audit.sample, audit.max_error, audit.reject_error)


def plan_of(audit: AuditSpec, size: int) -> Plan:
    """Return how many of a lot are looked at, and how many of them may be wrong."""
    return shares_of(audit).plan(size)


def _draw(lot_id: Oid, member: tuple[str, str, str]) -> tuple[Oid, tuple[str, str, str]]:
    return hash_encoded(Kind.LOT, [lot_id, *member]), member


def _rank(task: TaskSpec, key: str, source: str) -> Oid:
    return hash_encoded(Kind.LOT, ["rank", task.name, key, source])
