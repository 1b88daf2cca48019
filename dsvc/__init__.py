"""Content-addressed version control for computer-vision datasets.

    repo = dsvc.init("faces")
    repo.put("spoof_score", table, producer="spoof@2.1.0")
    repo.commit("first scores")

Names load when first used, so that `import dsvc` and the quick commands stay quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsvc import errors as errors
    from dsvc.repository import Repository as Repository
    from dsvc.repository import init as init
    from dsvc.repository import open as open  # noqa: A004 - dsvc.open reads as git's words do

__all__ = ["Repository", "errors", "init", "open"]
__version__ = "0.1.0"

_PLACES = {"Repository": "dsvc.repository", "init": "dsvc.repository", "open": "dsvc.repository"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "errors":
        return import_module("dsvc.errors")
    if name not in _PLACES:
        raise AttributeError(f"module 'dsvc' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
