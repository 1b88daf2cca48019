"""Where the code of a recipe prints: what cannot be printed is lost, and no record with it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TextIO


class Talk:
    """A text stream that passes on what it can.

    Whoever read it may have gone (`dsvc run 2>&1 | head`), and a terminal may lack a letter: neither is a reason for a
    record to fail.

    Args:
        stream: Where to; everything but writing is done by it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text as far as that is possible, and return its length."""
        with suppress(OSError, UnicodeError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Send what was written, where it can be."""
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
