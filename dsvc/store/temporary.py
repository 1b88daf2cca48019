"""Directories for files of work under way: gone when the work ends, and with the next such work after a kill."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_directory(parent: Path, prefix: str) -> Iterator[Path]:
    """Give a new directory, private to this process; it is gone with all it holds when the context ends.

    Directories of the same prefix whose processes are no more are removed first.

    Args:
        parent: Where it is made; made itself where it is not there.
        prefix: What its name begins with, up to the process.
    """
    parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(parent, prefix)
    path = _make(parent, prefix)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _make(parent: Path, prefix: str) -> Path:
    number = 0
    while True:
        path = parent / f"{prefix}-{os.getpid()}-{number}"
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def remove_abandoned(parent: Path, prefix: str) -> None:
    """Remove the directories of a prefix whose processes are no more."""
    for path in parent.glob(f"{prefix}-*-*"):
        pid = path.name.removeprefix(f"{prefix}-").partition("-")[0]
        if pid.isdecimal() and not _is_alive(int(pid)):
            shutil.rmtree(path, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
