"""`dsvc demo`: the main job on real face annotations, told by the ordinary commands."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dsvc.commands._command import command
from dsvc.commands._render import plain

if TYPE_CHECKING:
    from dsvc.demo.story import Event

DEFAULT_DIRECTORY = "dsvc-demo"


@command(
    examples=["dsvc demo", "dsvc demo /tmp/faces"],
    in_repository=False,
    statuses={1: "refused; the message says what to do"},
)
@click.argument("directory", metavar="[DIR]", default=DEFAULT_DIRECTORY, type=click.Path(path_type=Path))
@click.pass_context
def demo(ctx: click.Context, directory: Path) -> None:
    """Build a repository from real face annotations and show the main job

    DIR must be empty or not exist yet; it is ./dsvc-demo when not given.
    Every command is printed before its output, and the repository is left behind to go on with.
    """
    from dsvc.demo.directory import check_empty, write_recipe  # no other command needs the demo
    from dsvc.demo.story import NEXT, STORY

    check_empty(directory)
    _run(ctx, ["init", str(directory)])
    _show_prompt(["cd", str(directory)])
    with chdir(directory):
        write_recipe(Path())
        for event in STORY:
            _tell(ctx, event)
    _remark("The repository is left as it is. Type next:")
    for line in (f"cd {shlex.quote(str(directory))}", *NEXT):
        click.echo(f"  {line}")


def _tell(ctx: click.Context, event: Event) -> None:
    from dsvc.demo.directory import add_documents, edit_file  # no other command needs the demo
    from dsvc.demo.story import Arrive, Edit, Say, Type

    match event:
        case Say(text):
            _remark(text)
        case Arrive(name):
            _remark(f"Documents arrive: {add_documents(Path(), name)}")
        case Edit(path, before, after):
            edit_file(Path(path), before, after)
            _remark(f"{path} is edited: {before}  becomes  {after}")
        case Type(words):
            _run(ctx, words)


def _run(ctx: click.Context, words: Sequence[str]) -> None:
    """Print a command line and run it in this process, as if it had been typed."""
    _show_prompt(["dsvc", *words])
    root = ctx.find_root().command
    with root.make_context("dsvc", ["--no-pager", *words]) as inner:
        inner.color = ctx.color
        try:
            root.invoke(inner)
        except click.exceptions.Exit as request:
            if request.exit_code:
                raise


def _show_prompt(words: Sequence[str]) -> None:
    click.secho(f"\n$ {plain(shlex.join(words))}", bold=True)


def _remark(text: str) -> None:
    click.secho(f"\n# {plain(text)}", fg="cyan")
