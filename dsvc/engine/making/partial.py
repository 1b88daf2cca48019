"""What interrupted runs of a step have made: traces that answer for no more than that, beside the step's own.

A run keeps one, and replaces it as it goes; those that earlier runs left stay until all that they answer is made. They
are no part of a draft, and keeping one is no operation that could be taken back.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from dsvc.engine.making.binding import partial_ref
from dsvc.errors import RefConflictError
from dsvc.objects.encoding import put_object
from dsvc.objects.oid import OID_BYTES, Kind, Oid
from dsvc.objects.trace import Trace
from dsvc.repo.refs import TRACES
from dsvc.repo.workspace import MAX_TRACES, Workspace
from dsvc.store.base import RefChange
from dsvc.store.writer import ObjectWriter


class PartialTraces:
    """The partial traces of one transform hash, seen by the run that makes its signal.

    Args:
        repo: Where.
        transform: The transform hash.
        own: The trace that the run goes on with, whose place its own takes.
    """

    def __init__(self, repo: Workspace, transform: Oid, own: Oid | None = None) -> None:
        self._repo = repo
        self._ref = partial_ref(transform)
        self._own = own

    def keep(self, writer: ObjectWriter, trace: Trace) -> None:
        """Keep what the run has made by now, in place of what it kept before. Durable on return, with all it names."""
        oid = put_object(writer, Kind.TRACE, trace)
        self._replace(writer, oid, {oid, self._own})
        self._own = oid

    def drop(self, writer: ObjectWriter, trace: Trace) -> None:
        """Let go of what a finished trace answers: the run's own, and those of the same inputs."""
        answered = {oid for oid, other in self._repo.traces(self._ref) if other.inputs == trace.inputs}
        if answered or self._own is not None:
            self._replace(writer, None, {*answered, self._own})

    def _replace(self, writer: ObjectWriter, new: Oid | None, old: Collection[Oid | None]) -> None:
        name = TRACES + self._ref.hex()
        while True:
            data = self._repo.store.refs.get(name)
            there = data or b""
            oids = [Oid(there[at : at + OID_BYTES]) for at in range(0, len(there), OID_BYTES)]
            kept = [*([] if new is None else [new]), *(oid for oid in oids if oid not in old)]
            value = b"".join(kept[:MAX_TRACES]) or None
            if value == data:
                return
            with suppress(RefConflictError):  # another run keeps what it has made of the same transform
                writer.update([RefChange(name, data, value)])
                return
