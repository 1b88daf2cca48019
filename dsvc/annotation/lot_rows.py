"""Lots as rows of a signal: a lot of any size lies in parts, each under ``<lot id in hex>.<part>``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from dsvc.annotation.lots import Lot, LotMember
from dsvc.objects.oid import Oid
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type, parse_type

_PART_CHARACTERS = 32_768
"""What the members of one part weigh, about: a record must stay below 256 KiB."""

FIRST_PART: Final = f".{0:06d}"
"""What the key of each lot's first part ends with."""
LOTS_TYPE: Final[Type] = parse_type(
    "struct<accept: int32, closed_us: int64, key: string, "
    "members: list<struct<content_id: string, sampled: bool, source: string, value: string>>, "
    "round: int32, version: string>"
)


def lot_rows(lot: Lot) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the (key, value) of each part of a lot."""
    for number, members in enumerate(_parts(lot)):
        row = {
            "accept": lot.accept,
            "closed_us": lot.closed_us,
            "key": lot.key,
            "members": [
                {"content_id": m.content_id, "sampled": m.sampled, "source": m.source, "value": m.value}
                for m in members
            ],
            "round": lot.round,
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
            lot = Lot(
                its_id, row["round"], row["key"], row["closed_us"], row["accept"], (*before, *members), row["version"]
            )
    if lot is not None:
        yield lot
