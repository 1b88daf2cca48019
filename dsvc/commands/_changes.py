"""How differences between two versions are shown: one row a signal, dataset or recipe file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from dsvc.commands._render import Styled, change

if TYPE_CHECKING:
    from dsvc.repo.changes import DatasetChange, SignalChange

COLOURS = {"+": "green", "-": "red", "~": "yellow", "=": "cyan", "!": "magenta"}
MEANINGS = {"~": "values changed", "=": "only provenance changed", "!": "type changed", "+": "new", "-": "gone"}


def mark(op: str) -> Styled:
    """Return the sign of a change in its colour."""
    return Styled(op, COLOURS.get(op))


def change_rows(signals: Iterable[SignalChange], datasets: Iterable[DatasetChange]) -> Iterator[tuple[object, ...]]:
    """Yield a table row for each signal and dataset that differs."""
    for item in signals:
        yield mark(item.op), "signal", item.name, f"{change(item.before, item.after)} records", MEANINGS[item.op]
    for data in datasets:
        meaning = "selection or columns changed" if data.op == "~" else MEANINGS[data.op]
        yield mark(data.op), "dataset", data.name, f"{change(data.before, data.after)} rows", meaning


def recipe_rows(files: Iterable[tuple[str, str]]) -> Iterator[tuple[object, ...]]:
    """Yield a table row for each recipe file that differs."""
    for op, path in files:
        yield mark(op), path


def signal_change_object(item: SignalChange) -> dict[str, Any]:
    """Return a changed signal for programs."""
    return {"type": "signal-change", "name": item.name, "op": item.op, "before": item.before, "after": item.after}


def dataset_change_object(item: DatasetChange) -> dict[str, Any]:
    """Return a changed dataset for programs."""
    return {"type": "dataset-change", "name": item.name, "op": item.op, "before": item.before, "after": item.after}
