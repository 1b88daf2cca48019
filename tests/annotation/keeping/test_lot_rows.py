"""A lot of any size is stored in records of bounded size."""

from decimal import Decimal

import msgspec

from dsvc.annotation.judging.lots import Shares
from dsvc.annotation.keeping.ledger import Addition, append
from dsvc.annotation.keeping.lot_rows import lot_rows
from dsvc.store.memory import MemoryStore
from tests.annotation.keeping.test_ledger import lot


def test_parts_are_small_and_in_order():
    """Each well below what a record may weigh; their keys sort as the parts do."""
    rows = list(lot_rows(lot(2000)))

    assert sorted(key for key, _ in rows) == [key for key, _ in rows]
    assert 2000 == sum(len(row["members"]) for _, row in rows)
    assert 40_000 > max(sum(len(m["source"]) + len(m["value"]) for m in row["members"]) for _, row in rows)


def test_a_small_lot_is_one_record():
    """Under its id."""
    ((key, row),) = lot_rows(lot(3))

    assert f"{'07' * 32}.000000" == key
    assert 3 == row["accept"]


def test_what_a_lot_is_judged_by_is_frozen_with_it():
    """As one text, however the recipe writes it."""
    shares = Shares(Decimal("0.10"), Decimal("0.02"), Decimal("0.05"))
    ((_, row),) = lot_rows(msgspec.structs.replace(lot(3), shares=shares))

    assert ("0.1", "0.02", "0.05") == (row["sample"], row["max_error"], row["reject_error"])
    store, alone = MemoryStore(), msgspec.structs.replace(lot(3), shares=Shares(Decimal("1E-2"), Decimal(0)))
    found = append(store, {"quality": Addition(lots=[alone])}).lots("quality")
    assert {alone.lot_id: alone} == found
