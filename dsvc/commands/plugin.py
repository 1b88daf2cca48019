"""`dsvc plugin`: what the installed plugins offer, and whether they are sound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import PLUGIN_COMMANDS, STATUS_SOME_FAILED, DocumentedGroup, command, plugin_commands
from dsvc.commands._options import json_option
from dsvc.commands._render import Styled, emit, table

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from dsvc.plugins.manager import Plugins
    from dsvc.recipe.plugin_check import PluginReport

COMMAND = "command"


@click.group(cls=DocumentedGroup)
def plugin() -> None:
    """Look at the installed plugins."""


@command(
    group=plugin,
    examples=["dsvc plugin ls"],
    in_repository=False,
    statuses={STATUS_SOME_FAILED: "done, but a plugin is broken"},
)
@json_option
@click.pass_context
def ls(ctx: click.Context, *, as_json: bool) -> None:
    """List what plugins offer: feeds, transforms, producers, exporters, executors, and commands."""
    from dsvc.plugins.manager import Plugins

    plugins = Plugins()
    found = list(_offers(plugins))
    broken = [{"type": "broken-plugin", "name": name, "error": error.message} for name, error in plugins.broken.items()]
    rows = [(item["kind"], item["name"], item["package"] or "") for item in found]
    rows += [(Styled("broken", "red"), f"{item['name']}: {item['error']}", "") for item in broken]
    emit(as_json=as_json, objects=[*found, *broken], lines=table(rows))
    ctx.exit(STATUS_SOME_FAILED if broken else 0)


def _offers(plugins: Plugins) -> Iterator[dict[str, Any]]:
    packages = {entry.name: _package(entry) for entry in plugins.entries}
    for kind in plugins.kinds:
        for name, givers in sorted(plugins.offers(kind).items()):
            for giver, _ in givers:
                yield {"type": "plugin", "kind": kind, "name": name, "package": packages[giver]}
    for name, point in sorted(plugin_commands().items()):
        yield {"type": "plugin", "kind": COMMAND, "name": name, "package": _package(point)}


def _package(entry: EntryPoint) -> str | None:
    """Return the package of an entry point with its version."""
    return None if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


@command(
    group=plugin,
    examples=["dsvc plugin check", "dsvc plugin check exporters"],
    in_repository=False,
    statuses={1: "no plugin has that name", STATUS_SOME_FAILED: "done, and some plugin has a problem"},
)
@click.argument("name", required=False)
@json_option
@click.pass_context
def check(ctx: click.Context, *, name: str | None, as_json: bool) -> None:
    """Check what installed plugins declare.

    Whether they load, go with this version of dsvc, and offer what their hooks must give; whether names are free of
    clashes, and options, types and versions can be read. Nothing is done with them: their own tests tell whether
    they work. NAME is a plugin, its package, or what it offers; all are checked without it.
    """
    from dsvc.plugins.manager import Plugins
    from dsvc.recipe.plugin_check import check_plugins

    reports = _named([*check_plugins(Plugins()), *_check_commands()], name)
    objects = [
        {
            "type": "plugin-check",
            "name": report.name,
            "package": report.package,
            "version": report.version,
            "offers": [list(offer) for offer in report.offers],
            "problems": list(report.problems),
        }
        for report in reports
    ]
    emit(as_json=as_json, objects=objects, lines=_lines(reports))
    ctx.exit(STATUS_SOME_FAILED if any(report.problems for report in reports) else 0)


def _named(reports: list[PluginReport], name: str | None) -> list[PluginReport]:
    """Return the reports that a name means.

    Raises:
        UserError: If it means none.
    """
    if name is None:
        return reports
    found = [
        report for report in reports if name in {report.name, report.package, *(offer for _, offer in report.offers)}
    ]
    if not found:
        from difflib import get_close_matches

        from dsvc.errors import UserError

        known = sorted({report.name for report in reports} | {r.package for r in reports if r.package})
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else "run `dsvc plugin ls` to see what there is"
        raise UserError(message=f"no installed plugin is called {name!r}", hint=hint)
    return found


def _lines(reports: list[PluginReport]) -> Iterator[str]:
    rows = []
    for report in reports:
        state = Styled("broken", "red") if report.problems else Styled("ok", "green")
        package = " ".join(filter(None, (report.package, report.version)))
        rows.append((state, report.name, package, ", ".join(f"{kind} {offer}" for kind, offer in report.offers)))
    for line, report in zip(table(rows), reports, strict=True):
        yield line
        yield from (f"        {problem}" for problem in report.problems)


def _check_commands() -> Iterator[PluginReport]:
    """Yield what is found of each command of a plugin."""
    from importlib.metadata import entry_points

    from dsvc.recipe.plugin_check import PluginReport, unmet_needs

    points = sorted(entry_points(group=PLUGIN_COMMANDS), key=lambda point: (point.name, point.value))
    for point in points:
        problems = [*_command_problems(point), *unmet_needs(point)]
        if sum(other.name == point.name for other in points) > 1:
            problems.append(f"command {point.name!r}: another plugin has it too")
        package, version = (None, None) if point.dist is None else (point.dist.name, point.dist.version)
        yield PluginReport(point.name, package, version, ((COMMAND, point.name),), tuple(problems))


def _command_problems(point: EntryPoint) -> Iterator[str]:
    from importlib.util import find_spec
    from keyword import iskeyword

    module = point.name + "_" * iskeyword(point.name)
    if module.isidentifier() and find_spec(f"dsvc.commands.{module}") is not None:
        yield f"command {point.name!r}: dsvc has one of that name, which comes first"
    try:
        loaded = point.load()
    except Exception as err:  # noqa: BLE001 - a plugin's module may raise anything
        yield f"command {point.name!r}: cannot be loaded from {point.value!r}: {type(err).__name__}: {err}"
        return
    if not isinstance(loaded, click.Command):
        yield f"command {point.name!r}: expected a click command, found {type(loaded).__name__}"
    elif not loaded.help:
        yield f"command {point.name!r}: it has no help line"
