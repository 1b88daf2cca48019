"""`dsvc commit`: keep the draft as a version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._changes import change_rows, dataset_change_object, recipe_rows, signal_change_object
from dsvc.commands._command import command
from dsvc.commands._commits import commit_object, commit_title
from dsvc.commands._options import json_option, open_repository
from dsvc.commands._render import emit, table

if TYPE_CHECKING:
    from dsvc.repo.show import Shown


@command(
    examples=['dsvc commit -m "quality >= 3"'],
    statuses={1: "there is nothing to commit, or something derived is stale"},
)
@click.option("--message", "-m", required=True, help="What the version is for")
@click.option("--allow-empty", is_flag=True, help="Commit although nothing changed")
@click.option("--as-is", is_flag=True, help="Commit although something derived is stale, and mark the commit so")
@json_option
def commit(*, message: str, allow_empty: bool, as_is: bool, as_json: bool) -> None:
    """Keep the draft and the recipe files as a version.

    Says for each dataset and signal that changed how many rows it had before and has after.
    """
    repo = open_repository(writes=True)
    made = repo.show(repo.commit(message, allow_empty=allow_empty, as_is=as_is).id)
    emit(as_json=as_json, objects=version_objects(made), lines=commit_lines(made))


def version_objects(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield a commit and what it changed, for programs."""
    yield commit_object(shown.commit)
    yield from map(signal_change_object, shown.signal_changes)
    yield from map(dataset_change_object, shown.dataset_changes)
    for op, path in shown.recipe_changes:
        yield {"type": "recipe-change", "path": path, "op": op}


def commit_lines(shown: Shown) -> Iterator[str]:
    """Yield a new commit on one line, then what it changed."""
    yield commit_title(shown.commit)
    yield from change_lines(shown)


def change_lines(shown: Shown) -> Iterator[str]:
    """Yield what a commit changed."""
    yield from table(change_rows(shown.signal_changes, shown.dataset_changes), indent="  ")
    yield from table(recipe_rows(shown.recipe_changes), indent="  ")
