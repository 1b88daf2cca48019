"""Refs: what their names in the store are, what HEAD points at, and how a revision is written.

| ref | value |
| --- | --- |
| ``HEAD`` | ``ref:heads/<branch>``, or the 32-byte id of a commit |
| ``heads/<branch>`` | id of a commit; absent until the first one |
| ``tags/<name>`` | id of a tag object |
| ``drafts/<branch>`` | `dsvc.repo.draft.Draft`; absent while the draft equals the branch's commit |
| ``traces/<transform hash>`` | ids of traces, newest first |
| ``divergences/<transform hash>`` | `dsvc.repo.divergences.Divergence`s, newest first |
| ``sources/<hash of a function and its version>`` | what its code was: `dsvc.recipe.declared` |
| ``ledger`` | id of a `dsvc.objects.ledger.Ledger`: what people answered, the same for every branch |
| ``rates/<transform hash>`` | how long a record takes here: `dsvc.engine.making.rates`; part of no version |

A revision is ``HEAD``, a branch, a tag, ``dataset@tag`` or the first digits of a commit's id, followed by any number
of ``~N`` (N first parents back) and ``^N`` (the Nth parent).
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from dsvc.errors import AmbiguousOidError, RefNotFoundError
from dsvc.objects.commit import Commit
from dsvc.objects.encoding import get_object, kind_of
from dsvc.objects.oid import OID_BYTES, Kind, Oid
from dsvc.objects.tag import Tag
from dsvc.repo.names import nearest
from dsvc.store.base import Store

HEAD = "HEAD"
FIRST_BRANCH = "main"
DRAFT_REVISION = "@draft"
HEADS = "heads/"
SYMBOLIC = b"ref:heads/"
"""Begins a HEAD that is on a branch; ten bytes that no id of a commit has to share by accident."""
TAGS = "tags/"
DRAFTS = "drafts/"
TRACES = "traces/"
DIVERGENCES = "divergences/"
SOURCES = "sources/"
RATES = "rates/"
LEDGER = "ledger"
ROW_COUNTS = "rows"
MIN_HEX = 4
"""Fewest digits that name an object."""

FindCommits = Callable[[str], list[Oid]]
"""Finds the commits whose id begins with some hex digits."""

_REVISION = re.compile(r"(.*?)((?:[~^]\d*)*)", re.DOTALL)
_STEP = re.compile(r"([~^])(\d*)")
_HEX = re.compile(r"[0-9a-f]+")


class Head(msgspec.Struct, frozen=True):
    """Where HEAD is: on a branch, or detached at a commit."""

    value: bytes
    """The ref's own value."""
    branch: str | None
    """None when detached."""
    commit: Oid | None
    """None on a branch without commits."""

    @property
    def ref(self) -> str:
        """The ref that a commit moves."""
        return HEAD if self.branch is None else HEADS + self.branch

    @property
    def draft_ref(self) -> str:
        """The ref that holds the draft; a detached HEAD has one of its own."""
        return DRAFTS + (HEAD if self.branch is None else self.branch)

    @property
    def label(self) -> str:
        """The branch, or the short id of a detached HEAD's commit, for people."""
        if self.branch is not None:
            return self.branch
        return "HEAD" if self.commit is None else self.commit.hex()[:12]


def read_head(store: Store) -> Head:
    """Return where HEAD is."""
    value = store.refs.get(HEAD) or symbolic(FIRST_BRANCH)
    if not value.startswith(SYMBOLIC):
        return Head(value, None, Oid(value))
    branch = value[len(SYMBOLIC) :].decode()
    commit = store.refs.get(HEADS + branch)
    return Head(value, branch, None if commit is None else Oid(commit))


def symbolic(branch: str) -> bytes:
    """Return the value of a HEAD that is on `branch`."""
    return SYMBOLIC + branch.encode()


def split_range(text: str) -> tuple[str, str] | None:
    """Return the ends of ``A..B``, an end left out being HEAD; None if `text` is no range."""
    before, dots, after = text.partition("..")
    return (before or HEAD, after or HEAD) if dots else None


def resolve(store: Store, revision: str, find_commits: FindCommits) -> Oid:
    """Return the id of the commit that a revision names.

    Args:
        store: Where refs and commits are.
        revision: As the module says; ``@draft`` is no commit.
        find_commits: Called for revisions that are no name of a ref.

    Raises:
        RefNotFoundError: If nothing has this name, or a step leads before the first commit.
        AmbiguousOidError: If several commits begin with these digits.
    """
    match = _REVISION.fullmatch(revision)
    name, steps = match.groups() if match else (revision, "")
    commit = _resolve_name(store, name, revision, find_commits)
    for sign, digits in _STEP.findall(steps):
        number = int(digits) if digits else 1
        if sign == "~":
            for _ in range(number):
                commit = _parent(store, commit, 1, revision)
        elif number:
            commit = _parent(store, commit, number, revision)
    return commit


def _parent(store: Store, commit: Oid, number: int, revision: str) -> Oid:
    parents = get_object(store.objects, commit, Kind.COMMIT, Commit).parents
    if number > len(parents):
        found = f"{commit.hex()[:12]} has {len(parents)} parent{'' if len(parents) == 1 else 's'}"
        raise RefNotFoundError(revision=revision, message=f"revision {revision!r} not found: {found}")
    return parents[number - 1]


def _resolve_name(store: Store, name: str, revision: str, find_commits: FindCommits) -> Oid:
    if name in {HEAD, "@"}:
        head = read_head(store)
        if head.commit is None:
            raise RefNotFoundError(
                revision=revision,
                message=f"revision {revision!r} not found: branch {head.label} has no commit yet",
                hint=f"run `dsvc commit`, or name the draft with `{DRAFT_REVISION}`",
            )
        return head.commit
    for ref in (HEADS + name, TAGS + name) if name else ():
        if (value := store.refs.get(ref)) is not None:
            return peel(store, Oid(value))
    if len(name) == OID_BYTES * 2 and _HEX.fullmatch(name):
        oid = Oid(bytes.fromhex(name))
        if store.objects.has(oid):
            return peel(store, oid)
    elif len(name) >= MIN_HEX and _HEX.fullmatch(name):
        found = find_commits(name)
        if len(found) > 1:
            raise AmbiguousOidError(prefix=name, candidates=sorted(oid.hex()[:16] for oid in found))
        if found:
            return found[0]
    if name == DRAFT_REVISION:
        hint = "`dsvc commit` makes a version of it"
        raise RefNotFoundError(revision=revision, message="the draft is no commit", hint=hint)
    if ".." in name:
        hint = "`dsvc diff`, `dsvc log` and `dsvc dataset show` take a range of versions, A..B"
        raise RefNotFoundError(revision=revision, message=f"{revision!r} is no single version", hint=hint)
    raise RefNotFoundError(revision=revision, nearest=nearest(name, _ref_names(store)))


def _ref_names(store: Store) -> list[str]:
    return [name.removeprefix(prefix) for prefix in (HEADS, TAGS) for name, _ in store.refs.iter_refs(prefix)]


def peel(store: Store, oid: Oid) -> Oid:
    """Return the commit that a tag object points at; a commit is itself.

    Raises:
        RefNotFoundError: If the id is of another kind of object.
    """
    data = store.objects.get(oid)
    kind = kind_of(data)
    if kind is Kind.TAG:
        return get_object(store.objects, oid, Kind.TAG, Tag).commit
    if kind is not Kind.COMMIT:
        raise RefNotFoundError(
            revision=oid.hex(), message=f"{oid.hex()[:12]} is a {kind.name.lower()}, expected a commit"
        )
    return oid
