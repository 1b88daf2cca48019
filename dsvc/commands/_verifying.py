"""What is said of results that may not hold: made again and compared, and of code that changed under its version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._progress import Progress
from dsvc.commands._render import count, emit, plain, say, table
from dsvc.commands._streams import apart

if TYPE_CHECKING:
    from dsvc.engine.making.report import RunReport
    from dsvc.recipe.declared import ChangedCode
    from dsvc.repo.divergences import Divergence
    from dsvc.repository import Repository

_OPTIONS = (
    click.option(
        "--check", is_flag=True, help="Execute everything again afterwards, and compare; what is stored stays"
    ),
    click.option(
        "--no-trace", is_flag=True, help="Execute also what earlier results answered, and compare; these stay"
    ),
    click.option("--accept-code", is_flag=True, help="Let declared versions stand for code that changed under them"),
)


def verify_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `check`, `no_trace` and `accept_code`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def check_run(repo: Repository, done: RunReport, *, check: bool, no_trace: bool, as_json: bool) -> bool:
    """Make again what a run has left or made, as was asked for, and tell what differs; return whether anything does.

    With `check` it is all that the run looked at, with `no_trace` what was not current before it.
    """
    made = [(step.name, step.status) for step in done.steps] + [(data.name, data.status) for data in done.datasets]
    names = [name for name, status in made if check or status in ("made", "taken")]
    if not names or not (check or no_trace):
        return False
    from dsvc.commands.reproduce import show_reproduction

    with apart(), Progress("Checking") as progress:
        found = repo.check(only=names, progress=progress)
    show_reproduction(found, as_json=as_json)
    return bool(found.differing)


def tell_changed_code(repo: Repository, *, accept: bool, as_json: bool) -> None:
    """Say which code changed under its version, once for each change; or accept it."""
    if accept:
        accepted = repo.accept_code()
        emit(as_json=as_json, objects=changed_objects(accepted, accepted=True), lines=map(_accepted_line, accepted))
        return
    news = [item for item in repo.changed_code() if not item.is_told]
    if not news:
        return
    from dsvc.recipe.declared import mark_told

    mark_told(repo.store.refs, news)
    if as_json:
        emit(as_json=True, objects=changed_objects(news), lines=())
        return
    for item in news:
        say(click.style("Warning: ", fg="yellow") + plain(item.sentence))


def changed_objects(changed: Iterable[ChangedCode], *, accepted: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the same for programs."""
    for item in changed:
        yield {
            "type": "accepted-code" if accepted else "changed-code",
            "step": item.step,
            "code": item.code,
            "version": item.version,
            "digest": item.digest,
        }


def _accepted_line(item: ChangedCode) -> str:
    return f"Version {plain(item.version)} of step {plain(item.step)} stands for its code as it is now"


def doubt_lines(changed: Sequence[ChangedCode], divergences: Sequence[Divergence]) -> Iterator[str]:
    """Yield what `dsvc status` says of stored results that may not hold."""
    if changed:
        yield "Code changed under its version (raise it, or `dsvc run --accept-code`):"
        yield from table(((item.step, item.code, f"version {item.version}") for item in changed), indent="  ")
    if divergences:
        yield "Came out otherwise when made again (`dsvc reproduce --log` shows how):"
        rows = ((item.what, item.name, count(item.records, "record")) for item in divergences)
        yield from table(rows, indent="  ")


def doubt_objects(changed: Sequence[ChangedCode], divergences: Sequence[Divergence]) -> Iterator[dict[str, Any]]:
    """Yield the same for programs."""
    yield from changed_objects(changed)
    for item in divergences:
        yield {"type": "divergent", "what": item.what, "name": item.name, "records": item.records}
