"""What a step makes at once: a record, the records of a group, or all of them, as `group` and `global` say."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal, NamedTuple

from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import PIXELS
from dsvc.recipe.table import Table

if TYPE_CHECKING:
    from dsvc.plugins.contracts import Transform

GROUP_RULE = 'the signal or field whose equal values make a group, e.g. `"capture.subject"`'


class Scope(NamedTuple):
    """What a step makes at once, and by what records are grouped."""

    scope: Literal["record", "group", "global"] = "record"
    group: InputPath | None = None


def read_scope(table: Table, optional: Collection[InputPath]) -> Scope:
    """Return what `group` and `global` of a `[step.NAME]` say.

    Args:
        table: The step's table.
        optional: Its inputs that may be missing.

    Raises:
        RecipeError: If both are given, or `group` names nothing that a record must have.
    """
    is_global = table.flag("global")
    text = table.text("group", GROUP_RULE)
    if text is None:
        return Scope("global") if is_global else Scope()
    if is_global:
        raise table.error(
            "group", "no `group` beside `global = true`, which makes one group of all records", repr(text)
        )
    try:
        path = InputPath.parse(text)
    except ValueError as err:
        raise table.error("group", GROUP_RULE, repr(text)) from err
    if path.signal == PIXELS:
        raise table.error("group", GROUP_RULE, repr(text))
    if path in optional:
        raise table.error("group", "an input that is not `optional`: records without it are in no group", repr(text))
    return Scope("group", path)


def refuse_scope(table: Table) -> None:
    """Check that an SQL step names no group.

    Raises:
        RecipeError: If it does.
    """
    table.refuse(("group", "global"), "SQL makes record by record; use `python` or `transform` for groups")


def check_kind(table: Table, name: str, transform: type[Transform], scope: Scope) -> None:
    """Check that a step is of the scope that its installed transform has.

    Raises:
        RecipeError: If it is not.
    """
    if transform.kind == {"record": "map"}.get(scope.scope, scope.scope):
        return
    key = scope.scope if scope.scope in table else None
    if transform.kind == "map":
        raise table.error(key, f"no `{key}`: the transform {name} makes record by record", "it")
    if transform.kind == "group":
        raise table.error(key, f"`group`, {GROUP_RULE}: the transform {name} makes groups", key and f"`{key}`")
    raise table.error(key, f"`global = true`: the transform {name} makes all records at once", key and f"`{key}`")
