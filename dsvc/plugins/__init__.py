"""What a plugin may offer, and how plugins are found.

A plugin package imports what it needs from here: ``from dsvc.plugins import RecordTransform, hookimpl``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsvc.plugins.contracts import (
        DocumentBatch,
        Executor,
        Exporter,
        Feed,
        FeedQuery,
        Outcome,
        Pixels,
        Producer,
        RecordTransform,
        Transform,
    )
    from dsvc.plugins.hookspecs import hookimpl
    from dsvc.plugins.match import compile_filter
    from dsvc.plugins.options import Option, fill_options
    from dsvc.plugins.platforms import (
        AnswerPage,
        Capabilities,
        Finding,
        Platform,
        PlatformAnswer,
        PlatformTask,
        Posted,
        Question,
        TaskForm,
    )

__all__ = [
    "AnswerPage",
    "Capabilities",
    "DocumentBatch",
    "Executor",
    "Exporter",
    "Feed",
    "FeedQuery",
    "Finding",
    "Option",
    "Outcome",
    "Pixels",
    "Platform",
    "PlatformAnswer",
    "PlatformTask",
    "Posted",
    "Producer",
    "Question",
    "RecordTransform",
    "TaskForm",
    "Transform",
    "compile_filter",
    "fill_options",
    "hookimpl",
]

_PLATFORMS = (
    "AnswerPage",
    "Capabilities",
    "Finding",
    "Platform",
    "PlatformAnswer",
    "PlatformTask",
    "Posted",
    "Question",
    "TaskForm",
)
_HOMES = {
    "Option": "options",
    "compile_filter": "match",
    "fill_options": "options",
    "hookimpl": "hookspecs",
    **dict.fromkeys(_PLATFORMS, "platforms"),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: commands that need no plugin must not import pluggy."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'contracts')}"), name)
