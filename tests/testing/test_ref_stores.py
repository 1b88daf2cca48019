"""The contract of ref stores finds each of these broken stores."""

import time

import pytest

from dsvc.errors import DsvcError, RefConflictError
from dsvc.store.base import RefChange
from dsvc.store.memory import MemoryObjectStore, MemoryRefStore, MemoryStore
from dsvc.testing.ref_stores import RefStoreTests


class LastWins(MemoryRefStore):
    """Moves a ref whatever it held."""

    def update(self, changes, *, objects=(), op=None):
        now = [RefChange(name, self.get(name), new) for name, _, new in changes]
        super().update(now, objects=objects, op=op)


class Racing(MemoryRefStore):
    """Looks first and moves later."""

    def update(self, changes, *, objects=(), op=None):
        for name, expected, _ in changes:
            if self.get(name) != expected:
                raise RefConflictError(ref=name, expected=expected, found=self.get(name))
        time.sleep(0.0005)
        now = [RefChange(name, self.get(name), new) for name, _, new in changes]
        super().update(now, objects=objects, op=op)


class OneByOne(MemoryRefStore):
    """Moves each ref on its own."""

    def update(self, changes, *, objects=(), op=None):
        for change in changes:
            super().update([change], objects=objects, op=op)


class EagerObjects(MemoryRefStore):
    """Keeps objects before it looks at the refs."""

    def update(self, changes, *, objects=(), op=None):
        self._objects.put_frames(objects)
        super().update(changes, op=op)


class NoObjects(MemoryRefStore):
    """Leaves the objects out."""

    def update(self, changes, *, objects=(), op=None):
        super().update(changes, op=op)


class Silent(MemoryRefStore):
    """Logs nothing."""

    def update(self, changes, *, objects=(), op=None):
        super().update(changes, objects=objects)


class Talkative(MemoryRefStore):
    """Logs what was refused too."""

    def update(self, changes, *, objects=(), op=None):
        try:
            super().update(changes, objects=objects, op=op)
        except RefConflictError:
            super().update([], op=op)
            raise


class LogsDemands(MemoryRefStore):
    """Logs a demand as a move."""

    def update(self, changes, *, objects=(), op=None):
        super().update(changes, objects=objects, op=op)
        if op is not None:
            self._ops[-1] = type(op)(op.time_us, op.author, op.command, tuple(map(tuple, changes)))


class Undemanding(MemoryRefStore):
    """Takes a change to what it expects for done."""

    def update(self, changes, *, objects=(), op=None):
        super().update([change for change in changes if change.expected != change.new], objects=objects, op=op)


class Keeping(MemoryRefStore):
    """Never removes a ref."""

    def update(self, changes, *, objects=(), op=None):
        super().update([change for change in changes if change.new is not None], objects=objects, op=op)


class Unsorted(MemoryRefStore):
    """Lists refs as they came."""

    def iter_refs(self, prefix=""):
        return iter([(name, value) for name, value in self._refs.items() if name.startswith(prefix)])


class Greedy(MemoryRefStore):
    """Lists every ref that contains the prefix."""

    def iter_refs(self, prefix=""):
        return iter(
            sorted((name, value) for name, value in self._refs.items() if prefix in name or prefix == "nothing")
        )


class FromZero(MemoryRefStore):
    """Numbers operations from zero."""

    def iter_ops(self, *, newest_first=True):
        return ((number - 1, op) for number, op in super().iter_ops(newest_first=newest_first))


class OneWay(MemoryRefStore):
    """Lists operations in one order only."""

    def iter_ops(self, *, newest_first=True):
        return super().iter_ops(newest_first=True)


class AnyName(MemoryRefStore):
    """Takes names that cannot be kept."""

    def update(self, changes, *, objects=(), op=None):
        super().update([RefChange(name[:100] or "x", None, new) for name, _, new in changes])


class Suite(RefStoreTests):
    """Runs the contract on a store that survives nothing but is asked to."""

    def open_store(self, place):
        return MemoryStore()


BROKEN = [
    (LastWins, "test_a_lost_swap_says_what_it_found", {"expected": b"other", "there": b"there"}),
    (Racing, "test_one_thread_wins_each_swap", {}),
    (OneByOne, "test_an_update_is_all_or_nothing", {}),
    (OneByOne, "test_an_update_does_all_it_says", {}),
    (EagerObjects, "test_an_update_is_all_or_nothing", {}),
    (NoObjects, "test_an_update_does_all_it_says", {}),
    (Silent, "test_an_update_does_all_it_says", {}),
    (Silent, "test_operations_are_numbered_from_one", {}),
    (Talkative, "test_an_update_is_all_or_nothing", {}),
    (Talkative, "test_operations_are_numbered_from_one", {}),
    (LogsDemands, "test_a_demand_moves_nothing", {}),
    (Undemanding, "test_a_demand_moves_nothing", {}),
    (Keeping, "test_refs_are_set_moved_and_removed", {}),
    (Unsorted, "test_refs_are_listed_by_prefix", {}),
    (Greedy, "test_refs_are_listed_by_prefix", {}),
    (FromZero, "test_operations_are_numbered_from_one", {}),
    (OneWay, "test_operations_are_numbered_from_one", {}),
    (AnyName, "test_impossible_names_are_refused", {"name": ""}),
    (AnyName, "test_the_longest_name_is_kept", {}),
    (MemoryRefStore, "test_refs_and_log_are_there_after_reopening", {"place": None}),
]


@pytest.mark.parametrize(("broken", "test", "arguments"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_store_fails_the_contract(broken, test, arguments):
    """Each check can fail: this store breaks exactly what it is about."""
    store = MemoryStore()
    store.objects = MemoryObjectStore()
    store.refs = broken(store.objects)

    with pytest.raises((AssertionError, pytest.fail.Exception, DsvcError)):
        getattr(Suite(), test)(store=store, **arguments)


def test_the_contract_is_fair():
    """The sound store passes what the broken ones fail."""
    for test, arguments in {test: arguments for _, test, arguments in BROKEN}.items():
        if "reopening" not in test:
            getattr(Suite(), test)(store=MemoryStore(), **arguments)
