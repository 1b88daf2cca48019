"""`dsvc feed`: where documents come from."""

from __future__ import annotations

import click

from dsvc.commands._command import DocumentedGroup


@click.group(cls=DocumentedGroup)
def feed() -> None:
    """Look at the feeds of the recipe."""
