"""Frames: an object as it lies in a store.

| offset | bytes | meaning |
| --- | --- | --- |
| 0 | 1 | codec: 0 raw, 1 zstd |
| 1 | 1 | kind |
| 2 | 2 | zero |
| 4 | 4 | length of the canonical bytes, little endian |
| 8 | - | the canonical bytes, coded |

The header is 8 bytes long so that a raw payload stays aligned. No id depends on anything here.

Source: docs/format.md#frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from struct import Struct
from typing import Any

from dsvc.errors import ObjectFormatError
from dsvc.objects.oid import Buffer, Kind, Oid
from dsvc.store.base import Frame

RAW = 0
ZSTD = 1
HEADER_BYTES = 8
ZSTD_LEVEL = 1
POOL_BYTES = 4096
"""Size from which copies of columns come from Arrow's pool."""

_HEADER = Struct("<BBHI")
_KINDS = {int(kind): kind for kind in Kind}
_COLUMNS = frozenset({Kind.KEY, Kind.VALUE})


@cache
def _arrow() -> Any:
    """Return pyarrow; imported here because `dsvc log` reads no object that needs it."""
    import pyarrow as pa

    return pa


@cache
def _zstd() -> Any:
    return _arrow().Codec("zstd", compression_level=ZSTD_LEVEL)


def _copied(payload: memoryview, kind: Kind) -> Buffer:
    """Return the bytes of memory that goes away.

    Columns go into Arrow's pool, which keeps pages that were let go: most of the cost of a copy is fresh memory.
    """
    if kind not in _COLUMNS or len(payload) < POOL_BYTES:
        return bytes(payload)
    copy = memoryview(_arrow().allocate_buffer(len(payload))).cast("B")
    copy[:] = payload
    return copy


def raw_frame(kind: Kind, parts: Sequence[Buffer]) -> Frame:
    """Return an uncompressed frame of the canonical bytes that `parts` make, joined."""
    size = sum(map(len, parts)) if len(parts) != 1 else len(parts[0])
    return b"".join((_HEADER.pack(RAW, kind, 0, size), *parts))


def raw_payload(frame: Frame) -> memoryview:
    """Return the canonical bytes in an uncompressed frame, without a copy."""
    return memoryview(frame)[HEADER_BYTES:]


def compress(data: Buffer) -> bytes:
    """Return `data` under zstd. Other threads run meanwhile."""
    packed: bytes = _zstd().compress(data, asbytes=True)
    return packed


def zstd_frame(frame: Frame) -> Frame:
    """Return the compressed form of an uncompressed frame, or the frame itself where that is no smaller."""
    packed = compress(raw_payload(frame))
    if len(packed) + HEADER_BYTES >= len(frame):
        return frame
    return b"".join((_HEADER.pack(ZSTD, frame[1], 0, len(frame) - HEADER_BYTES), packed))


def canonical_size(frame: Buffer) -> int:
    """Return how many canonical bytes a frame says it holds; 0 for one that is too short to say."""
    return int.from_bytes(frame[4:HEADER_BYTES], "little")


def frame_kind(frame: Buffer, oid: Oid | None = None) -> Kind:
    """Return the kind that a frame says it holds.

    Raises:
        ObjectFormatError: If it is too short to be a frame, or of no known kind.
    """
    if len(frame) < HEADER_BYTES:
        raise ObjectFormatError(kind="object", reason=f"a frame of {len(frame)} bytes", oid=oid)
    kind = _KINDS.get(frame[1])
    if kind is None:
        raise ObjectFormatError(kind="object", reason=f"kind {frame[1]} is not known", oid=oid)
    return kind


def decode_frame(frame: Buffer, oid: Oid | None = None) -> tuple[Kind, Buffer]:
    """Return the kind and the canonical bytes in a frame, in memory of their own.

    Args:
        frame: The frame; it may be memory that soon goes away.
        oid: Whose frame it is, to name it in errors.

    Raises:
        ObjectFormatError: If it is no frame, or its payload cannot be decoded.
    """
    kind = frame_kind(frame, oid)
    codec, _, zero, size = _HEADER.unpack_from(frame)
    payload = memoryview(frame)[HEADER_BYTES:]
    if zero == 0 and codec == RAW and len(payload) == size:
        return kind, _copied(payload, kind)
    if zero == 0 and codec == ZSTD:
        try:
            return kind, memoryview(_zstd().decompress(payload, size)).cast("B")
        except (OSError, MemoryError, ValueError) as err:
            raise ObjectFormatError(kind=kind.name.lower(), reason=str(err), oid=oid) from err
    reason = f"frame header {bytes(frame[:HEADER_BYTES]).hex()} does not fit a payload of {len(payload)} bytes"
    raise ObjectFormatError(kind=kind.name.lower(), reason=reason, oid=oid)
