"""`dsvc init`: make a repository."""

from __future__ import annotations

from pathlib import Path

import click

from dsvc.commands._command import command
from dsvc.commands._options import clock, find_author, json_option
from dsvc.commands._render import emit, hint, plain


@command(examples=["dsvc init faces"], in_repository=False, statuses={1: "the directory holds a repository already"})
@click.argument("directory", default=".", type=click.Path(file_okay=False, path_type=Path))
@json_option
def init(*, directory: Path, as_json: bool) -> None:
    """Make a repository: .dsvc/ and a starter dsvc.toml.

    DIRECTORY is made where it is not there. Inside a git work tree the recipe files are left to git.
    """
    from dsvc.repository import Repository

    with Repository.init(directory, author=find_author(), clock=clock) as repo:
        emit(
            as_json=as_json,
            objects=[{"type": "repository", "path": str(repo.path), "recipe": repo.config.recipe}],
            lines=[f"Made an empty repository in {plain(repo.path)}"],
        )
    if not as_json:
        hint("say in dsvc.toml where documents come from, then run `dsvc ingest`; or `dsvc put` records by hand")
