"""Calls of a step as bytes in and bytes out, so that they can be made in any process.

A batch goes as an Arrow stream of one batch; its result comes back as the canonical bytes of the values, which are
what the store keeps, beside the failures and the time that the call took.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from dsvc.engine.making.steps import Made, Step
from dsvc.errors import DeriveError, DsvcError
from dsvc.objects.canonical import read_values, value_parts
from dsvc.objects.oid import Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.types import Type
from dsvc.plugins.contracts import Transform
from dsvc.recipe.hashing import source_digest
from dsvc.recipe.python import Namespace
from dsvc.recipe.spec import StepSpec


class Result(msgspec.Struct, frozen=True, array_like=True):
    """What a call gave, as msgpack."""

    rows: int
    failed: dict[int, str]
    seconds: float
    """How long the call took where it was made."""
    values: bytes
    """Canonical bytes; of no row where the step cannot go on."""
    refused: tuple[str, str | None] | None = None
    """Why the step cannot go on at all, and a hint."""


_decoder = msgspec.msgpack.Decoder(Result)


@dataclass(frozen=True)
class Work:
    """One step, to be called in any process that has dsvc and can read the recipe's directory. Can be pickled.

    Attributes:
        kind: What calls the code.
        spec: What the recipe says.
        type_: The type of the values.
        provenance: That of the records.
        directory: The recipe's directory, which a Python function is loaded from.
        session: The run that this is part of: within one, files of the recipe are loaded once a process.
        transform: The installed transform, for a step that calls one.
        source: Digest of the function's code, as it was when the run began.
    """

    kind: Callable[..., Step]
    spec: StepSpec
    type_: Type
    provenance: Provenance
    directory: Path
    session: str
    transform: type[Transform] | None = None
    source: Oid | None = None

    @property
    def step(self) -> str:
        """The step's name, for messages."""
        return self.spec.name

    def open(self) -> Step:
        """Load the code and return the step.

        Raises:
            RecipeError: If a function cannot be loaded.
            DeriveError: If its code is another by now: its values would be kept under the wrong name.
        """
        if self.source is not None and source_digest(self.spec, self.directory) != self.source:
            raise DeriveError(step=self.step, reason="its code changed while it ran", hint="run it again")
        if self.transform is not None:
            return self.kind(self.spec, self.type_, self.provenance, self.transform)
        function = _namespace(self.directory, self.session).load(self.spec.code)
        return self.kind(self.spec, self.type_, self.provenance, function)

    def __call__(self, batch: bytes) -> bytes:
        """Make the values of a batch; the code is loaded by the first call in a process."""
        try:
            result = call(_opened(self), decode_batch(batch))
        except DsvcError as err:
            reason = err.reason if isinstance(err, DeriveError) else err.message
            result = Result(0, {}, 0.0, b"", (reason, err.hint))
        return msgspec.msgpack.encode(result)


def call(step: Step, batch: pa.RecordBatch) -> Result:
    """Call a step for a batch, and return what came of it."""
    began = time.perf_counter()
    values, failed = step.call(batch)
    seconds = time.perf_counter() - began
    parts = value_parts(values, step.type.id, 0, values.length)
    return Result(values.length, failed, seconds, b"".join(parts))


def encode_batch(batch: pa.RecordBatch) -> bytes:
    """Return a batch as bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return bytes(sink.getvalue())


def decode_batch(data: bytes) -> pa.RecordBatch:
    """Return the batch whose bytes are `data`."""
    return pa.ipc.open_stream(pa.py_buffer(data)).read_next_batch()


def decode_result(data: bytes, step: Step) -> tuple[Made, float]:
    """Return the values and failures of a call, and the seconds that it took.

    Raises:
        DeriveError: If the step cannot go on.
    """
    result = _decoder.decode(data)
    if result.refused is not None:
        reason, hint = result.refused
        raise DeriveError(step=step.spec.name, reason=reason, hint=hint)
    return (read_values([result.values], step.type, [result.rows]), result.failed), result.seconds


def is_importable(module: str) -> bool:
    """Tell whether another process can import a module that this one has: not a notebook's, nor one made up here."""
    return module != "__main__" and getattr(sys.modules.get(module), "__spec__", None) is not None


# What this process has loaded last: a worker has one run at a time.
_loaded: dict[str, Any] = {}


def _namespace(directory: Path, session: str) -> Namespace:
    """Return the recipe's modules as this process has loaded them for a run."""
    if _loaded.get("session") != session:
        _loaded.clear()
        _loaded.update(session=session, namespace=Namespace(directory))
    namespace: Namespace = _loaded["namespace"]
    return namespace


def _opened(work: Work) -> Step:
    """Return the step as this process has opened it."""
    _namespace(work.directory, work.session)
    if _loaded.get("work") != work:
        _loaded.update(step=work.open(), work=work)
    step: Step = _loaded["step"]
    return step
