"""Whether an object is worth compressing.

Objects that compress alike share a verdict: those of one kind, and of one hint (the type of a column). The first is
judged on a sample; a verdict for zstd falls when an object saves too little, one against it is looked at again
now and then. Ids do not depend on any of this.
"""

from __future__ import annotations

from dsvc.objects.oid import Kind, Oid
from dsvc.store.base import Frame
from dsvc.store.frame import HEADER_BYTES, compress, zstd_frame

LEAST_BYTES = 512
"""Frames below this are stored raw: a page of LMDB has 4 KiB, and a call of zstd costs 10 us."""
LEAST_SAVING = 0.15
SAMPLE_BYTES = 4096
_SLICES = 4  # a column's buffers differ: the sample is taken in slices from all of it
_REJUDGE_EVERY = 32

# Plain objects hold ids, which do not compress, and are read by commands that do without pyarrow.
_COMPRESSED = frozenset({Kind.KEY, Kind.VALUE, Kind.PROV, Kind.BLOB})


class Verdicts:
    """What is known about what compresses. May be used by several threads."""

    def __init__(self) -> None:
        self._saves: dict[tuple[Kind, Oid | None], bool] = {}
        self._n_raw: dict[tuple[Kind, Oid | None], int] = {}

    def packed(self, kind: Kind, hint: Oid | None, frame: Frame) -> Frame:
        """Return the frame that an uncompressed one is stored as."""
        if kind not in _COMPRESSED or len(frame) < LEAST_BYTES:
            return frame
        key = (kind, hint)
        saves = self._saves.get(key)
        if saves is False:
            self._n_raw[key] = n_raw = self._n_raw.get(key, 0) + 1
            if n_raw % _REJUDGE_EVERY:
                return frame
            saves = None
        if saves is None:
            self._saves[key] = saves = sample_saves(frame)
            if not saves:
                return frame
        packed = zstd_frame(frame)
        if len(packed) > (1 - LEAST_SAVING) * len(frame):
            self._saves.pop(key, None)
        return packed


def sample_saves(frame: Frame) -> bool:
    """Return whether zstd saves enough on a sample of a frame's payload."""
    size = len(frame) - HEADER_BYTES
    if size <= SAMPLE_BYTES:
        sample = frame[HEADER_BYTES:]
    else:
        width = SAMPLE_BYTES // _SLICES
        starts = (HEADER_BYTES + (size - width) * i // (_SLICES - 1) for i in range(_SLICES))
        sample = b"".join(frame[start : start + width] for start in starts)
    return len(compress(sample)) <= (1 - LEAST_SAVING) * len(sample)
