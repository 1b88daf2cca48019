"""`dsvc checkout`: files of a dataset at a version, or HEAD at another commit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import command
from dsvc.commands._losses import tell_uncommitted
from dsvc.commands._options import (
    DATASET,
    REVISION,
    discard_option,
    dry_run_option,
    json_option,
    open_repository,
    parse_settings,
)
from dsvc.commands._progress import Progress
from dsvc.commands._render import count, emit, plain, short

if TYPE_CHECKING:
    from dsvc.export.checkout import CheckoutReport
    from dsvc.repository import Repository

SETTING_HELP = "A setting of the format, e.g. compression=snappy (can be repeated)"


@command(
    examples=[
        "dsvc checkout spoof@v3 --to out",
        "dsvc checkout main~1 spoof --to out --format csv",
        "dsvc checkout main",
    ],
    statuses={1: "refused: nothing has that name, DIR holds files of others, or a draft would be lost"},
)
@click.argument("revision", type=REVISION)
@click.argument("dataset", required=False, type=DATASET)
@click.option(
    "--to", "directory", type=click.Path(path_type=Path), metavar="DIR", help="Write the dataset's files here"
)
@click.option("--format", "format_", default="parquet", help="parquet, arrow, jsonl, csv, or one of a plugin")
@click.option(
    "--option", "-o", "settings", metavar="KEY=VALUE", multiple=True, callback=parse_settings, help=SETTING_HELP
)
@discard_option
@dry_run_option
@json_option
def checkout(
    *,
    revision: str,
    dataset: str | None,
    directory: Path | None,
    format_: str,
    settings: dict[str, Any],
    discard: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write the files of a dataset, or move HEAD.

    A second checkout into the same directory rewrites only files whose content differs, and touches none that are
    not its own. A tag DATASET@NAME says which dataset.
    Without `--to`, HEAD moves to the commit and the recipe files become those of it; `--dry-run` says what
    `--discard` would drop.
    """
    if directory is None and dataset is not None:
        raise click.UsageError("where to? `--to DIR`")
    if directory is not None and dry_run:
        raise click.UsageError("`--dry-run` goes with a move of HEAD; files of others are never overwritten")
    repo = open_repository(writes=directory is None and not dry_run)
    if dry_run:
        tell_uncommitted(repo, as_json=as_json)
        return
    if directory is None:
        repo.checkout_revision(revision, discard=discard)
        _tell_head(repo, as_json=as_json)
        return
    with Progress("Writing files") as progress:
        done = repo.checkout(
            revision, dataset=dataset, to=directory, format=format_, options=settings, progress=progress
        )
    if done is not None:
        emit(as_json=as_json, objects=[_object(done)], lines=[_line(done)])


def _tell_head(repo: Repository, *, as_json: bool) -> None:
    head = repo.head()
    at = {"type": "head", "branch": head.branch, "commit": head.commit}
    emit(as_json=as_json, objects=[at], lines=[f"HEAD is at {short(head.commit)} ({plain(head.label)})"])


def _line(done: CheckoutReport) -> str:
    version = short(done.commit) if done.commit else "the draft"
    size = f"{count(done.rows, 'row')} in {count(done.n_files, 'file')}"
    kept = f", {count(done.n_kept)} kept as they were" if done.n_kept else ""
    removed = f", {count(done.n_removed)} removed" if done.n_removed else ""
    return f"Wrote {plain(done.dataset)} at {version} to {plain(done.path)}: {size}{kept}{removed}"


def _object(done: CheckoutReport) -> dict[str, Any]:
    return {
        "type": "checkout",
        "path": done.path,
        "commit": done.commit,
        "dataset": done.dataset,
        "format": done.format,
        "rows": done.rows,
        "files": done.n_files,
        "written": done.n_written,
        "kept": done.n_kept,
        "removed": done.n_removed,
    }
