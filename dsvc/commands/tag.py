"""`dsvc tag`: list, make and take away tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import STATUS_SOME_FAILED, command
from dsvc.commands._losses import tell_deletion
from dsvc.commands._options import HEAD, REVISION, TAG, dry_run_option, json_option, open_repository
from dsvc.commands._render import emit, plain, short, table

if TYPE_CHECKING:
    from dsvc.repo.branches import TagInfo


@command(
    examples=["dsvc tag", "dsvc tag spoof@v3", 'dsvc tag v1.0 main~2 -m "first release"'],
    statuses={STATUS_SOME_FAILED: "refused: the dataset does not pass its `check` at the commit"},
)
@click.argument("name", required=False, type=TAG)
@click.argument("revision", required=False, type=REVISION)
@click.option("--message", "-m", default="", help="What the tag says")
@click.option("--delete", "-d", is_flag=True, help="Take the tag away")
@dry_run_option
@json_option
def tag(*, name: str | None, revision: str | None, message: str, delete: bool, dry_run: bool, as_json: bool) -> None:
    """List tags, or give a commit a name that stays.

    DATASET@NAME names one dataset at the commit. It is refused while the dataset does not pass the `check` that the
    commit's recipe has for it.
    """
    if delete and (name is None or revision is not None):
        raise click.UsageError("which tag? `dsvc tag -d NAME`, one at a time")
    if dry_run and not delete:
        raise click.UsageError("--dry-run is for --delete; nothing else is lost by `dsvc tag`")
    if message and (delete or name is None):
        raise click.UsageError("--message is what a new tag says: `dsvc tag NAME -m TEXT`")
    repo = open_repository(writes=name is not None and not dry_run)
    if name is None:
        found = repo.tags()
        rows = ((item.name, short(item.commit), item.message.partition("\n")[0]) for item in found)
        emit(as_json=as_json, objects=map(tag_object, found), lines=table(rows))
    elif delete and dry_run:
        tell_deletion("tag", name, {item.name: item.commit for item in repo.tags()}, as_json=as_json)
    elif delete:
        repo.delete_tag(name)
        emit(as_json=as_json, objects=[{"type": "tag-deleted", "name": name}], lines=[f"Deleted tag {plain(name)}"])
    else:
        made = repo.tag(name, revision or HEAD, message=message)
        emit(as_json=as_json, objects=[tag_object(made)], lines=[f"Tag {plain(name)} is at {short(made.commit)}"])


def tag_object(item: TagInfo) -> dict[str, Any]:
    """Return a tag for programs."""
    return {
        "type": "tag",
        "name": item.name,
        "commit": item.commit,
        "dataset": item.dataset,
        "author": item.author,
        "time": item.time,
        "message": item.message,
    }
