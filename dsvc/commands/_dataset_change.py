"""How the change of a dataset between two versions is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._dataset import class_columns
from dsvc.commands._histogram import label, share
from dsvc.commands._render import change, count, plain, table

if TYPE_CHECKING:
    from dsvc.engine.looking.movement import Cause, Move, Movement, Reason
    from dsvc.engine.looking.profile import Profile

_SIGNS = {"entered": ("+", "green"), "left": ("-", "red"), "moved": ("~", "yellow")}


def change_lines(movement: Movement, before: Profile | None, after: Profile | None) -> Iterator[str]:
    """Yield what entered and left, by which term, and the classes before and after."""
    title = click.style(f"dataset {plain(movement.dataset)}", bold=True)
    yield f"{title}  {change(movement.before, movement.after)} sources"
    for move, n in (("entered", movement.entered), ("left", movement.left), ("moved", movement.moved)):
        if n:
            yield click.style(f"{move} {count(n)}", fg=_SIGNS[move][1])
            causes = [cause for cause in movement.causes if cause.move == move]
            yield from table(((cause.sources, cause_text(cause, move)) for cause in causes), indent="  ")
    rows = list(_balance_rows(before, after))
    if rows:
        yield ""
        yield click.style("Classes", bold=True)
        yield from table(rows, indent="  ")


def cause_text(cause: Cause | Reason, move: str) -> str:
    """Return in words why a source that moved is not in the dataset on one side: before, if it entered."""
    verbs = ("was", "had") if move == "entered" else ("is", "has")
    match cause.what:
        case "source":
            return "a new source" if move == "entered" else "the source is gone"
        case "dataset":
            return "a new dataset" if move == "entered" else "the dataset is gone"
        case "stale":
            return "the dataset was not run after its recipe was edited"
        case "part":
            return cause.text
        case "limit":
            return "beyond what the sample keeps"
        case "take":
            return f"{cause.name or 'a record'} {verbs[0]} {cause.lack or f'not {cause.text}'}, which is not taken"
        case "where" if cause.outcome == "no value":
            return f"`{cause.text}` {verbs[1]} no value: {f'{cause.name} ' if cause.name else ''}{cause.lack}"
        case "where":
            return f"`{cause.text}` {verbs[0]} {cause.outcome}"
    return f"{cause.what} {cause.text}"


def _balance(profile: Profile | None) -> dict[tuple[str, str], int]:
    if profile is None:
        return {}
    return {
        (column.name, label(item.value)): item.rows
        for column in class_columns(profile)
        for item in column.classes or ()
    }


def _balance_rows(before: Profile | None, after: Profile | None) -> Iterator[tuple[object, ...]]:
    """Yield column, class, rows before and after, and the class's shares."""
    old, new = _balance(before), _balance(after)
    shown = ""
    for column, value in sorted({*old, *new}):
        n_old, n_new = old.get((column, value), 0), new.get((column, value), 0)
        shares = [share(n, profile.rows if profile else 0) for n, profile in ((n_old, before), (n_new, after))]
        name = "" if column == shown else column
        yield name, value, change(n_old, n_new), shares[0] if shares[0] == shares[1] else " -> ".join(shares)
        shown = column


def change_objects(movement: Movement, before: Profile | None, after: Profile | None) -> Iterator[dict[str, Any]]:
    """Yield the same for programs."""
    import msgspec

    whole = msgspec.to_builtins(movement)
    causes = whole.pop("causes")
    yield {"type": "dataset-movement", **whole}
    yield from ({"type": "dataset-cause", **cause} for cause in causes)
    old, new = _balance(before), _balance(after)
    for column, value in sorted({*old, *new}):
        n_old, n_new = old.get((column, value), 0), new.get((column, value), 0)
        yield {"type": "dataset-balance", "column": column, "value": value, "before": n_old, "after": n_new}


def move_lines(moves: Iterable[Move]) -> Iterator[str]:
    """Yield each source that entered, left or moved, with the reason."""
    for move in moves:
        sign, colour = _SIGNS[move.move]
        yield click.style(f"{sign} {plain(move.source)}", fg=colour) + f"  {plain(cause_text(move.reason, move.move))}"


def move_objects(moves: Iterable[Move]) -> Iterator[dict[str, Any]]:
    """Yield the same for programs."""
    for move in moves:
        yield {"type": "dataset-move", "source": move.source, "move": move.move, **move.reason._asdict()}
