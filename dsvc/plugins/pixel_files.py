"""Reading an image behind a `file://` pointer: a regular file on this machine, whole, into memory.

A file has no ETag, so a content id cannot be compared with it; a file that changes while it is read is an error.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dsvc.errors import ImageUnreadableError, MissingFileError, PointerError

MAX_IMAGE_BYTES = 1 << 30
"""No image is larger; a pointer to a device or a disk image must not fill the memory."""

Admit = Callable[[int], bool]
"""Told the size of an image in bytes before it is read; says whether there is room for it."""


def read_file(pointer: str, admit: Admit) -> bytes | None:
    """Return the bytes of the file that a pointer names; None, with nothing read, where there is no room for it.

    Raises:
        PointerError: If the pointer names another host, or no regular file of bearable size.
        MissingFileError: If there is no such file.
        ImageUnreadableError: If it cannot be read, or not whole.
    """
    path = file_path(pointer)
    try:
        status = path.stat()
        # Before it is opened: opening a pipe waits for who writes to it.
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_IMAGE_BYTES:
            raise PointerError(pointer=pointer, rule=f"expected a file of at most {MAX_IMAGE_BYTES:,} bytes")
        if not admit(status.st_size):
            return None
        with path.open("rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            image = file.readall()
            after = os.fstat(file.fileno())
    except FileNotFoundError as err:
        raise MissingFileError(path=path, what="image") from err
    except OSError as err:
        raise ImageUnreadableError(pointer=pointer, reason=str(err.strerror or err)) from err
    if len(image) != before.st_size or before.st_mtime_ns != after.st_mtime_ns:
        raise ImageUnreadableError(pointer=pointer, reason="the file changed while it was read")
    return image


def file_path(pointer: str) -> Path:
    """Return the path that a `file://` pointer names; percent signs are decoded.

    Raises:
        PointerError: If the pointer names another host, or no absolute path.
    """
    host = urlsplit(pointer).netloc
    if host not in ("", "localhost"):
        raise PointerError(pointer=pointer, rule=f"a file is on this machine, not on {host!r}")
    # urlsplit cuts at ? and #, which a file name may hold.
    rest = pointer[len("file:") :].removeprefix("//").removeprefix(host)
    if not rest.startswith("/") or "\0" in unquote(rest):
        raise PointerError(pointer=pointer, rule="expected file:// and an absolute path")
    return Path(unquote(rest, errors="surrogateescape"))
