"""`dsvc log`: the commits that lead to a revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from dsvc.commands._command import command
from dsvc.commands._commits import commit_block, commit_object, commit_title
from dsvc.commands._options import HEAD, REVISION, AtMost, json_option, open_repository
from dsvc.commands._render import emit

if TYPE_CHECKING:
    from dsvc.repo.history import CommitInfo


@command(examples=["dsvc log -n 5", "dsvc log --oneline main..exp/blur"])
@click.argument("revision", default=HEAD, type=REVISION)
@click.option("--limit", "-n", type=AtMost(min=0), help="Commits at most")
@click.option("--oneline", is_flag=True, help="Print one line a commit")
@click.option("--graph", is_flag=True, help="Draw how commits follow from each other")
@json_option
def log(*, revision: str, limit: int | None, oneline: bool, graph: bool, as_json: bool) -> None:
    """List the commits that lead to a revision, newest first.

    REVISION may be a range: A..B lists what B has and A has not.
    """
    commits = open_repository().log(revision, limit)
    blocks = ([commit_title(info)] if oneline else [*commit_block(info), ""] for info in commits)
    emit(
        as_json=as_json,
        objects=map(commit_object, commits),
        lines=_graph(commits, blocks) if graph else (line for block in blocks for line in block),
        long=True,
    )


def _graph(commits: Sequence[CommitInfo], blocks: Iterator[list[str]]) -> Iterator[str]:
    """Yield the lines of each commit with the lanes that run past it drawn to the left.

    A lane waits for one commit: the next one on its line of parents.
    """
    lanes: list[str] = []
    for info, block in zip(commits, blocks, strict=True):
        if info.id not in lanes:
            lanes.append(info.id)
        at = lanes.index(info.id)
        yield " ".join("*" if lane == at else "|" for lane in range(len(lanes))) + f"  {block[0]}"
        before = len(lanes)
        rest = [lane for place, lane in enumerate(lanes) if place != at and lane != info.id]
        lanes = [*rest[:at], *(parent for parent in info.parents if parent not in rest), *rest[at:]]
        for line in block[1:]:
            yield " ".join("|" for _ in lanes).ljust(2 * max(before, len(lanes)) - 1) + f"  {line}".rstrip()
