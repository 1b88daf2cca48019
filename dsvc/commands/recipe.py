"""`dsvc recipe`: whether the recipe is sound, what it says in one piece, and what it makes of what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import DocumentedGroup, command
from dsvc.commands._options import DRAFT, REVISION, json_option, open_repository
from dsvc.commands._render import emit, plain, say
from dsvc.commands._streams import apart

if TYPE_CHECKING:
    from dsvc.recipe.check import Problem
    from dsvc.recipe.flow import Flow

WRONG = 1
"""Exit status where the recipe has problems."""


@click.group(cls=DocumentedGroup)
def recipe() -> None:
    """Look at the recipe: check it, see it whole, see what is made of what."""


@command(
    group=recipe, examples=["dsvc recipe check"], statuses={WRONG: "the recipe has problems; all of them are listed"}
)
@json_option
@click.pass_context
def check(ctx: click.Context, *, as_json: bool) -> None:
    """Check the recipe as it lies, with its types and SQL against the draft's signals.

    Lists every problem that can be found. Python files of the recipe are loaded; no function is called.
    """
    repo = open_repository()
    with apart():
        problems = repo.check_recipe()
    emit(as_json=as_json, objects=map(_problem_object, problems), lines=_problem_lines(problems))
    if problems:
        ctx.exit(WRONG)
    say("No problems found")


def _problem_object(problem: Problem) -> dict[str, Any]:
    return {"type": "recipe-problem", **vars(problem)}


def _problem_lines(problems: Iterable[Problem]) -> Iterator[str]:
    for problem in problems:
        yield plain(problem.message)
        if problem.hint:
            yield click.style("    Hint: ", fg="cyan") + plain(problem.hint)


@command(
    group=recipe,
    examples=["dsvc recipe show", "dsvc recipe show --resolved", "dsvc recipe show main~1"],
)
@click.argument("revision", default=DRAFT, type=REVISION)
@click.option("--resolved", is_flag=True, help="One TOML text, after includes and with defaults")
@json_option
def show(*, revision: str, resolved: bool, as_json: bool) -> None:
    """Show the recipe of a version; as it lies in the directory unless a REVISION is named.

    References like ${NAME} are shown as they are written.
    """
    repo = open_repository()
    if resolved:
        from dsvc.recipe.resolved import toml_lines

        whole = repo.resolve_recipe(revision)
        emit(as_json=as_json, objects=_section_objects(whole), lines=map(plain, toml_lines(whole)), long=True)
        return
    files = repo.recipe_files() if revision == DRAFT else repo.view(revision).recipe_files()
    texts = {path: content.decode(errors="replace") for path, content in files.items()}
    objects = ({"type": "recipe-file", "path": path, "text": text} for path, text in texts.items())
    emit(as_json=as_json, objects=objects, lines=_file_lines(texts), long=True)


def _section_objects(whole: dict[str, dict[str, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    from dsvc.recipe.table import plain as plain_values  # decimals become numbers

    for section, tables in whole.items():
        for name, values in tables.items():
            yield {"type": "recipe-table", "section": section, "name": name, "values": plain_values(values)}


def _file_lines(texts: dict[str, str]) -> Iterator[str]:
    for path, text in texts.items():
        yield click.style(f"# --- {plain(path)}", dim=True)
        yield from map(plain, text.splitlines())


@command(group=recipe, examples=["dsvc recipe graph", "dsvc recipe graph --mermaid"])
@click.option("--mermaid", is_flag=True, help="Print a flowchart for Mermaid")
@json_option
def graph(*, mermaid: bool, as_json: bool) -> None:
    """Show what the recipe makes of what: feeds, signals, steps, datasets.

    What is made of several things stands below each of them; `...` says that it was drawn in full before.
    """
    from dsvc.recipe.flow import flow_of, mermaid_lines, tree_lines

    flow = flow_of(open_repository().recipe())
    lines = mermaid_lines(flow) if mermaid else tree_lines(flow)
    emit(as_json=as_json, objects=_flow_objects(flow), lines=map(plain, lines), long=not mermaid)


def _flow_objects(flow: Flow) -> Iterator[dict[str, Any]]:
    for node in flow.nodes.values():
        yield {"type": "recipe-node", "id": node.id, "kind": node.kind, "name": node.name, "detail": node.detail}
    for before, after in flow.edges:
        yield {"type": "recipe-edge", "from": before, "to": after}
