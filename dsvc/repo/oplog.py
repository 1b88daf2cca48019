"""The operation log: every change of a ref is one record, written in the transaction that made it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from dsvc.repo.history import utc
from dsvc.store.base import RefStore


class RefMove(msgspec.Struct, frozen=True):
    """What one operation did to one ref."""

    name: str
    before: bytes | None
    """The ref's value; None where it was not there."""
    after: bytes | None


class OperationInfo(msgspec.Struct, frozen=True):
    """One operation."""

    number: int
    """Ascending in the order of the operations."""
    time: datetime
    """Aware, UTC."""
    author: str
    command: str
    moves: tuple[RefMove, ...]


def iter_operations(refs: RefStore) -> Iterator[OperationInfo]:
    """Yield the operations, newest first."""
    for number, operation in refs.iter_ops():
        yield OperationInfo(
            number=number,
            time=utc(operation.time_us),
            author=operation.author,
            command=operation.command,
            moves=tuple(RefMove(*move) for move in operation.refs),
        )
