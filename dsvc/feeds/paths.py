"""Dotted paths into documents, e.g. ``models.face_detector.output`` or ``faces.0.box``.

A part of a path is a field of an object or, where a list stands there and the part is a number, an item of the list.
A path that leads nowhere gives `MISSING`, which is not the same as a null that stands in the document.

Source: docs/how-to/ingest.md#paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dsvc.plugins.match import MISSING

__all__ = ["MISSING", "DocumentPath", "projections"]


@dataclass(frozen=True)
class DocumentPath:
    """A place in documents, written with dots."""

    text: str

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The names and list positions to step through."""
        return tuple(self.text.split("."))

    @cached_property
    def _steps(self) -> tuple[tuple[str, int | None], ...]:
        return tuple((part, int(part) if part.isdecimal() else None) for part in self.parts)

    @cached_property
    def projection(self) -> str:
        """The part of the path that a server can be asked for: up to the first list position."""
        kept: list[str] = []
        for part, index in self._steps:
            if index is not None:
                break
            kept.append(part)
        return ".".join(kept)

    def get(self, document: Any) -> Any:
        """Return what stands at this path of one document, or `MISSING`."""
        return self.column((document,))[0]

    def column(self, documents: Sequence[Any]) -> list[Any]:
        """Return what stands at this path of each document, `MISSING` where nothing does."""
        values: Iterable[Any] = documents
        for part, index in self._steps:
            values = [value.get(part, MISSING) if type(value) is dict else _item(value, index) for value in values]
        return list(values)


def _item(value: Any, index: int | None) -> Any:
    """Return an item of a list, or `MISSING` where `value` is no list or is shorter."""
    if index is None or type(value) is not list or index >= len(value):
        return MISSING
    return value[index]


def projections(paths: Iterable[DocumentPath]) -> tuple[str, ...]:
    """Return the fewest paths that a server must send for `paths`, sorted; none of them lies within another.

    A path that begins with a list position cannot be narrowed; an empty result means whole documents.
    """
    wanted = sorted({path.projection for path in paths})
    if "" in wanted:
        return ()
    return tuple(path for path in wanted if not any(path.startswith(f"{other}.") for other in wanted))
