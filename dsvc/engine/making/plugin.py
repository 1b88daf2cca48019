"""The executor that comes with dsvc, offered as any plugin offers its own."""

from __future__ import annotations

from collections.abc import Mapping

from dsvc.engine.making.executors.local import LocalExecutor
from dsvc.plugins import hookimpl
from dsvc.plugins.contracts import Executor


@hookimpl
def dsvc_executors() -> Mapping[str, type[Executor]]:
    """Return the executors by name."""
    return {"local": LocalExecutor}
