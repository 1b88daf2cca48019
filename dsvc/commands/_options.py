"""Options that several commands share, and what enters from outside: directory, clock, author.

The author of a commit or an operation is the first of: `DSVC_AUTHOR`, `author` in `.dsvc/config.toml`,
git's `user.name` and `user.email`, the login name. The host's name is never part of it.
"""

from __future__ import annotations

import os
import sys
import time
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._render import plain, say, when
from dsvc.errors import DsvcError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from click.shell_completion import CompletionItem

    from dsvc.repository import Repository
    from dsvc.store.base import WriterNote

AUTHOR_VARIABLE = "DSVC_AUTHOR"
DRAFT = "@draft"
HEAD = "HEAD"

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line")
dry_run_option = click.option("--dry-run", "-n", is_flag=True, help="Only say what would be done")
discard_option = click.option("--discard", is_flag=True, help="Drop the draft and edits of recipe files")


clock_ahead_us: ContextVar[int] = ContextVar("clock_ahead_us", default=0)
"""How far ahead of the machine's clock ours is: the demo lets days pass."""


def clock() -> int:
    """Return the time in microseconds since 1970, UTC."""
    return time.time_ns() // 1_000 + clock_ahead_us.get()


def open_repository(*, writes: bool = False) -> Repository:
    """Open the repository of the working directory for as long as the command runs.

    Args:
        writes: Whether the command adds to the operation log, and so needs an author.

    Raises:
        NotARepositoryError: If there is none.
    """
    from dsvc.repository import Repository  # commands that need none start without it

    ctx = click.get_current_context()
    author = _find_author(Path.cwd()) if writes else None
    repo = Repository.open(Path.cwd(), author=author, clock=clock, command=ctx.command_path, on_wait=_tell_of_wait)
    return ctx.with_resource(repo)


def _tell_of_wait(writer: WriterNote) -> None:
    """Say who is in the way; another process that writes is waited for, however long it takes."""
    since = when(writer.since_us).partition("T")[2]
    say(f"Waiting for {plain(writer.command or 'another writer')} (process {writer.pid}), at work since {since}")


def find_author() -> str | None:
    """Return who operates, as far as environment and git say."""
    return os.environ.get(AUTHOR_VARIABLE) or _git_author() or _login()


def _find_author(start: Path) -> str | None:
    from dsvc.repo.config import read_config
    from dsvc.repo.layout import find_layout

    return os.environ.get(AUTHOR_VARIABLE) or read_config(find_layout(start).config).author or find_author()


def _git_author() -> str | None:
    """Return git's author as `name <email>`, None where git or its settings are missing."""
    import subprocess  # only commands that write

    try:
        command = ["git", "config", "--null", "--get-regexp", r"^user\.(name|email)$"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    settings = dict(entry.split("\n", 1) for entry in done.stdout.split("\0") if "\n" in entry)
    name, email = settings.get("user.name", ""), settings.get("user.email", "")
    return f"{name} <{email}>".strip() if name and email else name or email or None


def _login() -> str | None:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None


def parse_settings(_ctx: click.Context, _param: click.Parameter, pairs: tuple[str, ...]) -> dict[str, Any]:
    """Return what `KEY=VALUE` pairs set; a value that reads as a number, true or false is one.

    Raises:
        click.BadParameter: If a text is no pair.
    """
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, sign, text = pair.partition("=")
        if not (key and sign):
            raise click.BadParameter(f"expected KEY=VALUE, found {pair!r}")
        settings[key] = _plain_value(text)
    return settings


def _plain_value(text: str) -> str | int | float | bool:
    if text in {"true", "false"}:
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


class AtMost(click.IntRange):
    """A count to stop at; one that nothing can reach is as good as none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, no larger than anything that can be counted."""
        return min(int(super().convert(value, param, ctx)), sys.maxsize)


class Completed(click.types.StringParamType):
    """A text that the shell completes from what the repository has."""

    def __init__(self, name: str, candidates: Callable[[Repository], Iterable[str]]) -> None:
        self.name = name
        self._candidates = candidates

    def shell_complete(self, ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return what begins with the text so far; nothing where there is no repository."""
        from click.shell_completion import CompletionItem

        try:
            with ctx:
                names = sorted(set(self._candidates(open_repository())))
        except DsvcError:
            return []
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _revisions(repo: Repository) -> list[str]:
    refs = [branch.name for branch in repo.branches()] + [tag.name for tag in repo.tags()]
    return [HEAD, DRAFT, *refs]


REVISION = Completed("revision", _revisions)
BRANCH = Completed("branch", lambda repo: [branch.name for branch in repo.branches()])
TAG = Completed("tag", lambda repo: [tag.name for tag in repo.tags()])
SIGNAL = Completed("signal", lambda repo: repo.view(DRAFT).signals)
DATASET = Completed("dataset", lambda repo: repo.view(DRAFT).datasets)
STEP = Completed("step", lambda repo: (repo.derived_names() or ((), ()))[0])
