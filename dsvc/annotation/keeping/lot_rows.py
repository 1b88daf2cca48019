"""Lots as rows of a signal: a lot of any size lies in parts, each under ``<lot id in hex>.<part>``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from dsvc.annotation.judging.lots import Lot, LotMember, Shares
from dsvc.objects.oid import Oid
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type, parse_type

_PART_CHARACTERS = 32_768
"""What the members of one part weigh, about: a record must stay below 256 KiB."""

FIRST_PART: Final = f".{0:06d}"
"""What the key of each lot's first part ends with."""
LOTS_TYPE: Final[Type] = parse_type(
    "struct<accept: int32, closed_us: int64, key: string, max_error: string, "
    "members: list<struct<content_id: string, sampled: bool, source: string, value: string>>, "
    "reject_error: string, round: int32, sample: string, version: string>"
)


def lot_rows(lot: Lot) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the (key, value) of each part of a lot."""
    for number, members in enumerate(_parts(lot)):
        row = {
            "accept": lot.accept,
            "closed_us": lot.closed_us,
            "key": lot.key,
            "max_error": _text(lot.shares.max_error),
            "members": [
                {"content_id": m.content_id, "sampled": m.sampled, "source": m.source, "value": m.value}
                for m in members
            ],
            "reject_error": None if lot.shares.reject_error is None else _text(lot.shares.reject_error),
            "round": lot.round,
            "sample": _text(lot.shares.sample),
            "version": lot.version,
        }
        yield f"{lot.lot_id.hex()}.{number:06d}", row


def _parts(lot: Lot) -> Iterator[list[LotMember]]:
    part: list[LotMember] = []
    weight = 0
    for member in lot.members:
        part.append(member)
        weight += len(member.source) + len(member.value) + len(member.content_id)
        if weight >= _PART_CHARACTERS:
            yield part
            part, weight = [], 0
    if part:
        yield part


def lots_of(tree: Tree, lot_id: bytes | None = None) -> Iterator[Lot]:
    """Yield the lots of a signal, or one of them."""
    start = None if lot_id is None else f"{lot_id.hex()}."
    lot: Lot | None = None
    for rows in tree.rows(start, None if lot_id is None else f"{lot_id.hex()}/"):
        for key, row in zip(rows.sources.to_pylist(), rows.values.to_pylist(), strict=True):
            its_id = Oid(bytes.fromhex(key.partition(".")[0]))
            members = tuple(
                LotMember(m["source"], m["value"], m["content_id"], sampled=m["sampled"]) for m in row["members"]
            )
            if lot is not None and lot.lot_id != its_id:
                yield lot
                lot = None
            before = () if lot is None else lot.members
            frozen = row["round"], row["key"], row["closed_us"], row["accept"]
            lot = Lot(its_id, *frozen, (*before, *members), row["version"], _shares(row))
    if lot is not None:
        yield lot


def _shares(row: Mapping[str, Any]) -> Shares:
    reject = row["reject_error"]
    return Shares(Decimal(row["sample"]), Decimal(row["max_error"]), None if reject is None else Decimal(reject))


def _text(share: Decimal) -> str:
    """Return a share as one text, however a recipe writes it."""
    return format(share.normalize(), "f")
