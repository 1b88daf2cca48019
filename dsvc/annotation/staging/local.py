"""A directory of this machine as staging store: to try the loop alone, or for a labeller that reads files.

Only the owner may read it. A directory deletes nothing by itself: who sets one up says what empties it
(`cleaned_by`), a timer of systemd-tmpfiles or a file system in memory, and `check` shows that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dsvc.annotation.staging.store import EXPIRY_RULE, StagedObject
from dsvc.errors import StoreError, StoreFullError, StorePermissionError
from dsvc.plugins.platforms import Finding

_KEY = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")
_NO_SPACE = {28, 122}  # ENOSPC, EDQUOT
_OF_THE_FILE_SYSTEM = "lost+found"


class LocalStaging:
    """Staged copies as files of one directory."""

    def __init__(self, path: Path, *, cleaned_by: str | None = None, clock: Callable[[], int] | None = None) -> None:
        """Open nothing; the directory is made with the first copy.

        Args:
            path: The directory; it holds nothing else.
            cleaned_by: What deletes its files within a day besides dsvc, in words; None if nothing does.
            clock: Microseconds UTC, for when a file was put; the file system's own if None.
        """
        self._path = path.absolute()
        self._cleaned_by, self._clock = cleaned_by, clock

    @property
    def name(self) -> str:
        """The directory."""
        return str(self._path)

    def put(self, key: str, data: bytes, media_type: str) -> StagedObject | None:
        """Create a file that is there whole or not at all; None if there is one of this name."""
        target = self._file(key)
        part = target.with_name(f"{key}.{os.getpid()}-{os.urandom(4).hex()}.part")
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(fd, "wb") as file:
                    file.write(data)
                if self._clock is not None:
                    os.utime(part, ns=(self._clock() * 1000,) * 2)
                os.link(part, target)
            except FileExistsError:
                return None
            finally:
                part.unlink(missing_ok=True)
        except OSError as err:
            raise self._translated(err) from None
        return self.head(key)

    def head(self, key: str) -> StagedObject | None:
        """Return what is under a key, or None."""
        try:
            stat = self._file(key).stat()
        except FileNotFoundError:
            return None
        except OSError as err:
            raise self._translated(err) from None
        return StagedObject(key, stat.st_mtime_ns // 1000, str(stat.st_ino), stat.st_size)

    def delete(self, key: str) -> None:
        """Remove the file, if there is one."""
        try:
            self._file(key).unlink(missing_ok=True)
        except OSError as err:
            raise self._translated(err) from None

    def iter_objects(self) -> Iterator[StagedObject]:
        """Yield every file and directory, also the parts that an interrupted writer left; no hidden ones."""
        try:
            names = sorted(path.name for path in self._path.iterdir())
            for name in names:
                if not name.startswith(".") and name != _OF_THE_FILE_SYSTEM:
                    try:
                        stat = (self._path / name).lstat()
                    except FileNotFoundError:
                        continue
                    yield StagedObject(name, stat.st_mtime_ns // 1000, str(stat.st_ino), stat.st_size)
        except FileNotFoundError:
            return
        except OSError as err:
            raise self._translated(err) from None

    def uri(self, key: str) -> str:
        """Return the file as an address."""
        return self._file(key).as_uri()

    def sign(self, key: str, life_s: int) -> str:
        """Return the file as an address: who may read it is the file system's business."""
        return self.uri(key)

    def check(self) -> Sequence[Finding]:
        """Return who may read the directory, and what empties it."""
        mode = self._path.stat().st_mode & 0o077 if self._path.exists() else 0
        return [
            Finding(
                "access", not mode, "the owner alone" if not mode else "others may enter", f"chmod 700 {self._path}"
            )
            if mode
            else Finding("access", True, "the owner alone"),
            Finding(EXPIRY_RULE, True, self._cleaned_by)
            if self._cleaned_by
            else Finding(
                EXPIRY_RULE,
                False,
                "nothing but dsvc deletes files of a directory",
                "let a timer empty it daily, and say with `expiry` of the platform when it does",
            ),
        ]

    def _file(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError("a staging key is one plain name")
        return self._path / key

    def _translated(self, err: OSError) -> StoreError:
        if err.errno in _NO_SPACE:
            return StoreFullError(store=self.name, reason="there is no room left")
        kind = StorePermissionError if isinstance(err, PermissionError) else StoreError
        return kind(store=self.name, reason=err.strerror or type(err).__name__)
