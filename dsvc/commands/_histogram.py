"""Counts as bars of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._render import count, plain, table

if TYPE_CHECKING:
    from dsvc.engine.looking.bins import Histogram
    from dsvc.engine.looking.profile import ColumnProfile, Profile

SHOWN_CLASSES = 10
"""Values of a column that bars are drawn for."""
_BAR = 30
"""Characters of the longest bar."""
_TYPE = 40
"""Characters of a type that a title shows."""
_EIGHTHS = " ▏▎▍▌▋▊▉"


def profile_lines(profile: Profile) -> Iterator[str]:
    """Yield what the columns of a dataset are like, with bars."""
    yield f"{count(profile.rows, 'row')}"
    for column in profile.columns:
        yield ""
        yield from _column_lines(column, profile.rows)


def _column_lines(column: ColumnProfile, n_rows: int) -> Iterator[str]:
    nulls = f", {count(column.nulls, 'null')} ({share(column.nulls, n_rows)})" if column.nulls else ""
    told = f", {count(column.distinct, 'different value')}" if column.distinct is not None else ""
    yield f"{click.style(plain(column.name), bold=True)}  {_cut(plain(column.type))}{told}{nulls}"
    histogram = column.histogram
    if histogram is not None:
        unit = {"length": "length ", "time": ""}.get(histogram.unit, "")
        low, high = (point(value, histogram) for value in (histogram.minimum, histogram.maximum))
        yield f"  {unit}{low} to {high}, mean {point(histogram.mean, histogram)}"
    if column.not_finite:
        yield f"  {count(column.not_finite, 'value')} not finite"
    classes = column.classes
    if classes is not None and (histogram is None or len(classes) <= SHOWN_CLASSES):
        shown = sorted(classes, key=lambda item: item.value) if histogram is not None else classes[:SHOWN_CLASSES]
        yield from _bars([(label(item.value), item.rows) for item in shown], n_rows)
        if len(classes) > len(shown):
            rest = sum(item.rows for item in classes[SHOWN_CLASSES:])
            yield f"  {count(len(classes) - SHOWN_CLASSES, 'other value')}: {count(rest, 'row')}"
    elif histogram is not None and histogram.minimum < histogram.maximum:
        edges = [
            point(histogram.start + number * histogram.width, histogram) for number in range(len(histogram.counts))
        ]
        yield from _bars(list(zip(edges, histogram.counts, strict=True)), n_rows)
    elif histogram is None and column.nulls < n_rows:
        yield "  too many different values to count"


def _cut(type_: str) -> str:
    """Return a type as far as a line has room for it; `dsvc dataset show` has all of it."""
    return type_ if len(type_) <= _TYPE else f"{type_[: _TYPE - 3]}..."


def _bars(counts: Sequence[tuple[str, int]], n_rows: int) -> Iterator[str]:
    most = max((n for _, n in counts), default=0)
    rows = ((text, n, share(n, n_rows), bar(n, most)) for text, n in counts)
    yield from table(rows, indent="  ")


def bar(n: int, most: int) -> str:
    """Return a bar whose length is to `most` as `n` is; a count above 0 is never nothing."""
    eighths = max(round(n / most * _BAR * 8), 1) if n else 0
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def share(n: int, whole: int) -> str:
    """Return a share in percent."""
    return f"{n / whole:.1%}" if whole else "-"


def label(value: int | str) -> str:
    """Return a class as text; an empty one is seen."""
    return str(value).lower() if isinstance(value, bool) else str(value) or "''"


def point(value: float, histogram: Histogram) -> str:
    """Return a point of a histogram's axis: a number, or a time."""
    if histogram.unit == "time":
        from datetime import UTC, datetime, timedelta

        try:
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value)).strftime("%Y-%m-%dT%H:%M:%SZ")
        except OverflowError:
            return f"{value:.6g} s"
    return f"{value:.6g}"


def profile_objects(profile: Profile) -> Iterator[dict[str, Any]]:
    """Yield the same for programs."""
    import msgspec

    yield {"type": "dataset-stats", "rows": profile.rows, "parts": dict(profile.parts)}
    for column in profile.columns:
        told = msgspec.to_builtins(column)
        yield {"type": "column-stats", "column": told.pop("name"), "column_type": told.pop("type"), **told}
