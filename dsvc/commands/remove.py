"""`dsvc remove`: remove records from the draft."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dsvc.commands._command import command
from dsvc.commands._options import DRAFT, SIGNAL, dry_run_option, json_option, open_repository
from dsvc.commands._render import count, emit, plain

if TYPE_CHECKING:
    from dsvc.repository import Repository


@command(examples=["dsvc remove spoof_score s3://faces/1.jpg", "dsvc remove spoof_score --from gone.txt --dry-run"])
@click.argument("signal", type=SIGNAL)
@click.argument("pointers", nargs=-1, metavar="[POINTER]...")
@click.option("--from", "file", type=click.Path(path_type=Path, allow_dash=True), help="File of pointers, one a line")
@dry_run_option
@json_option
def remove(*, signal: str, pointers: tuple[str, ...], file: Path | None, dry_run: bool, as_json: bool) -> None:
    """Remove records of a signal from the draft.

    Committed versions keep them. Sources without a record are passed over.
    """
    if not pointers and file is None:
        raise click.UsageError("which records? name pointers, or a file of them with `--from`")
    repo = open_repository(writes=not dry_run)
    named = [*pointers, *(_read_lines(file) if file else ())]
    n_removed = _count(repo, signal, named) if dry_run else repo.remove(signal, named)
    emit(
        as_json=as_json,
        objects=[{"type": "remove", "signal": signal, "removed": n_removed, "dry_run": dry_run}],
        lines=[f"{'Would remove' if dry_run else 'Removed'} {count(n_removed, 'record')} of {plain(signal)}"],
    )


def _count(repo: Repository, signal: str, pointers: Iterable[str]) -> int:
    """Return how many records `remove` would remove."""
    from dsvc.objects.keys import Keys
    from dsvc.repo.putting import check_not_owned

    check_not_owned(repo, signal)
    probe = Keys.of_bytes(sorted({pointer.encode() for pointer in pointers}))
    return int(repo.view(DRAFT).get_tree(signal).has(probe).sum())


def _read_lines(file: Path) -> list[str]:
    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line]
