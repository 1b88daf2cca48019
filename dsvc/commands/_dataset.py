"""How one version of a dataset is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._histogram import label, share
from dsvc.commands._render import Styled, count, plain, table

if TYPE_CHECKING:
    from dsvc.engine.looking.coverage import SignalCoverage
    from dsvc.engine.looking.funnel import Funnel, Stage
    from dsvc.engine.looking.profile import ColumnProfile, Profile
    from dsvc.repo.catalog import DatasetEntry

MOST_CLASSES = 20
"""Values of a column up to which it is shown class by class."""


def class_columns(profile: Profile) -> Iterator[ColumnProfile]:
    """Yield the columns that look like classes: few values, each of several rows."""
    for column in profile.columns:
        classes = column.classes
        if (
            classes
            and len(classes) <= MOST_CLASSES
            and (len(classes) < profile.rows - column.nulls or profile.rows < 3)
        ):
            yield column


def version_lines(
    entry: DatasetEntry | None, profile: Profile, coverage: Sequence[SignalCoverage], funnel: Funnel | None
) -> Iterator[str]:
    """Yield what is in a dataset and why."""
    if entry is not None:
        yield f"{click.style(f'dataset {plain(entry.name)}', bold=True)}  {count(entry.sources, 'source')}"
        if profile.rows != entry.sources:
            yield f"  {count(profile.rows, 'row')}"
        if entry.tags:
            yield f"  tags {plain(', '.join(entry.tags))}"
        yield from _section("Columns", _column_rows(entry, profile, coverage))
    yield from _section("Parts", [(name, n, share(n, profile.rows)) for name, n in profile.parts])
    parts = [name for name, _ in profile.parts] if len(profile.parts) > 1 else []
    rows = [row for column in class_columns(profile) for row in _class_rows(column)]
    yield from _section("Classes", rows, header=("column", "value", "rows", *parts))
    rows = [row for item in coverage for row in _coverage_rows(item)]
    yield from _section("Coverage", rows, header=("signal", "records", "", "nulls", "by"))
    if funnel is not None:
        yield ""
        yield from funnel_lines(funnel)


def _section(title: str, rows: Sequence[Sequence[object]], *, header: Sequence[str] = ()) -> Iterator[str]:
    if rows:
        yield ""
        yield click.style(title, bold=True)
        yield from table(rows, header=header, indent="  ")


def _column_rows(entry: DatasetEntry, profile: Profile, coverage: Sequence[SignalCoverage]) -> list[tuple[object, ...]]:
    """Return name, type, expression and nulls of each column."""
    types = {item.signal: item.type for item in coverage}
    told = {column.name: column for column in profile.columns}
    rows: list[tuple[object, ...]] = []
    for name, expression in entry.columns:
        column = told.get(name)
        fields = [other for other in profile.columns if other.name.startswith(f"{name}.")]
        struct = f"struct<{', '.join(f'{other.name[len(name) + 1 :]}: {other.type}' for other in fields)}>"
        # A column that is a signal has the signal's type, which may have a name.
        type_ = types.get(expression) or (struct if column is None else column.type)
        rows.append((name, type_, expression, f"{count(column.nulls)} null" if column and column.nulls else ""))
    return rows


def _class_rows(column: ColumnProfile) -> Iterator[tuple[object, ...]]:
    for number, item in enumerate(sorted(column.classes or (), key=lambda item: str(item.value))):
        parts = item.parts if len(item.parts) > 1 else ()
        yield column.name if number == 0 else "", label(item.value), item.rows, *parts


def _coverage_rows(item: SignalCoverage) -> Iterator[tuple[object, ...]]:
    whole = share(item.records, item.sources)
    made = [f"{by.producer}@{by.version} {count(by.records)}{_standing(by.standing)}" for by in item.producers]
    yield item.signal, item.records, whole, item.nulls, made[0] if made else None
    yield from (("", "", "", "", text) for text in made[1:])
    yield from (("", "", "", "", f"{lack.reason} {count(lack.sources)}") for lack in item.lacks)


def _standing(standing: str) -> str:
    return "" if standing == "final" else f" ({standing})"


def funnel_lines(funnel: Funnel) -> Iterator[str]:
    """Yield how many sources each stage lets through."""
    stale = "" if funnel.is_current else "  as the recipe says now; `dsvc run` makes it so"
    yield click.style("Funnel", bold=True) + stale
    rows: list[tuple[object, ...]] = [("", "all sources", funnel.sources, "")]
    rows += (row for stage in funnel.stages for row in _stage_rows(stage))
    yield from table(rows, header=("", "", "passed", "kept out"), indent="  ")


def _stage_rows(stage: Stage) -> Iterator[tuple[object, ...]]:
    out = [f"{count(stage.failed)} {'false' if stage.what == 'where' else 'out'}"] if stage.failed else []
    out += [f"{count(stage.no_value)} no value"] if stage.no_value else []
    yield stage.what, Styled(stage.text, bold=True), stage.passed, ", ".join(out)
    for lack in stage.lacks:
        yield "", "", "", f"  {count(lack.sources)} {f'{lack.name} ' if lack.name else ''}{lack.reason}"


def version_objects(
    entry: DatasetEntry | None, profile: Profile, coverage: Sequence[SignalCoverage], funnel: Funnel | None
) -> Iterator[dict[str, Any]]:
    """Yield the same for programs."""
    import msgspec

    if entry is not None:
        yield {
            "type": "dataset-detail",
            "name": entry.name,
            "sources": entry.sources,
            "rows": profile.rows,
            "parts": dict(profile.parts),
            "tags": entry.tags,
        }
        for name, type_, expression, _ in _column_rows(entry, profile, coverage):
            nulls = next((column.nulls for column in profile.columns if column.name == name), None)
            yield {
                "type": "dataset-column",
                "column": name,
                "column_type": type_,
                "expression": expression,
                "nulls": nulls,
            }
    names = [name for name, _ in profile.parts]
    for column in class_columns(profile):
        for item in column.classes or ():
            parts = dict(zip(names, item.parts, strict=True)) if names else {}
            yield {
                "type": "dataset-class",
                "column": column.name,
                "value": item.value,
                "rows": item.rows,
                "parts": parts,
            }
    for covered in coverage:
        told = msgspec.to_builtins(covered)
        yield {"type": "dataset-coverage", "signal": told.pop("signal"), "signal_type": told.pop("type"), **told}
    if funnel is not None:
        yield from funnel_objects(funnel)


def funnel_objects(funnel: Funnel) -> Iterator[dict[str, Any]]:
    """Yield a funnel for programs: the whole, then its stages."""
    import msgspec

    whole = msgspec.to_builtins(funnel)
    stages = whole.pop("stages")
    yield {"type": "dataset-funnel", **whole, "parts": dict(funnel.parts)}
    yield from ({"type": "dataset-stage", **stage} for stage in stages)
