"""Reading images through their pointers, into memory and nowhere else.

Nothing here writes, caches or logs bytes of an image: product rule 6 is that no copy of it lives outside its bucket.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dsvc.errors import MissingFileError, PointerError

MAX_IMAGE_BYTES = 1 << 30
"""No image is larger; a pointer to a device or a disk image must not fill the memory."""


def read_image(pointer: str) -> bytes:
    """Return the bytes of the image that a `file://` pointer names.

    Raises:
        PointerError: If the pointer is of another scheme or host, or names no regular file of bearable size.
        MissingFileError: If there is no such file.
    """
    path = file_path(pointer)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_IMAGE_BYTES:
            raise PointerError(pointer=pointer, rule=f"expected a file of at most {MAX_IMAGE_BYTES:,} bytes")
        return path.read_bytes()
    except FileNotFoundError as err:
        raise MissingFileError(path=path, what="image") from err
    except OSError as err:
        raise PointerError(pointer=pointer, rule=f"cannot be read: {err.strerror}") from err


def file_path(pointer: str) -> Path:
    """Return the path that a `file://` pointer names; percent signs are decoded.

    Raises:
        PointerError: If the pointer is of another scheme, or names another host.
    """
    parts = urlsplit(pointer)
    if parts.scheme != "file":
        raise PointerError(pointer=pointer, rule="this version reads the pixels of file:// pointers only")
    if parts.netloc not in ("", "localhost"):
        raise PointerError(pointer=pointer, rule=f"a file is on this machine, not on {parts.netloc!r}")
    # urlsplit cuts at ? and #, which a file name may hold.
    rest = pointer[len("file:") :].removeprefix("//").removeprefix(parts.netloc)
    if not rest.startswith("/") or "\0" in unquote(rest):
        raise PointerError(pointer=pointer, rule="expected file:// and an absolute path")
    return Path(unquote(rest, errors="surrogateescape"))


class PointerPixels:
    """The images of a batch of sources, each read when it is asked for and kept by nobody.

    Args:
        pointers: The sources of the batch, in row order.
    """

    def __init__(self, pointers: Sequence[str]) -> None:
        self._pointers = pointers

    def __len__(self) -> int:
        return len(self._pointers)

    def __getitem__(self, row: int) -> bytes:
        return read_image(self._pointers[row])
