"""`dsvc plugin`: what the installed plugins offer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import STATUS_SOME_FAILED, DocumentedGroup, command, plugin_commands
from dsvc.commands._options import json_option
from dsvc.commands._render import Styled, emit, table

if TYPE_CHECKING:
    from dsvc.plugins.manager import Plugins

KINDS = ("feed", "transform", "producer", "exporter")


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
    """List what plugins offer: feeds, transforms, producers, exporters, and commands."""
    from dsvc.plugins.manager import Plugins

    plugins = Plugins()
    found = list(_offers(plugins))
    broken = [{"type": "broken-plugin", "name": name, "error": error.message} for name, error in plugins.broken.items()]
    rows = [(item["kind"], item["name"]) for item in found]
    rows += [(Styled("broken", "red"), f"{item['name']}: {item['error']}") for item in broken]
    emit(as_json=as_json, objects=[*found, *broken], lines=table(rows))
    ctx.exit(STATUS_SOME_FAILED if broken else 0)


def _offers(plugins: Plugins) -> Iterator[dict[str, Any]]:
    for kind in KINDS:
        for name in plugins.names(kind):
            yield {"type": "plugin", "kind": kind, "name": name}
    for name in sorted(plugin_commands()):
        yield {"type": "plugin", "kind": "command", "name": name}
