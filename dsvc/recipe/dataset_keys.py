"""One `[dataset.NAME]` of `dsvc.toml`, read into its spec. What it says of other datasets is settled in `bases.py`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from dsvc.objects.provenance import STANDINGS
from dsvc.objects.snapshot import Image
from dsvc.recipe.expressions import Expression, name_expression, parse_expression
from dsvc.recipe.names import COLUMN
from dsvc.recipe.sections import check_columns, finish_without_variables, place_of
from dsvc.recipe.spec import STALE, CheckSpec, DatasetSpec, SampleSpec
from dsvc.recipe.table import Table, shown

TAKEN = (*STANDINGS, STALE)
"""What `take` may name."""
MAX_PIXELS = 65_535
"""Width or height of an image, at most."""
MAX_MARGIN = 10
_SHARE = "a share above 0 and at most 1"


def read_dataset(table: Table, signals: tuple[str, ...]) -> DatasetSpec:
    """Return one `[dataset.NAME]`; without `signals` and `columns` it has a column for each of `signals`."""
    base = table.text("from", "the name of a dataset")
    where = table.text("where", "a condition over signals")
    condition = None if where is None else parse_expression(where, place_of(table, "where"))
    spec = DatasetSpec(
        name=table.name,
        where=condition,
        columns=_read_columns(table, signals),
        split=table.text("split"),
        base=base,
        unnest=table.text("unnest", "the name of a column"),
        image=_read_image(table),
        sample=_read_sample(table),
        take=_read_take(table),
        check=_read_check(table),
    )
    finish_without_variables(table)
    return spec


def _read_columns(table: Table, signals: tuple[str, ...]) -> tuple[tuple[str, Expression], ...]:
    named, columns = table.texts("signals", "an array of names of signals"), table.table("columns")
    if named and columns:
        raise table.error("columns", "either `signals` or `columns`", "both")
    for index, name in enumerate(named):
        if not COLUMN.fullmatch(name):
            raise table.error(("signals", index), "the name of a signal", repr(name))
    check_columns(table, "columns", columns)
    expressions: dict[str, Expression] = {name: name_expression(name) for name in named}
    for name, text in columns.items():
        if not isinstance(text, str) or not text.strip():
            raise table.error(("columns", name), "an expression over signals", shown(text))
        expressions[name] = parse_expression(text, place_of(table, "columns", name))
    if not expressions:
        expressions = {name: name_expression(name) for name in signals}
    return tuple(sorted(expressions.items()))


def read_inner(table: Table, key: str, example: str) -> Table | None:
    """Return an inner table; None where it is not given."""
    given = table.get(key, Mapping, f"a table, e.g. `{example}`")
    return None if given is None else Table(table.recipe, (*table.path, key), given)


def _read_image(table: Table) -> Image | None:
    inner = read_inner(table, "image", '{ crop = "box", margin = 0.2, size = [224, 224] }')
    if inner is None:
        return None
    crop = inner.text("crop", "the name of a column with a box")
    margin = read_number(inner, "margin", f"a share of the box's side, 0 to {MAX_MARGIN}", 0, MAX_MARGIN)
    size = inner.get("size", list, "width and height in pixels, e.g. `[224, 224]`")
    inner.finish()
    if crop is None and size is None:
        raise inner.error(None, "`crop`, `size`, or both", "neither")
    if margin is not None and crop is None:
        raise inner.error("margin", "`crop` beside it: a margin is around a box", shown(margin))
    if size is not None and (len(size) != 2 or not all(_is_count(n) and 0 < n <= MAX_PIXELS for n in size)):
        raise inner.error("size", f"width and height, 1 to {MAX_PIXELS} pixels each", shown(size))
    return Image(crop, exact(margin or Decimal(0)), None if size is None else (size[0], size[1]))


def _read_sample(table: Table) -> SampleSpec | None:
    inner = read_inner(table, "sample", '{ max = 50000, per = "capture.country" }')
    if inner is None:
        return None
    maximum = read_count(inner, "max", "a number of sources, 1 or more", least=1)
    share = read_share(inner, "share")
    per = inner.text("per", "an expression over signals")
    seed = inner.get("seed", str) or ""
    inner.finish()
    if maximum is None and share is None:
        raise inner.error(None, "`max`, `share`, or both", "neither")
    if per is not None and maximum is None:
        raise inner.error("per", "`max` beside it: `per` says of what there are at most so many", repr(per))
    by = None if per is None else parse_expression(per, place_of(inner, "per"))
    if by is not None and not by.inputs:
        raise inner.error("per", "at least one signal", "none")
    return SampleSpec(maximum, by, share, seed)


def _read_take(table: Table) -> tuple[str, ...]:
    given = table.texts("take", 'an array of standings, e.g. `["final", "unaudited"]`')
    for index, name in enumerate(given):
        if name not in TAKEN:
            near = get_close_matches(name, TAKEN, 1)
            expected = f"one of {', '.join(TAKEN)}"
            raise table.error(("take", index), expected, repr(name), nearest=near[0] if near else None)
    if not given and "take" in list(table):
        raise table.error("take", "at least one standing", "none")
    return tuple(name for name in TAKEN if name in given) or DatasetSpec.take


def _read_check(table: Table) -> CheckSpec | None:
    inner = read_inner(table, "check", "{ min_rows = 10000, max_loss = 0.05 }")
    if inner is None:
        return None
    nulls = read_inner(inner, "max_null", "{ label = 0.01 }")
    classes = read_inner(inner, "min_per_class", "{ label = 100 }")
    rows = "a number of rows, 0 or more"
    spec = CheckSpec(
        min_rows=read_count(inner, "min_rows", rows),
        max_rows=read_count(inner, "max_rows", rows),
        max_loss=read_number(inner, "max_loss", "a share from 0 to 1", 0, 1),
        min_per_part=read_count(inner, "min_per_part", rows),
        max_null=_by_column(nulls, lambda key, held: read_number(held, key, "a share from 0 to 1", 0, 1)),
        min_per_class=_by_column(classes, lambda key, held: read_count(held, key, rows)),
    )
    inner.finish()
    if spec == CheckSpec():
        raise inner.error(None, "something to check, e.g. `min_rows = 10000`", "nothing")
    if spec.min_rows is not None and spec.max_rows is not None and spec.min_rows > spec.max_rows:
        raise inner.error("max_rows", f"at least `min_rows`, {spec.min_rows}", shown(spec.max_rows))
    return spec


def _by_column(table: Table | None, read: Any) -> tuple[tuple[str, Any], ...]:
    return () if table is None else tuple((key, read(key, table)) for key in sorted(table))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def read_count(table: Table, key: str, expected: str, *, least: int = 0) -> int | None:
    """Return an integer of at least `least`; None where it is not given."""
    value = table.get(key, object)
    if value is not None and (not _is_count(value) or not least <= value < 2**63):
        raise table.error(key, expected, shown(value))
    return None if value is None else int(value)


def read_number(table: Table, key: str, expected: str, low: int, high: int) -> Decimal | None:
    """Return an exact number from `low` to `high`; None where it is not given."""
    value = table.get(key, object)
    if value is None:
        return None
    number = Decimal(value) if isinstance(value, Decimal) or _is_count(value) else Decimal("NaN")
    if not number.is_finite() or not low <= number <= high:
        raise table.error(key, expected, shown(value))
    return number


def read_share(table: Table, key: str) -> Decimal | None:
    """Return an exact share above 0 and at most 1; None where it is not given."""
    share = read_number(table, key, _SHARE, 0, 1)
    if share == 0:
        raise table.error(key, _SHARE, shown(share))
    return share


def exact(number: Decimal) -> str:
    """Return a decimal as its shortest text: 0.2 and 0.20 are one."""
    return format(number.normalize(), "f") if number else "0"
