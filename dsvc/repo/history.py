"""Commits as people see them, and walks from a commit to those before it.

Every walk goes by generation, newest first: a commit's generation is greater than those of all its parents, so
whatever leads to a commit has been seen when its turn comes, whichever clock wrote the times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from heapq import heappop, heappush

import msgspec

from dsvc.objects.access import Reader
from dsvc.objects.commit import Commit
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import Kind, Oid
from dsvc.repo.refs import HEAD, HEADS, SYMBOLIC, TAGS, peel, symbolic
from dsvc.store.base import Store

NOTE_AS_IS = "as-is"
NOTE_GIT_HEAD = "git-head"
NOTE_GIT_DIRTY = "git-dirty"


class CommitInfo(msgspec.Struct, frozen=True):
    """One commit, its ids in hex."""

    id: str
    root: str
    """Names the content alone: equal for equal signals and datasets."""
    parents: tuple[str, ...]
    author: str
    time: datetime
    """Aware, UTC."""
    message: str
    generation: int
    recipe: str | None
    state: str | None
    notes: dict[str, str]
    refs: tuple[str, ...] = ()
    """Branches and tags that point at it, where they were asked for; HEAD first."""

    @property
    def is_as_is(self) -> bool:
        """Whether it was committed while something derived was stale."""
        return NOTE_AS_IS in self.notes

    @property
    def git_head(self) -> str | None:
        """Git's HEAD in the work tree around the repository."""
        return self.notes.get(NOTE_GIT_HEAD)

    @property
    def is_git_dirty(self) -> bool:
        """Whether git had no commit of the recipe files as they were."""
        return NOTE_GIT_DIRTY in self.notes

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]


def utc(time_us: int) -> datetime:
    """Return microseconds since 1970 as an aware time; floats hold them exactly until the year 2255."""
    return datetime.fromtimestamp(time_us / 1_000_000, UTC)


def describe_commit(oid: Oid, commit: Commit, refs: tuple[str, ...] = ()) -> CommitInfo:
    """Return a commit as people see it."""
    return CommitInfo(
        id=oid.hex(),
        root=commit.root.hex(),
        parents=tuple(parent.hex() for parent in commit.parents),
        author=commit.author,
        time=utc(commit.time_us),
        message=commit.message,
        generation=commit.generation,
        recipe=None if commit.recipe is None else commit.recipe.hex(),
        state=None if commit.state is None else commit.state.hex(),
        notes=dict(commit.notes),
        refs=refs,
    )


def read_commit(reader: Reader, oid: Oid) -> Commit:
    """Return a commit object."""
    return get_object(reader, oid, Kind.COMMIT, Commit)


def walk(reader: Reader, starts: Iterable[Oid], hidden: Iterable[Oid] = ()) -> Iterator[tuple[Oid, Commit]]:
    """Yield the commits reachable from `starts` and not from `hidden`, children before parents, each once."""
    queue: list[tuple[int, int, Oid]] = []
    commits: dict[Oid, Commit] = {}
    is_hidden: dict[Oid, bool] = {}
    n_shown = 0  # in the queue and not hidden: the walk ends when there are none

    def push(oid: Oid, *, hide: bool) -> None:
        nonlocal n_shown
        known = is_hidden.get(oid)
        if known is None:
            commit = commits[oid] = read_commit(reader, oid)
            heappush(queue, (-commit.generation, -commit.time_us, oid))
            is_hidden[oid] = hide
            n_shown += not hide
        elif hide and not known:
            is_hidden[oid] = True
            n_shown -= 1

    for oid in hidden:
        push(oid, hide=True)
    for oid in starts:
        push(oid, hide=False)
    while n_shown:
        oid = heappop(queue)[2]
        hide = is_hidden[oid]
        commit = commits.pop(oid)
        if not hide:
            n_shown -= 1
            yield oid, commit
        for parent in commit.parents:
            push(parent, hide=hide)


def is_ancestor(reader: Reader, ancestor: Oid, descendant: Oid) -> bool:
    """Tell whether `ancestor` is `descendant` or one of the commits before it."""
    least = read_commit(reader, ancestor).generation
    for oid, commit in walk(reader, [descendant]):
        if oid == ancestor:
            return True
        if commit.generation < least:
            return False
    return False


def refs_by_commit(store: Store) -> dict[Oid, tuple[str, ...]]:
    """Return, per commit, HEAD, the branches and the tags that point at it."""
    found: dict[Oid, list[str]] = {}
    head = store.refs.get(HEAD) or b""
    if head and not head.startswith(SYMBOLIC):
        found.setdefault(Oid(head), []).append(HEAD)
    for name, value in store.refs.iter_refs(HEADS):
        label = name.removeprefix(HEADS)
        names = found.setdefault(Oid(value), [])
        if head == symbolic(label):
            names[:0] = [HEAD, label]
        else:
            names.append(label)
    for name, value in store.refs.iter_refs(TAGS):
        found.setdefault(peel(store, Oid(value)), []).append(name.removeprefix(TAGS))
    return {oid: tuple(names) for oid, names in found.items()}


def find_commits(store: Store, prefix: str) -> list[Oid]:
    """Return the commits whose id begins with these hex digits: those of any ref, now or in the operation log."""
    starts = set(refs_by_commit(store))
    for _, operation in store.refs.iter_ops():
        for name, before, after in operation.refs:
            if name == HEAD or name.startswith(HEADS):
                starts.update(Oid(value) for value in (before, after) if value and not value.startswith(SYMBOLIC))
    return [oid for oid, _ in walk(store.objects, starts) if oid.hex().startswith(prefix)]
