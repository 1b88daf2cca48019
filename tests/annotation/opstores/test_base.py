"""What is shared by all op stores."""

import pytest

from dsvc.annotation.opstores.base import INDEXES, check_field, starting_with, update
from dsvc.annotation.opstores.memory import MemoryOpStore


def test_only_declared_fields_are_scanned():
    """A space that is not there, and a field without an index, are refused by name."""
    check_field(INDEXES, "requests", "line")
    check_field(INDEXES, "control", "id")
    for space, field in (("requests", "colour"), ("reqests", "id")):
        with pytest.raises(ValueError, match=f"{space}.{field}"):
            check_field(INDEXES, space, field)


def test_a_prefix_is_a_range():
    """From the prefix itself to before whatever does not begin with it."""
    low, high = starting_with("a/")

    assert all(low <= text < high for text in ("a/", "a/zz"))
    assert not low <= "a0" < high


def test_an_update_that_never_wins_ends():
    """A store that refuses every swap is broken, and is not asked for ever."""

    class Stubborn(MemoryOpStore):
        def swap(self, space, key, version, doc):
            return False

    store = Stubborn()
    store.insert("control", "a", {})
    with pytest.raises(AssertionError, match="in a row"):
        update(store, "control", "a", lambda doc: {"n": 1})
