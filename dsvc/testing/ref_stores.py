"""The contract of ref stores, as a test class to inherit from; see `dsvc.testing.stores`."""

from __future__ import annotations

import multiprocessing
import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from dsvc.errors import InvalidNameError, RefConflictError
from dsvc.store.base import REF_NAME_BYTES, Operation, RefChange, Store
from dsvc.testing.stores import OP, Opener, StoreSuite, make_object

_ROUNDS = 25


class RefStoreTests(StoreSuite):
    """The contract of `RefStore`."""

    def test_refs_are_set_moved_and_removed(self, store: Store) -> None:
        """A ref holds what the last change said, and nothing once it is removed."""
        assert store.refs.get("heads/main") is None

        for before, after in ((None, b"one"), (b"one", b"two"), (b"two", None), (None, b"three")):
            store.refs.update([RefChange("heads/main", before, after)])
            assert after == store.refs.get("heads/main")

    @pytest.mark.parametrize(
        ("expected", "there"), [(None, b"there"), (b"other", b"there"), (b"other", None)], ids=["new", "moved", "gone"]
    )
    def test_a_lost_swap_says_what_it_found(self, store: Store, expected: bytes | None, there: bytes | None) -> None:
        """A change whose expectation fails raises with ref, expected and found, and the ref stays."""
        if there is not None:
            store.refs.update([RefChange("heads/main", None, there)])

        with pytest.raises(RefConflictError) as caught:
            store.refs.update([RefChange("heads/main", expected, b"mine")])

        assert ("heads/main", expected, there) == (caught.value.ref, caught.value.expected, caught.value.found)
        assert caught.value.retryable
        assert there == store.refs.get("heads/main")

    def test_an_update_is_all_or_nothing(self, store: Store) -> None:
        """When one of several changes is lost, no ref moves, no object is kept, and nothing is logged."""
        oid, frame, _ = make_object("a")
        store.refs.update([RefChange("heads/b", None, b"theirs")])

        with pytest.raises(RefConflictError):
            store.refs.update(
                [RefChange("heads/a", None, b"x"), RefChange("heads/b", None, b"x")], objects=[(oid, frame)], op=OP
            )

        assert [("heads/b", b"theirs")] == list(store.refs.iter_refs())
        assert not store.objects.has(oid)
        assert [] == list(store.refs.iter_ops())

    def test_an_update_does_all_it_says(self, store: Store) -> None:
        """Several refs, objects and the operation arrive together; the operation tells which refs moved."""
        oid, frame, data = make_object("a")
        store.refs.update([RefChange("heads/a", None, b"1"), RefChange("heads/b", None, b"2")])

        store.refs.update(
            [RefChange("heads/a", b"1", oid), RefChange("heads/b", b"2", None), RefChange("tags/t", None, b"3")],
            objects=[(oid, frame)],
            op=OP,
        )

        assert [("heads/a", oid), ("tags/t", b"3")] == list(store.refs.iter_refs())
        assert data == bytes(store.objects.get(oid))
        refs = (("heads/a", b"1", oid), ("heads/b", b"2", None), ("tags/t", None, b"3"))
        assert [(1, Operation(OP.time_us, OP.author, OP.command, refs))] == list(store.refs.iter_ops())

    def test_a_demand_moves_nothing(self, store: Store) -> None:
        """A change to what is there already only demands that it is so, and is not logged as a move."""
        store.refs.update([RefChange("heads/main", None, b"1")])

        store.refs.update([RefChange("heads/main", b"1", b"1"), RefChange("heads/x", None, None)], op=OP)
        with pytest.raises(RefConflictError):
            store.refs.update([RefChange("heads/main", b"2", b"2")])

        assert [("heads/main", b"1")] == list(store.refs.iter_refs())
        assert [()] == [op.refs for _, op in store.refs.iter_ops()]

    def test_refs_are_listed_by_prefix(self, store: Store) -> None:
        """Names come ascending by their bytes, and only those that begin with the prefix."""
        names = ["HEAD", "heads", "heads/a", "heads/a/b", "heads/ä", "heads0", "tags/a", "z"]
        store.refs.update([RefChange(name, None, name.encode()) for name in reversed(names)])

        assert ["heads/a", "heads/a/b", "heads/ä"] == [name for name, _ in store.refs.iter_refs("heads/")]
        assert [(name, name.encode()) for name in names] == list(store.refs.iter_refs())
        assert [] == list(store.refs.iter_refs("nothing"))

    @pytest.mark.parametrize("name", ["", "é" * (REF_NAME_BYTES // 2) + "x"], ids=["empty", "long"])
    def test_impossible_names_are_refused(self, store: Store, name: str) -> None:
        """A name that cannot be kept is an error before anything is done."""
        with pytest.raises(InvalidNameError):
            store.refs.update([RefChange("heads/main", None, b"1"), RefChange(name, None, b"1")])

        assert [] == list(store.refs.iter_refs())

    def test_the_longest_name_is_kept(self, store: Store) -> None:
        """A name of the greatest length is a name."""
        name = "é" * (REF_NAME_BYTES // 2)
        store.refs.update([RefChange(name, None, b"1")])

        assert b"1" == store.refs.get(name)

    def test_operations_are_numbered_from_one(self, store: Store) -> None:
        """The log has every operation once, without gaps, from either end; a lost swap takes no number."""
        n_ops, value = 30, None
        for i in range(n_ops):
            after = str(i).encode()
            store.refs.update([RefChange("heads/main", value, after)], op=Operation(i, "ada", f"command {i}"))
            with pytest.raises(RefConflictError):
                store.refs.update([RefChange("heads/main", b"stale", b"x")], op=OP)
            value = after

        oldest_first = [(number, op.time_us) for number, op in store.refs.iter_ops(newest_first=False)]
        assert [(i + 1, i) for i in range(n_ops)] == oldest_first
        assert oldest_first[::-1] == [(number, op.time_us) for number, op in store.refs.iter_ops()]

    def test_one_thread_wins_each_swap(self, store: Store) -> None:
        """Of threads that move a ref from the same value exactly one wins, every time."""
        store.refs.update([RefChange("counter", None, b"0")])
        threads = [threading.Thread(target=_count_up, args=(store, i)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        self._check_counted(store, n_writers=4)

    def test_one_process_wins_each_swap(self, store: Store, place: Path) -> None:
        """Of processes that move a ref from the same value exactly one wins, every time."""
        opener = _sharing(type(self))
        store.refs.update([RefChange("counter", None, b"0")])
        spawn = multiprocessing.get_context("spawn")
        processes = [spawn.Process(target=_count_up_at, args=(opener, place, i)) for i in range(2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()

        assert [0, 0] == [process.exitcode for process in processes]
        self._check_counted(store, n_writers=2)

    def _check_counted(self, store: Store, *, n_writers: int) -> None:
        n_moves = n_writers * _ROUNDS
        assert str(n_moves).encode() == store.refs.get("counter")
        moves = [op.refs for _, op in store.refs.iter_ops(newest_first=False)]
        assert [(("counter", b"%d" % i, b"%d" % (i + 1)),) for i in range(n_moves)] == moves
        assert n_moves == len(list(store.objects.iter_oids()))

    def test_a_child_of_a_fork_reads_and_writes(self, store: Store) -> None:
        """A forked child uses the store it inherited, and its parent sees what it wrote and goes on."""
        _sharing(type(self))
        oid, frame, data = make_object("a")
        store.objects.put_frames([(oid, frame)])

        def child() -> None:
            assert data == bytes(store.objects.get(oid))
            store.refs.update([RefChange("heads/child", None, oid)])

        assert 0 == _forked(child)
        assert oid == store.refs.get("heads/child")
        store.refs.update([RefChange("heads/child", oid, b"parent")])
        assert data == bytes(store.objects.get(oid))

    def test_refs_and_log_are_there_after_reopening(self, store: Store, place: Path) -> None:
        """What `update` returned from is durable: refs, objects and log."""
        oid, frame, data = make_object("a")
        store.refs.update([RefChange("heads/main", None, oid)], objects=[(oid, frame)], op=OP)

        again = self.reopened(store, place)

        assert oid == again.refs.get("heads/main")
        assert data == bytes(again.objects.get(oid))
        assert [(1, (("heads/main", None, oid),))] == [(number, op.refs) for number, op in again.refs.iter_ops()]
        again.close()

    def test_closing_twice_is_fine(self, store: Store) -> None:
        """A store can be closed again."""
        store.close()
        store.close()


def _sharing(suite: type[StoreSuite]) -> Opener:
    if suite.opener is None:
        pytest.skip("is not shared between processes")
    return suite.opener


def _count_up(store: Store, writer: int) -> None:
    """Add one to the ref `counter`, time and again, until that worked `_ROUNDS` times."""
    for turn in range(_ROUNDS):
        oid, frame, _ = make_object(f"{writer} {turn}")
        while True:
            value = store.refs.get("counter") or b"0"
            try:
                change = RefChange("counter", value, b"%d" % (int(value) + 1))
                store.refs.update([change], objects=[(oid, frame)], op=OP)
            except RefConflictError:
                continue
            break


def _count_up_at(opener: Opener, place: Path, writer: int) -> None:
    store = opener(place)
    _count_up(store, writer)
    store.close()


def _forked(body: Callable[[], None]) -> int:
    """Return the exit code of a forked child that runs `body`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on: of forks while threads run
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            body()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
