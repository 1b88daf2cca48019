"""`dsvc switch`: go to another branch."""

from __future__ import annotations

import click

from dsvc.commands._command import command
from dsvc.commands._losses import tell_uncommitted
from dsvc.commands._options import BRANCH, REVISION, discard_option, dry_run_option, json_option, open_repository
from dsvc.commands._render import emit, plain, short


@command(
    examples=["dsvc switch main", "dsvc switch -c exp/blur"],
    statuses={1: "there is no such branch, or a draft or edited recipe files would be lost"},
)
@click.argument("name", type=BRANCH)
@click.argument("revision", required=False, type=REVISION)
@click.option("--create", "-c", is_flag=True, help="Make the branch; made at HEAD, it takes the draft along")
@discard_option
@dry_run_option
@json_option
def switch(*, name: str, revision: str | None, create: bool, discard: bool, dry_run: bool, as_json: bool) -> None:
    """Go to another branch and restore its recipe files.

    `--dry-run` says what `--discard` would drop.
    """
    if revision is not None and not create:
        raise click.UsageError("a revision goes with `--create`; `dsvc checkout REVISION` moves HEAD to any commit")
    repo = open_repository(writes=not dry_run)
    if dry_run:
        tell_uncommitted(repo, as_json=as_json)
        return
    repo.switch(name, create=create, revision=revision, discard=discard)
    commit = repo.head().commit
    emit(
        as_json=as_json,
        objects=[{"type": "head", "branch": name, "commit": commit}],
        lines=[f"On branch {plain(name)}, at {short(commit)}" if commit else f"On branch {plain(name)}"],
    )
