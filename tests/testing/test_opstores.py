"""The contract of op stores finds those that break it."""

import pytest

from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.testing.opstores import INDEXES, OpStoreTests


class Forgetful(MemoryOpStore):
    """Swaps whatever the version."""

    def swap(self, space, key, version, doc):
        found = self.get(space, key)
        return found is not None and super().swap(space, key, found.version, doc)


class Unordered(MemoryOpStore):
    """Scans backwards."""

    def scan(self, *args, **kwargs):
        return super().scan(*args, **kwargs)[::-1]


@pytest.mark.parametrize(
    ("store", "test"),
    [(Forgetful, "test_a_swap_wants_the_version"), (Unordered, "test_a_scan_is_ordered_by_field_and_id")],
)
def test_what_breaks_the_contract_is_found(store, test):
    """A store that loses an update, one that does not order."""
    with pytest.raises(AssertionError):
        getattr(OpStoreTests(), test)(store(INDEXES))
    getattr(OpStoreTests(), test)(MemoryOpStore(INDEXES))
