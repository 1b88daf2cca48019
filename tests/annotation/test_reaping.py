"""Copies in stores where nothing is staged any more."""

import pytest

from dsvc.annotation.opstores.base import iter_scan
from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.annotation.reaping import Elsewhere, reap_elsewhere, undeleted
from dsvc.annotation.staging.expiry import DAY_US, Expiry
from dsvc.annotation.staging.rendering import Rendered
from dsvc.annotation.staging.stages import SPACE, Stages
from dsvc.errors import StoreUnavailableError
from dsvc.testing.staging import MemoryStaging


class Lab:
    """Two stores that were staged in."""

    def __init__(self):
        self.now, self.ops = 1_772_000_000_000_000, MemoryOpStore()
        late = Expiry("lifecycle")
        self.stores = {address: MemoryStaging(self.clock, late) for address in ("s3://${ONE}/x", "s3://two")}
        self.n_opened = 0

    def clock(self):
        return self.now

    def stages(self, address):
        return Stages(self.ops, self.stores[address], Expiry(), self.clock, address=address)

    def join(self, address, ref="a"):
        stage = self.stages(address).join(b"face", ref, lambda: Rendered(b"x", 4, 4), "image/png", 1)
        return stage.key

    def open(self, address):
        self.n_opened += 1
        return self.stores[address]

    def reap(self, *served):
        return reap_elsewhere(self.ops, {self.stores[address].name for address in served}, self.open, self.clock)

    @property
    def n_copies(self):
        return [len(store.keys) for store in self.stores.values()]


@pytest.fixture(name="lab")
def make_lab():
    """One copy in each."""
    lab = Lab()
    for address in lab.stores:
        lab.join(address)
    return lab


def test_what_is_overdue_goes_where_no_platform_looks(lab):
    """By the address that the recipe had; a store that is looked after is left to its platform."""
    assert Elsewhere() == lab.reap()
    lab.now += DAY_US - 1

    assert Elsewhere(n_gone=1) == lab.reap("s3://two")
    assert [0, 1] == lab.n_copies
    assert Elsewhere(n_gone=1) == lab.reap()
    assert [0, 0] == lab.n_copies
    assert [] == list(iter_scan(lab.ops, SPACE))


def test_what_was_left_goes_at_once(lab):
    """An ask that was closed, or cancelled, by a platform that stages elsewhere now."""
    key = lab.join("s3://${ONE}/x")
    lab.stages("s3://two").leave(key, "a")

    assert Elsewhere(n_gone=1) == lab.reap("s3://two")
    assert [0, 1] == lab.n_copies


def test_nothing_is_opened_for_nothing(lab):
    """While all is in time, no store is asked."""
    lab.now += DAY_US // 2
    lab.reap()

    assert 0 == lab.n_opened


def test_a_store_that_cannot_be_reached_is_told_and_tried_again(lab):
    """It is away, or its address is another place now: where there is nothing of ours."""
    lab.now += DAY_US - 1
    one = lab.stores["s3://${ONE}/x"]
    one.fail_next = 1
    report = lab.reap("s3://two")
    assert (0, 1) == (report.n_gone, report.n_undeleted)
    assert "told to fail" in report.notes[0]
    assert "tried again at each pass" in report.notes[0]

    lab.stores["s3://${ONE}/x"] = MemoryStaging(lab.clock)
    report = lab.reap("s3://two")
    assert (0, 1) == (report.n_gone, report.n_undeleted)
    assert "another place now" in report.notes[0]
    lab.stores["s3://${ONE}/x"] = one
    assert Elsewhere(n_gone=1) == lab.reap("s3://two")


def test_a_store_that_cannot_be_opened_keeps_no_other(lab):
    """Its note has the reason, and the other store is emptied."""
    lab.now += DAY_US - 1

    def open_one(address):
        if "ONE" in address:
            raise StoreUnavailableError(store="one", reason="no such variable")
        return lab.stores[address]

    report = reap_elsewhere(lab.ops, (), open_one, lab.clock)
    assert (1, 1) == (report.n_gone, report.n_undeleted)
    assert [1, 0] == lab.n_copies


def test_it_is_told_in_words():
    """One, and several."""
    assert undeleted(1, "x").startswith("1 copy that should be gone is still there")
    assert undeleted(2, "x").startswith("2 copies that should be gone are still there")
