"""`dsvc run`: make what is stale."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._annotate import WAITS, sync_lines, sync_notes, sync_objects
from dsvc.commands._checks import tell_failing
from dsvc.commands._command import STATUS_DIFFERS, STATUS_SOME_FAILED, command
from dsvc.commands._options import AtMost, dry_run_option, json_option, open_repository
from dsvc.commands._progress import Progress
from dsvc.commands._render import count, emit, hint, plain, say, table
from dsvc.commands._streams import apart
from dsvc.commands._verifying import check_run, tell_changed_code, verify_options
from dsvc.commands.commit import commit_lines, version_objects
from dsvc.commands.ingest import ingest_lines, ingest_objects
from dsvc.commands.plan import plan_lines, plan_objects
from dsvc.errors import (
    ConfigError,
    NothingToCommitError,
    PlatformError,
    PluginError,
    RecipeError,
    RunningError,
    StagingError,
)

if TYPE_CHECKING:
    from dsvc.engine.making.report import DatasetReport, RunReport, StepReport
    from dsvc.repo.show import Shown
    from dsvc.repository import Repository


@command(
    examples=[
        "dsvc run",
        "dsvc run face_area --downstream",
        "dsvc run --limit 1000",
        "dsvc run --dry-run",
        "dsvc run --ingest -m nightly --no-wait",
    ],
    statuses={
        0: "done; with -m, also when nothing was new, and with --limit, when it stopped there",
        STATUS_SOME_FAILED: "done, but some records failed, or copies that should be gone could not be deleted; "
        "with --ingest and -m, a `check` did: not committed",
        STATUS_DIFFERS: "done, but with --check or --no-trace something came out otherwise",
        RunningError.exit_code: "another run is at work, and --no-wait was given",
    },
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--only", multiple=True, metavar="NAME", help="The same as NAME (can be repeated)")
@click.option("--upstream", is_flag=True, help="Also make what those need")
@click.option("--downstream", is_flag=True, help="Also make what follows from those")
@click.option("--limit", type=AtMost(min=0), metavar="N", help="Execute N records at most, and stop there")
@click.option("--ingest", "ingests", is_flag=True, help="Read new documents first")
@click.option("--message", "-m", help="Commit afterwards, if anything is new")
@click.option("--retry-failed", is_flag=True, help="Try records again that failed with the inputs they have")
@dry_run_option
@click.option("--no-people", is_flag=True, help="Take no answers in and send no asks")
@click.option("--no-wait", is_flag=True, help="Leave when another run is at work, instead of waiting for it")
@click.option("--executor", metavar="NAME", help="What much work is given to; `local` unless configured")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Workers of it; all processors unless said")
@verify_options
@json_option
@click.pass_context
def run(
    ctx: click.Context,
    *,
    names: tuple[str, ...],
    only: tuple[str, ...],
    upstream: bool,
    downstream: bool,
    limit: int | None,
    ingests: bool,
    message: str | None,
    retry_failed: bool,
    dry_run: bool,
    no_people: bool,
    no_wait: bool,
    executor: str | None,
    workers: int | None,
    check: bool,
    no_trace: bool,
    accept_code: bool,
    as_json: bool,
) -> None:
    """Make what is stale, and nothing else.

    Derived signals and datasets become what the recipe says. NAME is one of them; all are made when none is named.
    A record that fails stops no other; `dsvc status` counts those that failed. A run that is interrupted, or stopped by
    --limit, keeps what is finished, and the next one goes on from there.
    Where the recipe has tasks, answers are taken in before, and asks are sent after; nobody is waited for.
    """
    if dry_run and (ingests or message is not None):
        raise click.UsageError("--dry-run changes nothing: leave out --ingest and -m")
    repo = open_repository(writes=not dry_run)
    chosen = repo.chosen((*names, *only) or None, upstream=upstream, downstream=downstream)
    if dry_run:
        found = repo.plan()
        emit(as_json=as_json, objects=plan_objects(found, chosen), lines=plan_lines(found, chosen))
        return
    with repo.running(ctx.command_path, waits=not no_wait):
        if ingests:
            with Progress("Reading documents") as progress:
                taken = repo.ingest(environ=os.environ, progress=progress)
            emit(as_json=as_json, objects=ingest_objects(taken), lines=ingest_lines(taken))
        made: list[RunReport] = []

        def make() -> None:
            try:
                with apart(), Progress("Running") as progress:
                    found = repo.run(
                        only=chosen,
                        limit=limit,
                        retry_failed=retry_failed,
                        executor=executor,
                        workers=workers,
                        progress=progress,
                        notice=_notice,
                    )
            except KeyboardInterrupt:
                hint("what was made is kept: `dsvc run` goes on from there")
                raise
            if not made or not found.did_nothing:
                emit(as_json=as_json, objects=_objects(found), lines=_lines(found, repo.recipe().tasks))
                made.append(found)

        tasks, waits, is_well = repo.recipe().tasks, False, True
        # Without tasks too: copies that were staged for one that left the recipe go when they are due.
        if not no_people and (not tasks or chosen is None or chosen & set(tasks)):
            waits, is_well = _ask_people(repo, make, made, as_json=as_json)
        if not made:
            make()
        done = made[0]
        is_held = ingests and message is not None and not done.is_stopped and tell_failing(repo, as_json=as_json)
        if done.is_stopped:
            hint(_tell_limit(repo, done))
        elif message is not None and not is_held and (version := _commit(repo, message)) is not None:
            emit(as_json=as_json, objects=version_objects(version), lines=commit_lines(version))
        elif not as_json and message is None and not done.did_nothing:
            hint('`dsvc diff --stat` shows what changed, `dsvc commit -m "..."` keeps it')
        has_failed = any(each.failed for each in made)
        if has_failed and not as_json:
            hint("`dsvc status --waiting` says what failed")
        if waits and not as_json:
            hint(WAITS)
        tell_changed_code(repo, accept=accept_code, as_json=as_json)
        differs = check_run(repo, done, check=check, no_trace=no_trace, as_json=as_json)
    ctx.exit(STATUS_DIFFERS if differs else STATUS_SOME_FAILED if has_failed or is_held or not is_well else 0)


def _ask_people(
    repo: Repository, make: Callable[[], None], made: list[RunReport], *, as_json: bool
) -> tuple[bool, bool]:
    """Make between taking answers in and sending asks; where that cannot be done, make all the same.

    Returns:
        Whether anything waits for people, and whether nothing happened that somebody should look at.
    """
    try:
        report = repo.annotate_sync(make=make, environ=os.environ)
    except (ConfigError, PlatformError, PluginError, StagingError) as err:
        if isinstance(err, RecipeError):
            raise
        if not made:
            make()
        _notice(f"nobody was asked: {err.message}{f'; {err.hint}' if err.hint else ''}")
        if not as_json:
            hint("`dsvc annotate check` says what is wrong there; `dsvc annotate sync` asks once it is well")
        return False, True
    if not report.did_nothing or any(n for _, n in report.wanted):
        emit(as_json=as_json, objects=sync_objects(report), lines=sync_lines(report))
    for note in sync_notes(report):
        _notice(note)
    return any(n for _, n in report.wanted), report.is_well


def _tell_limit(repo: Repository, done: RunReport) -> str:
    """Return what to do after a limit was reached."""
    stopped = next(step for step in done.steps if step.status == "stopped")
    if stopped.ran == 0 and repo.recipe().steps[stopped.name].scope != "record":
        return f"{stopped.name} makes whole groups, and the next one is larger than the limit: raise it"
    return "the limit was reached: `dsvc run` goes on, and nothing is committed before it is done"


def _notice(text: str) -> None:
    say(click.style("Note: ", fg="yellow") + plain(text))


def _commit(repo: Repository, message: str) -> Shown | None:
    """Commit what is new; return None, having said so, where nothing is."""
    try:
        return repo.show(repo.commit(message).id)
    except NothingToCommitError:
        say("Nothing new to commit")
        return None


def _lines(done: RunReport, tasks: Container[str]) -> Iterator[str]:
    if done.did_nothing:
        yield "Everything is current"
        return
    rows = (_step_row(step, is_task=step.name in tasks) for step in done.steps)
    yield from table([*rows, *map(_dataset_row, done.datasets)])


def _step_row(step: StepReport, *, is_task: bool) -> tuple[object, ...]:
    if step.status == "removed":
        return "step", step.name, f"gone with {count(step.removed, 'record')}"
    told = [f"{count(step.ran - step.failed, 'record')} made" if step.ran or step.status == "made" else "current"]
    if is_task and (step.ran or step.status == "made"):  # of those that wait there is no record
        told = [f"{count(step.ran, 'source')} looked at, {count(step.records, 'record')}"]
    if step.status == "stopped":
        told = [f"stopped after {count(step.ran, 'record')}"]
    if step.reused:
        told.append(f"{count(step.reused)} taken from an earlier run")
    if step.cut_off:
        told.append(f"{count(step.cut_off)} came out as before")
    if step.failed:
        told.append(f"{count(step.failed)} failed")
    if step.removed:
        told.append(f"{count(step.removed)} gone")
    if step.waiting > step.failed:
        told.append(f"{count(step.waiting)} {'waiting for people' if is_task else 'waiting'}")
    return "task" if is_task else "step", step.name, ", ".join(told)


def _dataset_row(data: DatasetReport) -> tuple[object, ...]:
    if data.status in {"removed", "unchanged"}:
        return "dataset", data.name, "gone" if data.status == "removed" else "current"
    return "dataset", data.name, f"{count(data.evaluated, 'source')} looked at, {count(data.changed)} changed"


def _objects(done: RunReport) -> Iterator[dict[str, Any]]:
    for step in done.steps:
        yield {
            "type": "ran-step",
            "name": step.name,
            "status": step.status,
            "records": step.records,
            "ran": step.ran,
            "reused": step.reused,
            "cut_off": step.cut_off,
            "removed": step.removed,
            "failed": step.failed,
            "waiting": step.waiting,
            "seconds": step.seconds,
        }
    for data in done.datasets:
        yield {
            "type": "ran-dataset",
            "name": data.name,
            "status": data.status,
            "evaluated": data.evaluated,
            "changed": data.changed,
            "seconds": data.seconds,
        }
