"""`dsvc demo`: the main job on real face annotations, told by the ordinary commands."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dsvc.commands._command import command
from dsvc.commands._options import clock, clock_ahead_us
from dsvc.commands._render import plain

if TYPE_CHECKING:
    from dsvc.demo.people import Answer, PeopleEvent
    from dsvc.demo.story import Event

DEFAULT_DIRECTORY = "dsvc-demo"


@command(
    examples=["dsvc demo", "dsvc demo /tmp/faces", "dsvc demo --people /tmp/people"],
    in_repository=False,
    statuses={1: "refused; the message says what to do"},
)
@click.argument("directory", metavar="[DIR]", default=DEFAULT_DIRECTORY, type=click.Path(path_type=Path))
@click.option("--people", is_flag=True, help="Show the second act: people as a step; a simulated team answers")
@click.option("--me", is_flag=True, help="With --people: answer a few questions yourself")
@click.pass_context
def demo(ctx: click.Context, directory: Path, *, people: bool, me: bool) -> None:
    """Build a repository from real face annotations and show the main job

    DIR must be empty or not exist yet; it is ./dsvc-demo when not given.
    Every command is printed before its output, and the repository is left behind to go on with.
    """
    from dsvc.demo.directory import check_empty, write_people_recipe, write_recipe  # no other command needs the demo
    from dsvc.demo.people import PEOPLE_NEXT, PEOPLE_STORY
    from dsvc.demo.story import NEXT, STORY
    from dsvc.demo.team import write_images

    if me and not people:
        raise click.UsageError("--me answers questions of --people")
    check_empty(directory)
    _run(ctx, ["init", str(directory)])
    _show_prompt(["cd", str(directory)])
    with chdir(directory):
        if people:
            write_people_recipe(Path())
            write_images(Path())
            _tell_of_people(ctx, PEOPLE_STORY, me=me)
        else:
            write_recipe(Path())
            for event in STORY:
                _tell(ctx, event)
    _remark("The repository is left as it is. Type next:")
    for line in (f"cd {shlex.quote(str(directory))}", *(PEOPLE_NEXT if people else NEXT)):
        click.echo(f"  {line}")


def _tell_of_people(ctx: click.Context, story: Sequence[PeopleEvent], *, me: bool) -> None:
    """Tell the second act, on a clock that is ahead of the machine's once days have passed."""
    from dsvc.demo.people import Answer, Wait

    before = clock_ahead_us.set(0)
    try:
        for event in story:
            match event:
                case Wait(minutes):
                    clock_ahead_us.set(clock_ahead_us.get() + minutes * 60_000_000)
                    _remark(event.text)
                case Answer() if me and event.can_be_me:
                    _run(ctx, ["annotate", "label", event.task, "--as", "me"])
                    _answer(event)  # what was left
                case Answer():
                    _answer(event)
                case _:
                    _tell(ctx, event)
    finally:
        clock_ahead_us.reset(before)


def _answer(event: Answer) -> None:
    """Let a simulated person answer what is out."""
    from dsvc.demo.team import answer
    from dsvc.repository import Repository

    with Repository.open(clock=clock) as repo:
        version = repo.recipe().tasks[event.task].version
        sources = {status.ask.ask_id.hex(): status.ask.source for status in repo.asks(event.task)}
    folder = Path("annotation") / f"{event.task}@{version}"
    n_done = answer(folder, sources, event.who, clock(), event.limit)
    _remark(f"{event.who} answers {n_done} {'question' if n_done == 1 else 'questions'} of {event.task}")


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
