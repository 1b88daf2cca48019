"""Where a trace comes from: the commit, or the branch's draft, whose state names it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from dsvc.objects.encoding import get_object
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.state import State
from dsvc.repo.draft import decode_draft
from dsvc.repo.history import CommitInfo, describe_commit, refs_by_commit, walk
from dsvc.repo.refs import DRAFTS
from dsvc.repo.workspace import Workspace

MOST_COMMITS = 200
"""How far back commits are looked at; a trace may be older than that, or of a draft that is gone."""


class Maker(msgspec.Struct, frozen=True):
    """Who made what a trace holds."""

    commit: CommitInfo | None = None
    """The oldest commit that has it, of those that were looked at."""
    draft: str | None = None
    """Else the branch whose draft has it."""


def find_makers(repo: Workspace, traces: set[Oid]) -> dict[Oid, Maker]:
    """Return who made traces, as far as branches, their latest commits and their drafts tell.

    Args:
        repo: Where.
        traces: Ids of traces of derived signals.
    """
    found: dict[Oid, Maker] = {}
    if not traces:
        return found
    refs = refs_by_commit(repo.store)
    for branch, state in _iter_drafts(repo):
        found |= {oid: Maker(draft=branch) for oid in _traces(repo, state) & traces}
    for oid, commit in islice(walk(repo.store.objects, list(refs)), MOST_COMMITS):
        held = _traces(repo, commit.state) & traces
        # Newest first: what an older commit has was made by then.
        found |= dict.fromkeys(held, Maker(commit=describe_commit(oid, commit, refs.get(oid, ())))) if held else {}
    return found


def _iter_drafts(repo: Workspace) -> Iterator[tuple[str, Oid | None]]:
    for name, data in repo.store.refs.iter_refs(DRAFTS):
        yield name.removeprefix(DRAFTS), decode_draft(data).state


def _traces(repo: Workspace, state: Oid | None) -> set[Oid]:
    if state is None:
        return set()
    return {entry.trace for entry in get_object(repo.store.objects, state, Kind.STATE, State).derived}
