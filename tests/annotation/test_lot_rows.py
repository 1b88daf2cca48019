"""A lot of any size is stored in records of bounded size."""

from dsvc.annotation.lot_rows import lot_rows
from tests.annotation.test_ledger import lot


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
