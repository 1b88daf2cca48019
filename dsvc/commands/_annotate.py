"""How what people do is told: passes, figures, asks, agreement, costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._render import Styled, count, plain, short, table, when
from dsvc.commands._task_story import payload_text

if TYPE_CHECKING:
    from dsvc.annotation.judging.concord import Concord
    from dsvc.annotation.overview import Effects, PlatformWork, TaskCost, TaskWork
    from dsvc.annotation.syncing import AskStatus, CheckedPlatform, SyncReport

HOUR_S = 3600
WAITS = "`dsvc annotate status` says how far people are, `dsvc annotate sync` takes in what they answered"


def span(seconds: float) -> str:
    """Return a span of time as people say it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < HOUR_S:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / HOUR_S:.1f} h" if seconds < 48 * HOUR_S else f"{seconds / (24 * HOUR_S):.1f} days"


def _plain_values(item: Any) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(item, builtin_types=(bytes,))
    return found


# --- passes ---------------------------------------------------------------------------------------------------------


def sync_lines(report: SyncReport, *, is_dry: bool = False) -> Iterator[str]:
    """Yield what a pass did, or would do."""
    for turn in report.platforms:
        told = [
            (turn.overdue, "overdue copy deleted", "overdue copies deleted"),
            (turn.undeleted, "copy could not be deleted", "copies could not be deleted"),
            (turn.answers, "answer taken in", "answers taken in"),
            (turn.quarantined, "answer does not fit its task", "answers do not fit their task"),
            (turn.unknown, "answer to no known ask", "answers to no known ask"),
            (turn.expired, "attempt expired", "attempts expired"),
            (turn.closed, "ask closed", "asks closed"),
            (turn.cancelled, "ask taken back", "asks taken back"),
            (turn.parked, "ask parked", "asks parked"),
            (turn.uploaded, "copy staged", "copies staged"),
            (turn.posted, "question sent", "questions sent"),
        ]
        words = [count(n, one, many) for n, one, many in told if n]
        if turn.is_busy:
            words = ["another process is at work there"]
        if words:
            yield f"{click.style(plain(turn.platform), bold=True)}: {', '.join(words)}"
    if report.elsewhere:
        yield f"{count(report.elsewhere, 'copy', 'copies')} deleted where nothing is staged any more"
    if report.lots:
        yield f"{count(report.lots, 'lot')} closed, to be judged by a sample"
    for task, n in report.wanted:
        if n or is_dry:
            yield f"task {plain(task)} {'would wait' if is_dry else 'waits'} for {count(n, 'ask')}"
    if is_dry:
        yield f"{count(report.new, 'new ask')}, {count(report.shared)} shared, {count(report.dropped)} wanted no more"
    elif report.did_nothing:
        yield "Nothing came in, and nothing was sent"


def next_steps(report: SyncReport, *, is_dry: bool = False) -> Iterator[str]:
    """Yield what to type after a pass."""
    if is_dry:
        yield "`dsvc annotate sync` does it"
        return
    if any(sync_notes(report)):
        yield "`dsvc annotate check` looks at platforms and staging stores"
    if any(turn.closed for turn in report.platforms):
        yield "`dsvc run` makes the datasets that follow from the answers"
    if any(n for _, n in report.wanted):
        yield WAITS


def sync_notes(report: SyncReport) -> Iterator[str]:
    """Yield what went wrong and is tried again, each once."""
    told = [f"{turn.platform}: {note}" for turn in report.platforms for note in turn.notes]
    yield from dict.fromkeys([*told, *report.notes])


def sync_objects(report: SyncReport, *, is_dry: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the same for programs."""
    yield {
        "type": "annotation-pass",
        "dry_run": is_dry,
        "new": report.new,
        "shared": report.shared,
        "dropped": report.dropped,
        "lots": report.lots,
        "elsewhere": report.elsewhere,
        "undeleted": report.undeleted,
        "wanted": dict(report.wanted),
        "notes": list(report.notes),
    }
    for turn in report.platforms:
        yield {"type": "platform-turn", **_plain_values(turn)}


def check_lines(found: Iterable[CheckedPlatform]) -> Iterator[str]:
    """Yield what was found of each platform."""
    for platform in found:
        name = click.style(plain(platform.name), bold=True)
        yield f"{name} ({plain(platform.plugin)}), tasks {', '.join(platform.tasks)}"
        yield from table(
            (
                (
                    Styled("well" if finding.is_well else "not well", "green" if finding.is_well else "red"),
                    finding.what,
                    finding.found,
                )
                for finding in platform.findings
            ),
            indent="  ",
        )
        for finding in platform.findings:
            if not finding.is_well and finding.advice:
                yield f"  {plain(finding.what)}: {plain(finding.advice)}"


def check_objects(found: Iterable[CheckedPlatform]) -> Iterator[dict[str, Any]]:
    """Yield the same for programs."""
    for platform in found:
        yield {
            "type": "platform-check",
            "name": platform.name,
            "plugin": platform.plugin,
            "tasks": list(platform.tasks),
            "is_well": platform.is_well,
            "findings": [_plain_values(finding) for finding in platform.findings],
        }


# --- figures --------------------------------------------------------------------------------------------------------

_COLUMNS = ("task", "final", "unaudited", "to send", "open", "answers", "audits", "expired")
_GIVEN_UP = {"PARKED": "parked", "HELD": "held"}
_IN_COLUMNS = {"final", "unaudited"}

Stuck = Mapping[str, Mapping[tuple[str, str], int]]
"""Task -> (``parked`` or ``held``, why) -> asks."""


def count_stuck(asks: Iterable[AskStatus]) -> Stuck:
    """Count the asks that nobody is shown any more, by why."""
    found: dict[str, Counter[tuple[str, str]]] = {}
    for status in asks:
        if status.state in _GIVEN_UP:
            found.setdefault(status.ask.task, Counter())[_GIVEN_UP[status.state], status.reason] += 1
    return found


def status_lines(tasks: Sequence[TaskWork], platforms: Sequence[PlatformWork], stuck: Stuck) -> Iterator[str]:
    """Yield every task and every platform in figures."""
    standings = {task.name: dict(task.standings) for task in tasks}
    rows = [
        (
            f"{task.name}@{task.version}",
            standings[task.name].get("final", 0),
            standings[task.name].get("unaudited", 0),
            task.backlog,
            task.open,
            task.answers,
            task.audits,
            task.expired,
        )
        for task in tasks
    ]
    for place, line in enumerate(table(rows, header=_COLUMNS)):
        yield line
        if place:
            yield from (f"  {detail}" for detail in _task_details(tasks[place - 1], stuck))
    for platform in platforms:
        yield f"{click.style(plain(platform.name), bold=True)} ({plain(platform.plugin)})"
        yield from (f"  {line}" for line in _platform_lines(platform))


def _task_details(task: TaskWork, stuck: Stuck) -> Iterator[str]:
    """Yield what is worth a line of its own: the state of lots, values nobody can use, asks that are stuck."""
    if task.lots:
        yield f"lots: {', '.join(f'{n:,} {state}' for state, n in task.lots)}"
    others = [f"{n:,} {standing}" for standing, n in task.standings if standing not in _IN_COLUMNS]
    if others:
        yield ", ".join(others)
    if task.void:
        yield f"{count(task.void, 'value')} that lots are judged without: nobody could be asked about them"
    for (word, why), n in sorted(stuck.get(task.name, {}).items()):
        yield f"{count(n, 'ask')} {word}: {plain(why or 'no reason was given')}"
    for why, n in sorted(Counter(problem.why for problem in task.problems).items()):
        yield f"{count(n, 'answer counts', 'answers count')} for nothing: {plain(why)}"
    if task.is_guideline_edited:
        yield f"the guideline was edited since answers of version {plain(task.version)}"


def _platform_lines(platform: PlatformWork) -> Iterator[str]:
    if platform.backlog_s:
        oldest = "" if platform.oldest_s is None else f", the oldest for {span(platform.oldest_s)}"
        yield f"{span(platform.backlog_s)} of work waits for people{oldest}"
        finish = "not within ten years" if platform.finish_us is None else f"about {when(platform.finish_us)}"
        yield f"done {finish}, at the present pace"
        people = f"{platform.pace:.2g} {'person' if platform.pace == 1 else 'people'} at work"
        yield f"the pace: {people}, {'as measured' if platform.is_measured else 'not measured yet'}"
    else:
        yield "nothing waits for people"
    if not platform.is_working:
        yield "nobody works now; what is to be sent goes out in time for the next working hours"
    if platform.staged:
        oldest_s = max(copy.age_s for copy in platform.staged)
        first = when(min(copy.expires_us for copy in platform.staged))
        yield f"{count(len(platform.staged), 'staged copy', 'staged copies')}, the oldest {span(oldest_s)} old"
        yield f"the first of them goes at {first}"
    if platform.gone_early:
        copies = count(platform.gone_early, "copy", "copies")
        yield f"{copies} went before their time lately; now believed: {plain(platform.expiry)}"
    if platform.quarantined:
        yield f"{count(platform.quarantined, 'answer')} kept aside that did not fit their task"
    if platform.unknown:
        yield f"{count(platform.unknown, 'answer')} to asks that nobody here knows"


def status_objects(
    tasks: Sequence[TaskWork], platforms: Sequence[PlatformWork], stuck: Stuck
) -> Iterator[dict[str, Any]]:
    """Yield the same for programs."""
    for task in tasks:
        pairs = {"lots": dict(task.lots), "standings": dict(task.standings)}
        whys = [{"state": state, "why": why, "asks": n} for (state, why), n in sorted(stuck.get(task.name, {}).items())]
        yield {"type": "task-work", **_plain_values(task), **pairs, "stuck": whys}
    for platform in platforms:
        yield {"type": "platform-work", **_plain_values(platform)}


# --- asks -----------------------------------------------------------------------------------------------------------


def ask_rows(asks: Iterable[AskStatus]) -> Iterator[str]:
    """Yield asks as a table."""
    yield from table(
        (
            (
                short(status.ask.ask_id),
                status.ask.task,
                status.ask.mode,
                status.ask.round,
                status.state.lower(),
                f"{len(status.by)}/{status.want}",
                status.ask.source,
                status.reason,
            )
            for status in asks
        ),
        header=("ask", "task", "mode", "round", "state", "answers", "source", "why"),
    )


def ask_lines(status: AskStatus) -> Iterator[str]:
    """Yield all that is known of one ask."""
    ask = status.ask
    yield f"{click.style('ask', bold=True)} {ask.ask_id.hex()}"
    rows: list[tuple[str, object]] = [
        ("source", ask.source),
        ("task", f"{ask.task}@{ask.version}, {ask.type}"),
        ("question", f"{ask.mode}{'' if ask.mode == ask.form else f' ({ask.form})'}, round {ask.round}"),
        ("state", status.state.lower() + (f": {status.reason}" if status.reason else "")),
        ("answers", f"{len(status.by)} of {status.want}"),
    ]
    more: list[tuple[str, object]] = [
        ("region", ask.region),
        ("shown", None if ask.judged is None else payload_text(ask.type, ask.judged)),
        ("reasons", ", ".join(ask.context.reasons)),
        ("platform", status.platform),
        ("attempt", status.attempt),
        ("expired", status.expired),
        ("sent", when(status.opened_us) if status.opened_us else None),
        ("expires", None if status.expires_us is None else when(status.expires_us)),
        ("wanted by", ", ".join(status.subscribers)),
    ]
    yield from table([*rows, *((name, value) for name, value in more if value)], indent="  ")
    for answer in status.answers:
        reasons = f" ({', '.join(answer.reasons)})" if answer.reasons else ""
        value = "" if answer.payload is None else f" {payload_text(ask.type, answer.payload)}"
        yield f"  {when(answer.submitted_us)} {plain(answer.annotator)}: {answer.outcome}{value}{plain(reasons)}"
    for problem in status.problems:
        yield f"  {when(problem.at_us)} {plain(problem.annotator)}: counts for nothing: {plain(problem.why)}"


def ask_object(status: AskStatus) -> dict[str, Any]:
    """Return one ask for programs."""
    found = _plain_values(status)
    ask = found.pop("ask")
    return {"type": "ask", "answer_type": ask.pop("type"), **ask, **found}


# --- what it came to ------------------------------------------------------------------------------------------------


def agreement_lines(found: Iterable[Concord]) -> Iterator[str]:
    """Yield how far people agree, and who has hardly looked."""
    held = list(found)
    yield from table(
        (
            (
                item.who or "everybody",
                item.against,
                item.sources,
                f"{item.mean:.3f}" if item.sources else "-",
                f"{item.near / item.sources:.1%}" if item.sources else "-",
                "-" if item.kappa is None else f"{item.kappa:.3f}",
            )
            for item in held
        ),
        header=("who", "against", "compared", "likeness", "agree", "kappa"),
    )
    for item in held:
        if item.hasty and item.who:
            yield f"{item.who} left what was shown as it was in less than a second, {count(item.hasty, 'time')}"


def cost_lines(costs: Sequence[TaskCost], effects: Sequence[Effects]) -> Iterator[str]:
    """Yield what tasks have cost."""
    yield from table(
        (
            (
                f"{cost.name}@{cost.version}",
                cost.round,
                cost.mode,
                cost.answers,
                span(cost.seconds) if cost.timed else "-",
                span(cost.seconds / cost.timed) if cost.timed else "-",
            )
            for cost in costs
        ),
        header=("task", "round", "mode", "answers", "time", "each"),
    )
    for effect in effects:
        copies = count(effect.uploads, "copy", "copies")
        yield f"{plain(effect.name)}: {count(effect.issues, 'question')} sent, {copies} staged"
