"""Where the state of work in progress is kept: requests, staged copies, inbox, rates, costs.

All of it is disposable. What was answered is in the ledger, what is asked follows from the recipe, and what is open
is listed by the platform and by the staging store: deleting an op store costs uploads, never answers.

A store has four primitives, so that LMDB and MongoDB and whatever a team has can do them alike: insert where absent,
swap by version, scan by (field, id), delete by version; and it gets or writes many documents in one go, each as if it
were alone. Nothing is atomic over two documents: whoever changes two writes first the one from which the other can be
made again. `dsvc.testing.opstores` is the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

Doc: TypeAlias = dict[str, Any]
"""Plain values under names: str, int, float, bool, None, and lists and dicts of them."""
Value: TypeAlias = str | int
"""What a scan compares: text by its code points (without NUL), integers of 64 bits; one field holds one of the two."""

INDEXES: Final[Mapping[str, tuple[str, ...]]] = {
    "requests": ("line", "task"),
    "stages": ("put_us", "rendering"),
    "inbox": ("state",),
    "costs": ("task",),
    "control": (),
    "secrets": (),
    "clones": (),
}
"""Which fields of which space can be scanned by. Every space can be scanned by `id`."""
PAGE: Final = 500
"""Documents that a scan gives at once, unless asked otherwise."""
_FIRST_PAGE = 32
_TRIES = 1000


class OpRecord(NamedTuple):
    """A document as it was read; `version` grows by one with each swap and begins at 1."""

    id: str
    version: int
    doc: Doc


class Write(NamedTuple):
    """An insert, a swap or a delete."""

    key: str
    version: int
    """What is to be there; 0 for nothing."""
    doc: Doc | None
    """What is to be there then; None for nothing."""


class OpStore(Protocol):
    """The primitives, and a look at one document. May be used by several threads and processes."""

    def get(self, space: str, key: str) -> OpRecord | None:
        """Return one document, or None where there is none."""

    def insert(self, space: str, key: str, doc: Doc) -> bool:
        """Keep a document where there is none of this id; tell whether it was kept."""

    def swap(self, space: str, key: str, version: int, doc: Doc) -> bool:
        """Put a document in the place of the one that has this version; tell whether that was still so."""

    def scan(
        self,
        space: str,
        field: str = "id",
        low: Value | None = None,
        high: Value | None = None,
        *,
        after: tuple[Value, str] | None = None,
        limit: int = PAGE,
    ) -> list[OpRecord]:
        """Return documents by (field, id), ascending; those without the field, or with None in it, are not among them.

        Args:
            space: Which documents.
            field: `id`, or one that `INDEXES` names.
            low: The least value, itself included.
            high: The value to stop before.
            after: Go on behind this (value, id).
            limit: How many at most.
        """

    def delete(self, space: str, key: str, version: int) -> bool:
        """Remove the document that has this version; tell whether that was still so."""

    def get_many(self, space: str, keys: Sequence[str]) -> dict[str, OpRecord]:
        """Return documents by id; those that there are none of are left out."""

    def write_many(self, space: str, writes: Sequence[Write]) -> list[bool]:
        """Do some inserts, swaps and deletes of different documents; tell which were done."""

    def close(self) -> None:
        """Let go of files and connections."""


def check_field(indexes: Mapping[str, tuple[str, ...]], space: str, field: str) -> None:
    """Refuse a space or a field that was not declared.

    Raises:
        ValueError: If it was not.
    """
    if space not in indexes or (field != "id" and field not in indexes[space]):
        raise ValueError(f"{space}.{field} is not declared as one to scan by")


def iter_scan(
    store: OpStore, space: str, field: str = "id", low: Value | None = None, high: Value | None = None
) -> Iterator[OpRecord]:
    """Yield every document of a range, page by page; those changed meanwhile may come twice or not at all.

    Pages begin small: as often as not the first few documents are all that is asked for.
    """
    after: tuple[Value, str] | None = None
    limit = _FIRST_PAGE
    while page := store.scan(space, field, low, high, after=after, limit=limit):
        yield from page
        if len(page) < limit:
            return
        last, limit = page[-1], min(PAGE, 4 * limit)
        after = (last.id if field == "id" else last.doc[field], last.id)


def update(store: OpStore, space: str, key: str, change: Callable[[Doc | None], Doc | None]) -> Doc | None:
    """Change one document by what it is now, as often as it takes to win; return what is there afterwards.

    Args:
        store: Where.
        space: Which documents.
        key: Which one.
        change: Given the document, or None; returns the next one, a new dict. None removes it, and leaves alone what
            is not there; the same object leaves it as it is.
    """
    for _ in range(_TRIES):
        found = store.get(space, key)
        before = None if found is None else found.doc
        after = change(before)
        if after is before:
            return before
        if found is None:
            done = after is not None and store.insert(space, key, after)
        elif after is None:
            done = store.delete(space, key, found.version)
        else:
            done = store.swap(space, key, found.version, after)
        if done:
            return after
    raise AssertionError(f"{space} {key} changed {_TRIES} times in a row")


def update_many(
    store: OpStore, space: str, keys: Sequence[str], change: Callable[[str, Doc | None], Doc | None]
) -> list[Doc | None]:
    """Change many documents, each as `update` does, in a few goes; return what is there afterwards, in order.

    Args:
        store: Where.
        space: Which documents.
        keys: Which ones.
        change: As that of `update`, given the id as well.
    """
    after: dict[str, Doc | None] = {}
    for start in range(0, len(keys), PAGE):
        some = keys[start : start + PAGE]
        found, writes = store.get_many(space, some), list[Write]()
        for key in dict.fromkeys(some):
            record = found.get(key)
            before = None if record is None else record.doc
            after[key] = change(key, before)
            if after[key] is not before:
                writes.append(Write(key, 0 if record is None else record.version, after[key]))
        for write, is_done in zip(writes, store.write_many(space, writes) if writes else (), strict=True):
            if not is_done:
                after[write.key] = update(store, space, write.key, partial(change, write.key))
    return [after[key] for key in keys]


def starting_with(prefix: str) -> tuple[str, str]:
    """Return the (low, high) of all text that begins with a prefix."""
    return prefix, prefix + "\U0010ffff"
