"""Reading images through their pointers, into memory and nowhere else.

| pointer | read by |
| --- | --- |
| `file:///path` | `dsvc.plugins.pixel_files` |
| `s3://bucket/key` | `dsvc.plugins.pixel_s3` |

Nothing here writes, caches or logs bytes of an image: product rule 6 is that no copy of it lives outside its bucket.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from dsvc.errors import PointerError
from dsvc.plugins.pixel_files import Admit, file_path, read_file
from dsvc.plugins.prefetch import Bounds, Prefetch

__all__ = ["PointerPixels", "file_path", "read_image"]


def read_image(pointer: str, content_id: str | None = None) -> bytes:
    """Return the bytes of the image that a pointer names.

    Args:
        pointer: `file://` or `s3://`.
        content_id: What ingest found, to be compared where that can be done.

    Raises:
        PointerError: If the pointer is of another scheme, or names nothing that could be an image.
        MissingFileError: If there is no such file.
        ImageChangedError: If the image is another than the one that was ingested.
        ImageUnreadableError: If it cannot be read, or not whole.
    """
    image = _read_if_room(pointer, content_id, lambda _: True, None)
    if image is None:
        raise AssertionError("an image that has room is read")
    return image


def _read_if_room(pointer: str, content_id: str | None, admit: Admit, given_up: threading.Event | None) -> bytes | None:
    """Return an image as `read_image`; None where `admit`, told its size, says that there is no room for it."""
    scheme = pointer.partition(":")[0]
    if scheme == "file":
        return read_file(pointer, admit)
    if pointer.startswith("s3://"):
        from dsvc.plugins.pixel_s3 import read_s3  # who has files alone does not need boto3

        return read_s3(pointer, content_id, admit, given_up=given_up)
    raise PointerError(pointer=pointer, rule="pixels are read through file:// and s3:// pointers")


class PointerPixels:
    """The images of a batch of sources, read ahead while the one before is looked at.

    What is given out is not kept; asked for again, it is read again. Making one reads nothing, and it can be sent to
    another process, where it begins anew.

    Args:
        pointers: The sources of the batch, in row order.
        content_ids: For each what ingest found, None where it found nothing.
        bounds: What may be read ahead and wait in memory.
    """

    def __init__(
        self,
        pointers: Sequence[str],
        content_ids: Sequence[str | None] | None = None,
        *,
        bounds: Bounds | None = None,
    ) -> None:
        self._pointers = pointers
        self._content_ids = content_ids
        self._bounds = bounds
        self.prefetch = Prefetch(len(pointers), _reader(pointers, content_ids), bounds)

    def __len__(self) -> int:
        return len(self._pointers)

    def __getitem__(self, row: int) -> bytes:
        n = len(self._pointers)
        if not -n <= row < n:
            raise IndexError(f"row {row} of {n}")
        return self.prefetch.take(row % n)

    def close(self) -> None:
        """Drop what was read ahead; idempotent."""
        self.prefetch.close()

    def __del__(self) -> None:
        prefetch = getattr(self, "prefetch", None)  # none, where making it raised
        if prefetch is not None:
            prefetch.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (list(self._pointers), self._content_ids and list(self._content_ids), self._bounds)


def _remake(pointers: Sequence[str], content_ids: Sequence[str | None] | None, bounds: Bounds | None) -> PointerPixels:
    return PointerPixels(pointers, content_ids, bounds=bounds)


def _reader(pointers: Sequence[str], content_ids: Sequence[str | None] | None) -> Any:
    """Return what reads one row. It knows nothing of the batch, which can be let go while a row is under way."""

    def read(row: int, admit: Admit, given_up: threading.Event) -> bytes | None:
        return _read_if_room(pointers[row], content_ids[row] if content_ids else None, admit, given_up)

    return read
