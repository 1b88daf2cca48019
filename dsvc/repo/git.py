"""The git work tree around a repository, where there is one: git keeps the recipe files then."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

_TIMEOUT_S = 30


class GitState(msgspec.Struct, frozen=True):
    """What git knows of the recipe files."""

    head: str | None
    """Hex id of git's HEAD; None before its first commit."""
    is_dirty: bool
    """Whether some of the files are not as in that commit."""


def find_work_tree(directory: Path) -> Path | None:
    """Return the root of the git work tree that holds a directory, or None."""
    # A worktree or submodule has a file of this name instead of a directory.
    return next((parent for parent in (directory, *directory.parents) if (parent / ".git").exists()), None)


def ignore_directory(directory: Path, name: str) -> None:
    """Add ``name/`` to the directory's ``.gitignore``, unless a line of it says so."""
    path = directory / ".gitignore"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if any(line.strip().strip("/") == name for line in text.splitlines()):
        return
    gap = "\n" if text and not text.endswith("\n") else ""
    path.write_text(f"{text}{gap}{name}/\n", encoding="utf-8")


def read_git_state(directory: Path, files: Iterable[str]) -> GitState | None:
    """Return git's HEAD and whether some of the files differ from it.

    Args:
        directory: The repository's, inside the work tree.
        files: Paths below it.

    Returns:
        None where git is not installed or does not answer.
    """
    files = list(files)
    import subprocess  # costs more than a whole walk of the log

    command = ["git", "-C", str(directory), "--no-optional-locks", "status", "--porcelain=v2", "--branch"]
    try:
        done = subprocess.run(
            [*command, "--untracked-files=all", "--ignored=matching", "--", *files],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    lines = done.stdout.splitlines()
    oid = next((line.removeprefix("# branch.oid ") for line in lines if line.startswith("# branch.oid ")), "(initial)")
    is_dirty = bool(files) and any(not line.startswith("#") for line in lines)
    return GitState(None if oid == "(initial)" else oid, is_dirty)
