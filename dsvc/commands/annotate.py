"""`dsvc annotate`: people as a step."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from threading import Event
from typing import TYPE_CHECKING

import click

from dsvc.commands._annotate import (
    agreement_lines,
    ask_lines,
    ask_object,
    ask_rows,
    check_lines,
    check_objects,
    cost_lines,
    count_stuck,
    next_steps,
    status_lines,
    status_objects,
    sync_lines,
    sync_notes,
    sync_objects,
)
from dsvc.commands._command import STATUS_SOME_FAILED, DocumentedGroup, command
from dsvc.commands._options import (
    SIGNAL,
    STEP,
    clock,
    dry_run_option,
    find_author,
    json_option,
    open_repository,
)
from dsvc.commands._progress import Progress
from dsvc.commands._render import count, emit, hint, plain, print_error, say
from dsvc.commands._streams import apart
from dsvc.errors import DsvcError, StagingError, UserError

if TYPE_CHECKING:
    from dsvc.annotation.syncing import SyncReport
    from dsvc.repository import Repository

NO_TASK = "the recipe has no task: `[task.NAME]` in dsvc.toml asks people"
_close_lots = click.option(
    "--close-lots", is_flag=True, help="Judge what waits for a lot now, though it is not full: nothing more is coming"
)


@click.group(cls=DocumentedGroup)
def annotate() -> None:
    """Ask people, take their answers in, and see how it goes."""


@command(
    group=annotate,
    examples=["dsvc annotate check"],
    statuses={STATUS_SOME_FAILED: "done, but something is not as it must be"},
)
@json_option
@click.pass_context
def check(ctx: click.Context, *, as_json: bool) -> None:
    """Look at every platform and staging store that the recipe's tasks need; nothing is sent."""
    found = open_repository().annotate_check(environ=os.environ)
    emit(as_json=as_json, objects=check_objects(found), lines=check_lines(found))
    if not found and not as_json:
        hint(NO_TASK)
    ctx.exit(0 if all(platform.is_well for platform in found) else STATUS_SOME_FAILED)


@command(
    group=annotate,
    examples=["dsvc annotate sync", "dsvc annotate sync --dry-run"],
    statuses={STATUS_SOME_FAILED: "done, but copies that should be gone could not be deleted, or a plugin failed"},
)
@_close_lots
@dry_run_option
@json_option
@click.pass_context
def sync(ctx: click.Context, *, close_lots: bool, dry_run: bool, as_json: bool) -> None:
    """Do one pass: delete what is overdue, take answers in, make the tasks' signals, and ask what they wait for.

    It never waits for people. Whatever cuts it short, the next pass goes on.
    """
    repo = open_repository(writes=not dry_run)
    report = _pass(repo, close_lots=close_lots, dry_run=dry_run, as_json=as_json)
    if as_json:
        return
    stale = sum(task.new for task in repo.plan().tasks) if dry_run else 0
    if stale > report.new:
        hint(f"tasks are to be made first, and then want {count(stale, 'new ask')}: `dsvc plan` says of what")
    for text in (NO_TASK,) if not repo.recipe().tasks else next_steps(report, is_dry=dry_run):
        hint(text)
    ctx.exit(0 if report.is_well else STATUS_SOME_FAILED)


def _pass(repo: Repository, *, close_lots: bool, as_json: bool, dry_run: bool = False) -> SyncReport:
    with apart(), Progress("Annotation") as progress:
        report = repo.annotate_sync(close_lots=close_lots, dry_run=dry_run, environ=os.environ, progress=progress)
    emit(as_json=as_json, objects=sync_objects(report, is_dry=dry_run), lines=sync_lines(report, is_dry=dry_run))
    for note in sync_notes(report):
        say(click.style("Note: ", fg="yellow") + plain(note))
    return report


@command(group=annotate, examples=["dsvc annotate follow --every 60", "dsvc annotate follow --listen 8765"])
@click.option("--every", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="Seconds between passes")
@click.option("--times", type=click.IntRange(min=1), metavar="N", help="Stop after N passes, instead of going on")
@click.option("--listen", type=click.IntRange(0, 65535), metavar="PORT", help="Hear webhooks, and do a pass at each")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen")
@_close_lots
@json_option
def follow(*, every: float, times: int | None, listen: int | None, host: str, close_lots: bool, as_json: bool) -> None:
    """Do a pass again and again, until interrupted.

    Ctrl-C ends it, between passes or in one, and that is no failure.
    A webhook only makes the next pass come sooner: what it says is read from its platform.
    """
    from contextlib import ExitStack

    repo, news, done = open_repository(writes=True), Event(), 0
    if not repo.recipe().tasks:
        raise UserError(message="there is nothing to follow", hint=NO_TASK)
    with ExitStack() as stack:
        if listen is not None:
            from dsvc.annotation.outfit import outfits
            from dsvc.annotation.platforms.hints import HintReceiver

            platforms = {o.spec.name: o.platform for o in outfits(repo.recipe(), repo.plugins, os.environ)}
            heard = stack.enter_context(HintReceiver(platforms, lambda _: news.set(), host, listen))
            say(f"Listening on {', '.join(f'{heard.url}/{name}' for name in platforms)}")
        try:
            while times is None or done < times:
                if done:
                    news.wait(every)
                news.clear()
                try:
                    _pass(repo, close_lots=close_lots, as_json=as_json)
                except DsvcError as err:
                    # What is away comes back, what is in a staging store goes, and this is to run for weeks. While it
                    # does, copies are deleted in time.
                    if not err.retryable and not (done and isinstance(err, StagingError)):
                        raise
                    print_error(err)
                done += 1
        except KeyboardInterrupt:
            say("Stopped; the next pass goes on from there")


@command(group=annotate, examples=["dsvc annotate status", "dsvc annotate status --json"])
@json_option
def status(*, as_json: bool) -> None:
    """Show every task and platform in figures: backlog, projected finish, staged copies, answers, lots."""
    repo = open_repository()
    tasks, platforms = repo.annotate_status()
    stuck = count_stuck(repo.asks()) if any(task.parked or task.held for task in tasks) else {}
    emit(as_json=as_json, objects=status_objects(tasks, platforms, stuck), lines=status_lines(tasks, platforms, stuck))
    if as_json:
        return
    if not tasks:
        hint(NO_TASK)
    if any(task.backlog or task.open for task in tasks):
        hint("`dsvc annotate sync` takes answers in and sends what is to be sent; `dsvc annotate asks` lists the asks")
    if any(task.parked for task in tasks):
        hint("`dsvc annotate asks` lists what is parked, `dsvc annotate cancel ASK --again` asks it again")


@command(group=annotate, examples=["dsvc annotate asks", "dsvc annotate asks face_boxes --all"])
@click.argument("task", required=False, type=STEP)
@click.option("--all", "everything", is_flag=True, help="Also those that are answered and not forgotten yet")
@json_option
def asks(*, task: str | None, everything: bool, as_json: bool) -> None:
    """List the asks that are under way, and those that are still to be sent."""
    found = open_repository().asks(task, everything=everything)
    emit(as_json=as_json, objects=map(ask_object, found), lines=ask_rows(found), long=True)
    if not found and not as_json:
        say("No ask is open")


@command(group=annotate, examples=["dsvc annotate show 3f9c"])
@click.argument("ask")
@json_option
def show(*, ask: str, as_json: bool) -> None:
    """Show one ask: what is shown, why, where it is, and what was answered."""
    found = open_repository().ask(ask)
    emit(as_json=as_json, objects=[ask_object(found)], lines=ask_lines(found))


@command(group=annotate, examples=["dsvc annotate cancel 3f9c", "dsvc annotate cancel 3f9c --again"])
@click.argument("asks", nargs=-1, required=True, metavar="ASK...")
@click.option("--again", is_flag=True, help="The other way round: ask again what was cancelled or given up")
@dry_run_option
@json_option
def cancel(*, asks: tuple[str, ...], again: bool, dry_run: bool, as_json: bool) -> None:
    """Stop asking; answers that are there, or come late, are kept."""
    found = open_repository(writes=not dry_run).cancel(asks, again=again, dry_run=dry_run)
    word = "asked again" if again else "cancelled"
    emit(
        as_json=as_json,
        objects=(
            {"type": "cancelled-ask", "ask": ask.ask_id, "source": ask.source, "task": ask.task, "again": again}
            for ask in found
        ),
        lines=(f"{plain(ask.source)}, task {ask.task}: {'would be ' if dry_run else ''}{word}" for ask in found),
    )


@command(
    group=annotate,
    examples=["dsvc annotate agreement face_boxes", "dsvc annotate agreement face_boxes --against faces"],
)
@click.argument("task", type=STEP)
@click.option("--against", metavar="SIGNAL", type=SIGNAL, help="Compare everybody with this signal of the draft")
@json_option
def agreement(*, task: str, against: str | None, as_json: bool) -> None:
    """Show how far people agree: with each other, with what it came to, or with another signal."""
    found = open_repository().agreement(task, against=against)
    objects = ({"type": "agreement", **_fields(item)} for item in found)
    emit(as_json=as_json, objects=objects, lines=agreement_lines(found))
    if not as_json and not any(item.sources for item in found):
        say("There is nothing to compare yet: `dsvc annotate status` says how many answers there are")


@command(group=annotate, examples=["dsvc annotate cost"])
@json_option
def cost(*, as_json: bool) -> None:
    """Show what the answers of each task took, by version, round and kind."""
    costs, effects = open_repository().annotation_cost()
    objects = [{"type": "task-cost", **_fields(item)} for item in costs]
    objects += [{"type": "task-effects", **_fields(item)} for item in effects]
    emit(as_json=as_json, objects=objects, lines=cost_lines(costs, effects))
    if not effects and not as_json:
        hint(NO_TASK)


def _fields(item: object) -> dict[str, object]:
    import msgspec

    found: dict[str, object] = msgspec.to_builtins(item)
    return found


@command(group=annotate, examples=["dsvc annotate label quality --as ada"])
@click.argument("task", type=STEP)
@click.option("--as", "who", metavar="NAME", help="Who answers; the author if left out")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N questions")
@json_option
def label(*, task: str, who: str | None, limit: int | None, as_json: bool) -> None:
    """Answer questions of the platform `files` here at the terminal: ratings, classes, and whether a value is right.

    Each answer is written at once into a file of yours, and `dsvc annotate sync` takes it in. `s` skips, `b` goes back
    to the question before, `?` shows the guideline, and `q` ends it; the next time it goes on from there.
    """
    from dsvc.annotation.outfit import outfits
    from dsvc.annotation.platforms.files import FilesPlatform
    from dsvc.annotation.platforms.labeller import can_ask
    from dsvc.annotation.platforms.labeller import label as ask
    from dsvc.annotation.platforms.labelling import answer_file, count_for_others, keep_line, open_questions

    repo = open_repository()
    repo.people(task)  # refuses a task that there is not
    places = [(o, t) for o in outfits(repo.recipe(), repo.plugins, os.environ) for t in o.tasks if t.name == task]
    outfit, spec = places[0]
    platform, form = outfit.platform, outfit.form(spec)
    if not isinstance(platform, FilesPlatform):
        raise UserError(
            message=f"task {task} is asked on {outfit.spec.name}, which is no platform of files",
            hint='answer there; `dsvc annotate label` is for `plugin = "files"`',
        )
    name = who or find_author() or "me"
    path = answer_file(platform, form, name)
    questions = list(open_questions(platform, form, name))
    typeable = [question for question in questions if can_ask(question)][:limit]
    if questions and not typeable:
        advice = f"let a tool write answers as JSON lines into {path.parent}"
        raise UserError(message=f"task {task} asks for {form.type}, which cannot be typed", hint=advice)
    kept: dict[str, None] = {}

    def keep(line: str) -> None:
        keep_line(path, line)
        given = json.loads(line)
        kept[given["key"]] = None
        told = {
            "type": "typed-answer",
            "key": given["key"],
            "outcome": given["outcome"],
            "value": given.get("value"),
            "reasons": given.get("reasons", []),
        }
        emit(as_json=as_json, objects=[told], lines=())

    def tell(line: str) -> None:
        click.echo(plain(line), err=as_json)

    try:
        ask(typeable, _typed(err=as_json), annotator=name, say=tell, keep=keep, clock=clock, guideline=form.guideline)
    finally:
        if kept:
            say(f"{count(len(kept), 'answer')} written")
            hint("`dsvc annotate sync` takes them in")
        elif not typeable:
            say("Nothing to label here")
            n_others = count_for_others(platform, form, name)
            if n_others:
                what = count(n_others, "question is", "questions are")
                hint(f"{what} about what {plain(name)} made, and for somebody else: `--as NAME`")


def _typed(*, err: bool) -> Iterator[str]:
    """Yield the lines that are typed, each behind a prompt."""
    while True:
        click.echo("  > ", nl=False, err=err)
        line = sys.stdin.readline() if sys.stdin is not None else ""
        if not line:
            click.echo(err=err)
            return
        yield line
