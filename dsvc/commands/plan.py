"""`dsvc plan`: what would be made again, and why."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, Any

import click
import msgspec

from dsvc.commands._command import command
from dsvc.commands._options import STEP, AtMost, json_option, open_repository
from dsvc.commands._render import Styled, count, emit, hint, plain, say, table
from dsvc.commands._story import story_lines, story_objects

if TYPE_CHECKING:
    from dsvc.engine.planning.plan import Count, DatasetPlan, Plan, StepPlan
    from dsvc.engine.planning.task_plan import TaskPlan
    from dsvc.feeds.pending import Pending

OWN_LINE = {"new-step", "transform"}
"""Kinds of reasons that a step's own lines have told."""
UNITS = ((1, "s"), (60, "min"), (3600, "h"))
"""Seconds of a unit of time; one is used up to 120 of it."""
SAID = {"unchanged": "current", "open": "to be seen", "removed": "to go"}
COLOURS = {"new": "green", "stale": "yellow", "removed": "red", "open": "yellow"}


@command(
    examples=[
        "dsvc plan",
        "dsvc plan -v",
        "dsvc plan --rows --step face_area --limit 20",
        "dsvc plan --arrow rows.arrow",
        "dsvc plan --explain s3://faces/1.jpg",
        "dsvc plan --as-version face_boxes=3",
    ]
)
@click.option("--rows", is_flag=True, help="List the records instead, each with the reason")
@click.option("--arrow", "sink", metavar="FILE", help="Write the records to FILE as an Arrow stream; `-` is stdout")
@click.option("--explain", "pointer", metavar="POINTER", help="Tell the story of one source, record by record")
@click.option("--as-version", "priced", metavar="TASK=VERSION", help="Say what people would do if a task had a version")
@click.option("--step", "steps", multiple=True, type=STEP, help="Only this step (can be repeated)")
@click.option("--limit", "-n", type=AtMost(min=0), help="Records at most, with --rows")
@click.option("--verbose", "-v", is_flag=True, help="Also say how a run would go about it: transform hashes and traces")
@json_option
def plan(
    *,
    rows: bool,
    sink: str | None,
    pointer: str | None,
    priced: str | None,
    steps: tuple[str, ...],
    limit: int | None,
    verbose: bool,
    as_json: bool,
) -> None:
    """Count what `dsvc run` would make again, and say why.

    Counts are exact where the inputs of a step are known. Behind a step that has to run first they are a range:
    a record that comes out as it was changes nothing after it. Seconds are what earlier runs measured on this machine.
    What people would be asked is counted too, and no run waits for them.
    """
    if sum((rows, sink is not None, pointer is not None, priced is not None)) > 1:
        raise click.UsageError("--rows, --arrow, --explain and --as-version exclude each other")
    if limit is not None and not rows:
        raise click.UsageError("--limit is of the records that --rows lists")
    repo = open_repository()
    if priced is not None:
        task, version = _split_version(priced, steps or tuple(repo.recipe().tasks))
        cost = repo.price_version(task, version)
        emit(
            as_json=as_json,
            objects=[{"type": "priced-task", "version": version, **msgspec.to_builtins(cost)}],
            lines=[f"task {plain(task)} as version {plain(version)}: {_people(cost) or 'nobody is asked'}"],
        )
        return
    if pointer is not None:
        stories = [repo.explain(pointer, step) for step in steps or (None,)]
        emit(
            as_json=as_json,
            objects=chain.from_iterable(map(story_objects, stories)),
            lines=chain.from_iterable(story_lines(story, verbose=verbose) for story in stories),
        )
        return
    found = repo.plan()
    for warning in found.warnings:
        say(click.style("Warning: ", fg="yellow") + plain(warning))
    if sink is not None:
        _write_arrow(found, sink, steps)
        return
    if rows:
        named = islice(_iter_rows(found, steps), limit)
        objects = ({"type": "planned-record", **row} for row in named)
        emit(as_json=as_json, objects=objects, lines=map(_row_line, named), long=True)
        return
    pending = repo.find_pending()
    only = set(steps) or None
    found.check(steps)
    emit(
        as_json=as_json,
        objects=chain(map(_feed_object, pending), plan_objects(found, only, verbose=verbose)),
        lines=chain(table(map(_feed_row, pending)), plan_lines(found, only, verbose=verbose)),
    )
    if not as_json and pending:
        hint("`dsvc ingest` reads what the recipe changed; plan again after it")
    elif not as_json:
        hint("`dsvc status` says what is not committed yet" if found.is_current else "`dsvc run` makes it")


def _split_version(text: str, tasks: tuple[str, ...]) -> tuple[str, str]:
    """Return task and version of ``TASK=VERSION``, of ``TASK@VERSION``, or of a version where there is one task."""
    task, sign, version = text.replace("@", "=", 1).partition("=")
    if not sign and len(tasks) == 1 and task not in tasks:
        return tasks[0], task
    if not (task and version):
        raise click.UsageError("--as-version wants TASK=VERSION, e.g. face_boxes=3")
    return task, version


def _write_arrow(found: Plan, sink: str, steps: tuple[str, ...]) -> None:
    n_rows = found.write_arrow(sys.stdout.buffer if sink == "-" else sink, steps or None)
    say(f"Wrote {count(n_rows, 'record')} to {'stdout' if sink == '-' else plain(sink)}")


def _iter_rows(found: Plan, steps: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    from dsvc.commands._values import rows_of

    return chain.from_iterable(map(rows_of, found.batches(steps or None)))


def _row_line(row: dict[str, Any]) -> str:
    told = {"maybe": f"{row['why']}; may be cut off", "remove": f"to go: {row['why']}"}.get(row["action"], row["why"])
    return f"{plain(row['step'])}  {plain(row['source'])}  {plain(told)}"


def _feed_row(item: Pending) -> tuple[object, ...]:
    names = ", ".join(map(plain, item.signals))
    told = {
        "first": "was not read yet",
        "meaning": "means other documents now: to be read again",
        "signals": f"to be read again for {names}",
        "gone": f"no longer in the recipe: {names} to go" if names else "no longer in the recipe",
    }
    return "feed", item.feed, Styled(told[item.why], "yellow")


def _feed_object(item: Pending) -> dict[str, Any]:
    return {"type": "planned-feed", "name": item.feed, "why": item.why, "signals": list(item.signals)}


def plan_lines(found: Plan, only: Collection[str] | None, *, verbose: bool = False) -> Iterator[str]:
    """Yield a plan for people; `only` names the steps and datasets to tell of."""
    if found.is_current and not verbose:
        yield "Everything is current"
        return
    steps = [item for item in found.steps if only is None or item.name in only]
    tasks = {task.name: task for task in found.tasks}
    datasets = [item for item in found.datasets if only is None or item.name in only]
    rows = table([*(_step_row(item, tasks.get(item.name)) for item in steps), *map(_dataset_row, datasets)])
    for item, line in zip_longest(steps, rows):
        yield line
        if item is not None:
            yield from _details(item)
            yield from _work(tasks.get(item.name))
            yield from (f"      {line}" for line in (found.mechanics(item.name) if verbose else ()))
    yield from _people_in_all([task for task in found.tasks if only is None or task.name in only])
    made = [item.run for item in steps if item.name not in tasks]
    if any(run.upper for run in made) and only is None:
        lower, upper = sum(run.lower for run in made), sum(run.upper for run in made)
        yield f"{_records(type(found.run)(lower, upper))} to make in all{_time_in_all(found)}"


def _step_row(item: StepPlan, task: TaskPlan | None) -> tuple[object, ...]:
    time = _time(item) if task is None else ""
    if task is None:
        told = [f"{_records(item.run)} to make{time}"] if item.run.upper else []
    else:  # only some of them come to have a record: of the others people are asked
        told = [f"{_counted(item.run, 'source')} to look at"] if item.run.upper else []
    told += [f"{count(item.reuse)} taken from an earlier run"] if item.reuse else []
    told += [f"{count(item.remove)} to go"] if item.remove else []
    told += [f"{count(item.waiting)} failed before"] if item.waiting and task is None else []
    return "step" if task is None else "task", item.name, _status(item.status), ", ".join(told)


def _work(task: TaskPlan | None) -> Iterator[str]:
    """Yield what people would have to do for a task."""
    told = "" if task is None else _people(task)
    if told:
        yield f"      people: {told}"


def _people(task: TaskPlan) -> str:
    """Return what people would have to do, and how long that takes; nothing where there is nothing to say."""
    told = [f"{count(task.new, 'new ask')}"] if task.new else []
    told += [f"{count(task.shared)} that another branch waits for"] if task.shared else []
    asked = task.asks - task.new - task.shared
    told += [f"{count(asked)} open already"] if asked else []
    told += [f"{count(task.reused)} answered before"] if task.reused else []
    told += [f"{count(task.audits, 'audit')} to come"] if task.audits else []
    if task.seconds is None:
        told += ["time unknown"] if task.asks or task.audits else []
    elif task.seconds:
        told.append(f"{duration(task.seconds, task.seconds) or 'a second'} of work")
    told += [f"done in {_days(task.days)} at the present pace"] if task.days else []
    return ", ".join([*told, "as far as known"] if told and not task.is_exact else told)


def _people_in_all(tasks: Sequence[TaskPlan]) -> Iterator[str]:
    """Yield what all tasks want of people together, where there are several that do."""
    asking = [task for task in tasks if task.new]
    if len(asking) > 1:
        timed = [task.seconds for task in asking if task.seconds is not None]
        time = duration(sum(timed), sum(timed)) if len(timed) == len(asking) else ""
        told = f"{count(sum(task.new for task in asking), 'new ask')} of people in all"
        yield f"{told}, {time} of work" if time else told


def _days(days: float) -> str:
    if days >= 2:
        return f"about {days:,.1f} days"
    return duration(days * 86_400, days * 86_400) or "a second"


def _time(item: StepPlan) -> str:
    """Return how long a step may take, where that is worth a word."""
    if item.seconds is None:
        return " (time unknown)"
    text = duration(item.seconds.lower, item.seconds.upper)
    return f" ({text}{'' if item.seconds.is_measured else ' if as fast as before'})" if text else ""


def _time_in_all(found: Plan) -> str:
    text = duration(found.seconds.lower, found.seconds.upper)
    if not found.unmeasured:
        return f", {text}" if text else ""
    return f", {text} without {', '.join(map(plain, found.unmeasured))}" if text else ", time unknown"


def duration(lower: float, upper: float) -> str:
    """Return seconds as people say them, or nothing for less than one."""
    if upper < 1:
        return ""
    size, unit = next(unit for unit in UNITS if upper < 120 * unit[0] or unit == UNITS[-1])
    low, high = (math.ceil(seconds / size) for seconds in (lower, upper))
    return f"about {high:,} {unit}" if low == high else f"{math.floor(lower / size):,} to {high:,} {unit}"


def _details(item: StepPlan) -> Iterator[str]:
    """Yield why the records of a step are to be made."""
    if item.change is not None:
        yield f"      the step changed: {plain(item.change)}"
    reasons = [reason for reason in item.reasons if reason.kind not in OWN_LINE]
    for reason in reasons:
        is_whole = reason.records == item.run.lower == item.run.upper
        yield f"      {'' if is_whole else count(reason.records, 'record') + ': '}{plain(reason.why)}"
    if not item.run.is_exact:
        yield "      how many depends on what the steps before it give"


def _dataset_row(item: DatasetPlan) -> tuple[object, ...]:
    return "dataset", item.name, _status(item.status), f"changed: {', '.join(item.why)}" if item.why else ""


def _status(status: str) -> Styled:
    return Styled(SAID.get(status, status), COLOURS.get(status))


def _records(number: Count) -> str:
    return _counted(number, "record")


def _counted(number: Count, noun: str) -> str:
    return f"{number} {noun if number.lower == number.upper == 1 else f'{noun}s'}"


def plan_objects(found: Plan, only: Collection[str] | None, *, verbose: bool = False) -> Iterator[dict[str, Any]]:
    """Yield a plan for programs; `only` names the steps and datasets to tell of."""
    whole = found.to_json()
    yield {"type": "plan"} | {key: whole[key] for key in ("is_current", "run", "seconds", "unmeasured", "warnings")}
    for item in whole["steps"]:
        if only is None or item["name"] in only:
            how = {"mechanics": list(found.mechanics(item["name"]))} if verbose else {}
            yield {"type": "planned-step", **item, **how}
    for task in whole["tasks"]:
        if only is None or task["name"] in only:
            yield {"type": "planned-task", **task}
    for data in whole["datasets"]:
        if only is None or data["name"] in only:
            yield {"type": "planned-dataset", **data}
