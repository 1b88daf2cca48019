"""`dsvc branch`: list, make and take away branches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import command
from dsvc.commands._losses import tell_deletion
from dsvc.commands._options import BRANCH, HEAD, REVISION, dry_run_option, json_option, open_repository
from dsvc.commands._render import Styled, emit, plain, short, table

if TYPE_CHECKING:
    from dsvc.repo.branches import BranchInfo


@command(examples=["dsvc branch", "dsvc branch exp/blur main", "dsvc branch -d exp/blur"])
@click.argument("name", required=False, type=BRANCH)
@click.argument("revision", required=False, type=REVISION)
@click.option("--delete", "-d", is_flag=True, help="Take the branch away")
@click.option("--force", "-f", is_flag=True, help="Take it away also when that loses a draft or commits")
@dry_run_option
@json_option
def branch(*, name: str | None, revision: str | None, delete: bool, force: bool, dry_run: bool, as_json: bool) -> None:
    """List branches, or make one at a revision.

    HEAD stays where it is; `dsvc switch -c NAME` makes a branch and goes there.
    """
    if delete and (name is None or revision is not None):
        raise click.UsageError("which branch? `dsvc branch -d NAME`, one at a time")
    if dry_run and not delete:
        raise click.UsageError("--dry-run is for --delete; nothing else is lost by `dsvc branch`")
    repo = open_repository(writes=name is not None and not dry_run)
    if name is None:
        found = repo.branches()
        emit(as_json=as_json, objects=map(_object, found), lines=table(_rows(found)))
    elif delete and dry_run:
        tell_deletion("branch", name, {item.name: item.commit for item in repo.branches()}, as_json=as_json)
    elif delete:
        repo.delete_branch(name, force=force)
        emit(
            as_json=as_json,
            objects=[{"type": "branch-deleted", "name": name}],
            lines=[f"Deleted branch {plain(name)}"],
        )
    else:
        made = repo.branch(name, revision or HEAD)
        emit(as_json=as_json, objects=[_object(made)], lines=[f"Branch {plain(name)} is at {short(made.commit)}"])


def _rows(branches: Iterable[BranchInfo]) -> Iterator[tuple[object, ...]]:
    for item in branches:
        name = Styled(item.name, "green", bold=True) if item.is_current else item.name
        yield "*" if item.is_current else "", name, short(item.commit), "has a draft" if item.has_draft else ""


def _object(item: BranchInfo) -> dict[str, Any]:
    return {
        "type": "branch",
        "name": item.name,
        "commit": item.commit,
        "is_current": item.is_current,
        "has_draft": item.has_draft,
    }
