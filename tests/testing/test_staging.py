"""The contract of staging stores finds those that break it, and the one in memory expires as told."""

import pytest

from dsvc.annotation.staging.expiry import DAY_US, Expiry
from dsvc.errors import StoreUnavailableError
from dsvc.testing.staging import MemoryStaging, StagingTests


class Overwriting(MemoryStaging):
    """Puts over what is there."""

    def put(self, key, data, media_type):
        self.delete(key)
        return super().put(key, data, media_type)


def test_what_breaks_the_contract_is_found():
    """A store that overwrites."""
    with pytest.raises(AssertionError):
        StagingTests().test_a_copy_is_created_once(Overwriting(lambda: 1))
    StagingTests().test_a_copy_is_created_once(MemoryStaging(lambda: 1))


def test_copies_go_by_the_clock():
    """At the time of its rule, and then they are known to have gone so."""
    now = [DAY_US]
    store = MemoryStaging(lambda: now[0], Expiry("rolling"))
    store.put("a", b"x", "image/png")
    now[0] += DAY_US - 1
    assert ({"a"}, [DAY_US - 1]) == (store.keys, store.ages_us)
    now[0] += 1
    assert (set(), ["a"]) == (store.keys, store.expired)


def test_faults_come_before_or_after():
    """A call that fails did nothing; one whose answer is lost did what it should."""
    store = MemoryStaging(lambda: 1)
    store.fail_next = 1
    with pytest.raises(StoreUnavailableError):
        store.put("a", b"x", "image/png")
    store.lose_next = 1
    with pytest.raises(StoreUnavailableError):
        store.put("b", b"x", "image/png")
    assert {"b"} == store.keys
    assert "b" in store.keys_now
