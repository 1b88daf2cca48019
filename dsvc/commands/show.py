"""`dsvc show`: a commit, a signal of it, or one record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import command
from dsvc.commands._commits import commit_block
from dsvc.commands._options import DRAFT, HEAD, REVISION, SIGNAL, json_option, open_repository
from dsvc.commands._render import emit, plain, short, table
from dsvc.commands.commit import change_lines, version_objects

if TYPE_CHECKING:
    from dsvc.objects.snapshot import Signal
    from dsvc.repo.reading import Record
    from dsvc.repo.show import Shown


@command(examples=["dsvc show", "dsvc show main~1 quality", "dsvc show @draft quality s3://faces/1.jpg"])
@click.argument("revision", default=HEAD, type=REVISION)
@click.argument("signal", required=False, type=SIGNAL)
@click.argument("pointer", required=False)
@json_option
def show(*, revision: str, signal: str | None, pointer: str | None, as_json: bool) -> None:
    """Show a commit and what it changed, a signal of it, or one record.

    REVISION may be @draft where a signal is named.
    """
    repo = open_repository()
    if signal is None:
        if revision == DRAFT:
            raise click.UsageError("`dsvc status` shows the draft; here, name a signal of it")
        shown = repo.show(revision)
        emit(as_json=as_json, objects=_objects(shown), lines=_lines(shown), long=True)
    elif pointer is None:
        found = repo.view(revision).get_signal(signal)
        emit(as_json=as_json, objects=[_signal_object(signal, found)], lines=_signal_lines(signal, found))
    else:
        record = repo.record(signal, pointer, revision)
        emit(as_json=as_json, objects=[_record_object(record)], lines=_record_lines(record))


def _lines(shown: Shown) -> Iterator[str]:
    yield from (*commit_block(shown.commit), "")
    yield from change_lines(shown)
    yield from ("", *table(_content_rows(shown)))


def _content_rows(shown: Shown) -> Iterator[tuple[object, ...]]:
    for signal in shown.signals:
        yield "signal", signal.name, signal.n_records, "derived" if signal.is_derived else ""
    for dataset in shown.datasets:
        yield "dataset", dataset.name, dataset.n_rows, ", ".join(name for name, _ in dataset.columns)


def _objects(shown: Shown) -> Iterator[dict[str, Any]]:
    yield from version_objects(shown)
    for signal in shown.signals:
        yield {
            "type": "signal",
            "name": signal.name,
            "records": signal.n_records,
            "value_id": signal.value_id,
            "is_derived": signal.is_derived,
        }
    for dataset in shown.datasets:
        yield {
            "type": "dataset",
            "name": dataset.name,
            "rows": dataset.n_rows,
            "columns": dict(dataset.columns),
            "splits": dataset.splits,
        }


def _signal_type(signal: Signal) -> str:
    from dsvc.objects.types import Type

    return str(Type.decode(signal.type))


def _signal_lines(name: str, signal: Signal) -> Iterator[str]:
    rows = (("type", _signal_type(signal)), ("records", f"{signal.count:,}"), ("value id", short(signal.value_id)))
    yield click.style(plain(name), bold=True)
    yield from table(rows, indent="  ")


def _signal_object(name: str, signal: Signal) -> dict[str, Any]:
    return {
        "type": "signal-detail",
        "name": name,
        "signal_type": _signal_type(signal),
        "records": signal.count,
        "value_id": signal.value_id,
        "tree": signal.tree,
    }


def _record_lines(record: Record) -> Iterator[str]:
    from dsvc.commands._values import provenance_text, value_text

    yield value_text(record.value.as_py(), whole=True)
    yield f"  made by {provenance_text(record.provenance)}"


def _record_object(record: Record) -> dict[str, Any]:
    from dsvc.commands._values import provenance_object

    return {
        "type": "record",
        "signal": record.signal,
        "source": record.source,
        "value": record.value.as_py(),
        "provenance": provenance_object(record.provenance),
    }
