"""The hooks of dsvc. A plugin is a module named by an entry point of the group `dsvc`; it implements some of these.

    from dsvc.plugins import hookimpl

    @hookimpl
    def dsvc_transforms():
        return {"laplacian_blur": LaplacianBlur}

Hooks are asked when something of their kind is looked for, once a process. They must be cheap: a plugin imports heavy
packages when it is used. Arguments may be added to a hook later; an implementation names only those it wants.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import pluggy

if TYPE_CHECKING:
    from dsvc.plugins.contracts import Executor, Exporter, Feed, Producer, Transform
    from dsvc.plugins.platforms import Platform

GROUP: Final = "dsvc"
"""The entry point group, and pluggy's name of the project."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def dsvc_feeds() -> Mapping[str, type[Feed]]:  # type: ignore[empty-body]
    """Return feeds by the name that a recipe's `plugin` gives."""


@hookspec
def dsvc_transforms() -> Mapping[str, type[Transform]]:  # type: ignore[empty-body]
    """Return transforms by the name that a recipe's `transform` gives; the name is the producer of their records."""


@hookspec
def dsvc_producers() -> Mapping[str, type[Producer]]:  # type: ignore[empty-body]
    """Return producers by the name that a signal's `producer` gives."""


@hookspec
def dsvc_exporters() -> Mapping[str, type[Exporter]]:  # type: ignore[empty-body]
    """Return exporters by the name that `checkout --format` gives."""


@hookspec
def dsvc_executors() -> Mapping[str, type[Executor]]:  # type: ignore[empty-body]
    """Return executors by the name that `run --executor` gives."""


@hookspec
def dsvc_platforms() -> Mapping[str, type[Platform]]:  # type: ignore[empty-body]
    """Return annotation platforms by the name that the `plugin` of a recipe's platform gives."""
