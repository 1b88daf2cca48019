"""`dsvc plan`: what would be made again, and why."""

from __future__ import annotations

from dsvc.commands._command import command
from dsvc.commands._options import json_option, open_repository


@command(examples=["dsvc plan"])
@json_option
def plan(*, as_json: bool) -> None:
    """Count what `dsvc run` would make again, and say why."""
    open_repository().plan()
