"""`dsvc dataset`: which datasets there are, what is in one and why, and what its values are like."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import DocumentedGroup, command
from dsvc.commands._options import DATASET, DRAFT, HEAD, REVISION, json_option, open_repository
from dsvc.commands._render import Styled, count, emit, hint, table

if TYPE_CHECKING:
    from dsvc.repo.catalog import DatasetEntry

SHOWN_NAMES = 6
"""Columns or tags of a dataset that a list shows."""


@click.group(cls=DocumentedGroup)
def dataset() -> None:
    """Look at datasets: list them, see what is in one and why, and what its values are like."""


@command(group=dataset, examples=["dsvc dataset ls", "dsvc dataset ls main~1"])
@click.argument("revision", default=HEAD, type=REVISION)
@json_option
def ls(*, revision: str, as_json: bool) -> None:
    """List the datasets of a version: sources, parts, columns, tags."""
    found = open_repository().datasets(revision)
    header = ("dataset", "sources", "parts", "columns", "tags")
    emit(as_json=as_json, objects=map(_entry_object, found), lines=table(map(_entry_row, found), header=header))


def _entry_row(entry: DatasetEntry) -> tuple[object, ...]:
    parts = ", ".join(f"{name} {count(n)}" for name, n in entry.parts)
    columns = _some([name for name, _ in entry.columns])
    return Styled(entry.name, bold=True), entry.sources, parts or None, columns, _some(entry.tags)


def _some(names: Iterable[str]) -> str | None:
    listed = list(names)
    more = len(listed) - SHOWN_NAMES
    return ", ".join(listed[:SHOWN_NAMES] + ([f"{more} more"] if more > 0 else [])) or None


def _entry_object(entry: DatasetEntry) -> dict[str, Any]:
    return {
        "type": "dataset-entry",
        "name": entry.name,
        "sources": entry.sources,
        "parts": dict(entry.parts),
        "columns": dict(entry.columns),
        "tags": entry.tags,
    }


@command(
    group=dataset,
    examples=["dsvc dataset show spoof", "dsvc dataset show spoof@v3", "dsvc dataset show spoof main..exp/blur --rows"],
)
@click.argument("name", type=DATASET)
@click.argument("revision", required=False, type=REVISION)
@click.option("--rows", is_flag=True, help="With A..B: list the sources that entered or left, with the reason")
@json_option
def show(*, name: str, revision: str | None, rows: bool, as_json: bool) -> None:
    """Show what is in a dataset and why: columns, parts, classes, coverage, and the funnel.

    NAME may be NAME@TAG. The funnel says for each AND-term of `where`, in order, how many sources it lets through, and
    what those lack that it has no value for. REVISION is HEAD unless given; A..B tells what entered and left between
    two versions, and by which term.
    """
    from dsvc.repo.refs import split_range

    name, revision = _target(name, revision)
    ends = split_range(revision)
    if rows and ends is None:
        raise click.UsageError("`--rows` lists what changed between two versions: name them as A..B")
    if ends is None:
        _show_version(name, revision, as_json=as_json)
    else:
        _show_change(name, *ends, rows=rows, as_json=as_json)


def _target(name: str, revision: str | None) -> tuple[str, str]:
    """Return the dataset and the revision that are meant."""
    dataset, at, _ = name.partition("@")
    if not (dataset and at):
        return name, revision or HEAD
    if revision is not None:
        raise click.UsageError(f"{name} names a version already; leave out {revision}")
    return dataset, name


def _show_version(name: str, revision: str, *, as_json: bool) -> None:
    from dsvc.commands._dataset import funnel_lines, funnel_objects, version_lines, version_objects

    repo = open_repository()
    view = repo.view(revision)
    has_recipe = name in repo.recipe_datasets(revision)
    funnel = repo.funnel(revision, name) if has_recipe else None
    if funnel is not None and revision == DRAFT and name not in view.datasets:
        emit(as_json=as_json, objects=funnel_objects(funnel), lines=funnel_lines(funnel))
        hint("`dsvc run` makes the dataset; until then only its funnel is known")
        return
    entry = next((entry for entry in repo.datasets(revision) if entry.name == name), None)
    coverage, profile = repo.coverage(revision, name), repo.profile(revision, name)
    objects = version_objects(entry, profile, coverage, funnel)
    emit(as_json=as_json, objects=objects, lines=version_lines(entry, profile, coverage, funnel), long=True)


def _show_change(name: str, before: str, after: str, *, rows: bool, as_json: bool) -> None:
    from dsvc.commands._dataset_change import change_lines, change_objects, move_lines, move_objects

    repo = open_repository()
    if rows:
        moves = repo.moves(before, after, name)
        emit(as_json=as_json, objects=move_objects(moves), lines=move_lines(moves), long=True)
        return
    movement = repo.movement(before, after, name)
    profiles = [
        repo.profile(revision, name) if name in repo.view(revision).datasets else None for revision in (before, after)
    ]
    objects, lines = change_objects(movement, *profiles), change_lines(movement, *profiles)
    emit(as_json=as_json, objects=objects, lines=lines, long=True)
    if not movement.is_current:
        hint(f"the recipe of {after} was edited since: `dsvc run` makes the dataset what it says")


@command(group=dataset, examples=["dsvc dataset stats spoof", "dsvc dataset stats spoof@v3"])
@click.argument("name", type=DATASET)
@click.argument("revision", required=False, type=REVISION)
@json_option
def stats(*, name: str, revision: str | None, as_json: bool) -> None:
    """Show what the values of a dataset are like: histograms of numbers, the most frequent texts, lengths of lists.

    NAME may be NAME@TAG; REVISION is HEAD unless given.
    """
    from dsvc.commands._histogram import profile_lines, profile_objects

    profile = open_repository().profile(*reversed(_target(name, revision)))
    emit(as_json=as_json, objects=profile_objects(profile), lines=profile_lines(profile), long=True)
