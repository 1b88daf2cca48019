"""The contract of op stores, as a test class to inherit from.

    class TestMyOpStore(OpStoreTests):
        def open_opstore(self, place: str) -> OpStore:
            return MyOpStore(place, INDEXES)

A store that several processes can open gives `opener`, a picklable function of the place; one that keeps nothing when
closed sets `survives_close = False`. `make_place` says where a new and empty one goes.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsvc.annotation.opstores.base import OpStore, Write, iter_scan, starting_with, update, update_many
from dsvc.annotation.opstores.memory import MemoryOpStore

INDEXES: Final[Mapping[str, tuple[str, ...]]] = {"things": ("name", "size"), "others": ()}
Opener = Callable[[str], OpStore]
_N_WORKERS = 3
_ROUNDS = 40
_NAMES = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=3)
_KEYS: Final = ("a", "aa", "b", "ü")
_STEPS = st.tuples(
    st.sampled_from(["insert", "swap", "delete", "scan", "many"]),
    st.sampled_from(_KEYS),
    st.one_of(st.none(), _NAMES),
    st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
)


class OpStoreTests:
    """What every op store does."""

    survives_close: ClassVar[bool] = True
    """Whether a store opened again at its place has what it had."""
    opener: Opener | None = None
    """Opens the store of a place, for stores that several processes can share; must be picklable."""

    def open_opstore(self, place: str) -> OpStore:
        """Return the op store of a place with the indexes `INDEXES`, made there if there is none."""
        if self.opener is None:
            raise NotImplementedError
        return self.opener(place)

    @pytest.fixture
    def place(self, tmp_path: Path) -> str:
        """Where the store is."""
        return str(tmp_path / "ops")

    @pytest.fixture
    def store(self, place: str) -> Iterator[OpStore]:
        """An open and empty store."""
        opened = self.open_opstore(place)
        yield opened
        opened.close()

    def test_the_first_of_an_id_is_kept(self, store: OpStore) -> None:
        """A second insert of an id changes nothing and says so."""
        assert store.get("things", "a") is None
        assert store.insert("things", "a", {"name": "one"})
        assert not store.insert("things", "a", {"name": "two"})
        assert ("a", 1, {"name": "one"}) == store.get("things", "a")

    def test_values_come_back_as_they_were(self, store: OpStore) -> None:
        """Plain values, nested, of every kind."""
        doc = {"i": -(2**62), "s": "ü", "f": 0.5, "n": None, "l": [1, "a", [None]], "d": {"k": {"x": True}}, "": 1}
        doc.pop("")
        store.insert("things", "a", doc)

        found = store.get("things", "a")
        assert found is not None
        assert doc == found.doc

    def test_a_swap_wants_the_version(self, store: OpStore) -> None:
        """Of two who read the same version, the first changes it and the second is told."""
        store.insert("things", "a", {"name": "one"})

        assert store.swap("things", "a", 1, {"name": "two"})
        assert not store.swap("things", "a", 1, {"name": "three"})
        assert not store.swap("things", "b", 1, {"name": "four"})
        assert ("a", 2, {"name": "two"}) == store.get("things", "a")

    def test_a_delete_wants_the_version(self, store: OpStore) -> None:
        """What changed meanwhile stays; what is gone is gone once."""
        store.insert("things", "a", {})
        store.swap("things", "a", 1, {"name": "two"})

        assert not store.delete("things", "a", 1)
        assert store.delete("things", "a", 2)
        assert not store.delete("things", "a", 2)
        assert store.get("things", "a") is None
        assert [] == store.scan("things", "name")

    def test_spaces_are_apart(self, store: OpStore) -> None:
        """One id in two spaces is two documents."""
        store.insert("things", "a", {"name": "x"})
        store.insert("others", "a", {"name": "y"})

        assert ["x"] == [found.doc["name"] for found in store.scan("things")]
        assert ["y"] == [found.doc["name"] for found in store.scan("others")]

    def test_a_scan_is_ordered_by_field_and_id(self, store: OpStore) -> None:
        """Equal values by id; documents without the field, or with None, are left out; the range is half open."""
        for key, size in (("c", 5), ("a", 5), ("b", -7), ("d", 2**40), ("e", 0), ("f", None)):
            store.insert("things", key, {"size": size})
        store.insert("things", "g", {})

        assert ["b", "e", "a", "c", "d"] == [found.id for found in store.scan("things", "size")]
        assert ["e", "a", "c"] == [found.id for found in store.scan("things", "size", 0, 2**40)]
        assert ["a", "b", "c", "d", "e", "f", "g"] == [found.id for found in store.scan("things")]

    def test_text_is_ordered_by_its_characters(self, store: OpStore) -> None:
        """And a prefix of another comes before it, whatever the ids are."""
        for key, name in (("1", "ab"), ("2", "a"), ("3", "é"), ("4", "a!"), ("5", "b"), ("6", "")):
            store.insert("things", key, {"name": name})

        assert ["6", "2", "4", "1", "5", "3"] == [found.id for found in store.scan("things", "name")]
        assert ["2", "4", "1"] == [found.id for found in store.scan("things", "name", *starting_with("a"))]

    def test_a_scan_goes_on_where_it_stopped(self, store: OpStore) -> None:
        """A limit and the last (value, id) give every document once."""
        for number in range(20):
            store.insert("things", f"{number:02}", {"size": number // 7})

        seen: list[str] = []
        page = store.scan("things", "size", limit=6)
        while page:
            seen += [found.id for found in page]
            page = store.scan("things", "size", after=(page[-1].doc["size"], page[-1].id), limit=6)
        assert [f"{number:02}" for number in range(20)] == seen
        assert seen == [found.id for found in iter_scan(store, "things", "size")]

    def test_a_swap_moves_a_document_in_scans(self, store: OpStore) -> None:
        """It is found by what it holds now, and not by what it held."""
        store.insert("things", "a", {"name": "x", "size": 1})
        store.swap("things", "a", 1, {"name": "y"})

        assert [] == store.scan("things", "name", "x", "y")
        assert ["a"] == [found.id for found in store.scan("things", "name", "y")]
        assert [] == store.scan("things", "size")

    def test_what_was_not_declared_is_no_scan(self, store: OpStore) -> None:
        """A scan without an index would be a slow one that nobody sees."""
        with pytest.raises(ValueError, match="declared"):
            store.scan("things", "colour")
        with pytest.raises(ValueError, match="declared"):
            store.insert("unknown", "a", {})

    def test_a_document_given_away_is_a_copy(self, store: OpStore) -> None:
        """Changing what was handed in changes nothing in the store."""
        doc: dict[str, Any] = {"name": "x"}
        store.insert("things", "a", doc)
        doc["name"] = "y"

        assert ("a", 1, {"name": "x"}) == store.get("things", "a")

    def test_an_update_sees_what_is_there(self, store: OpStore) -> None:
        """It makes, changes, leaves alone and removes."""
        assert {"n": 1} == update(store, "others", "a", lambda doc: {"n": (doc or {"n": 0})["n"] + 1})
        assert {"n": 2} == update(store, "others", "a", lambda doc: {"n": (doc or {"n": 0})["n"] + 1})
        assert {"n": 2} == update(store, "others", "a", lambda doc: doc)
        assert update(store, "others", "a", lambda _: None) is None
        assert update(store, "others", "a", lambda _: None) is None
        assert [] == store.scan("others")

    def test_many_are_written_each_as_if_it_were_alone(self, store: OpStore) -> None:
        """What is not as it was to be stays as it is, and holds no other up."""
        store.insert("things", "a", {"size": 1})
        store.insert("things", "b", {"size": 2})
        writes = [Write("a", 0, {}), Write("b", 1, {"size": 5}), Write("c", 0, {"size": 3}), Write("d", 1, None)]

        assert [False, True, True, False] == store.write_many("things", writes)
        assert [("a", 1), ("c", 3), ("b", 5)] == [
            (found.id, found.doc["size"]) for found in store.scan("things", "size")
        ]
        assert {"a": 1, "b": 2} == {key: found.version for key, found in store.get_many("things", "axb").items()}
        assert [True] == store.write_many("things", [Write("b", 2, None)])
        assert ["a", "c"] == [found.id for found in store.scan("things")]
        assert [] == store.write_many("things", [])

    def test_many_updates_are_as_one_by_one(self, store: OpStore) -> None:
        """It makes, changes, leaves alone and removes, whoever comes first; an id that comes twice is one document."""

        def change(key: str, doc: dict[str, Any] | None) -> dict[str, Any] | None:
            if key == "late" and doc is None:
                store.insert("others", "late", {"n": 7})  # somebody else is faster
            return None if key == "gone" else doc if key == "left" else {"n": (doc or {"n": 0})["n"] + 1}

        for key in ("gone", "left"):
            store.insert("others", key, {"n": 1})
        keys = ["gone", "left", "new", "late", "new"]
        assert [None, {"n": 1}, {"n": 1}, {"n": 8}, {"n": 1}] == update_many(store, "others", keys, change)
        assert {"late": 8, "left": 1, "new": 1} == {found.id: found.doc["n"] for found in store.scan("others")}

    def test_what_was_kept_is_there_after_closing(self, place: str) -> None:
        """Documents, versions and order."""
        if not self.survives_close:
            pytest.skip("it lives as long as it is open")
        store = self.open_opstore(place)
        store.insert("things", "a", {"size": 1})
        store.swap("things", "a", 1, {"size": 3})
        store.insert("things", "b", {"size": 2})
        store.close()

        again = self.open_opstore(place)
        assert [("b", 1, {"size": 2}), ("a", 2, {"size": 3})] == again.scan("things", "size")
        again.close()

    def test_threads_lose_nothing(self, store: OpStore) -> None:
        """Of many who count in one document, every count is in the end."""

        def count() -> None:
            for _ in range(_ROUNDS):
                update(store, "others", "n", lambda doc: {"n": (doc or {"n": 0})["n"] + 1})

        threads = [threading.Thread(target=count) for _ in range(_N_WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ("n", _N_WORKERS * _ROUNDS, {"n": _N_WORKERS * _ROUNDS}) == store.get("others", "n")

    def test_processes_lose_nothing(self, place: str) -> None:
        """One wins each insert, and no swap is lost, whoever else is at work."""
        if self.opener is None:
            pytest.skip("it is one process's own")
        context = multiprocessing.get_context("spawn")
        with context.Pool(_N_WORKERS) as pool:
            won = pool.starmap(_race, [(self.opener, place)] * _N_WORKERS)
        store = self.open_opstore(place)
        found = store.get("others", "n")
        ids = [record.id for record in iter_scan(store, "things")]
        store.close()

        assert found is not None
        assert _N_WORKERS * _ROUNDS == found.doc["n"]
        assert [f"{number:03}" for number in range(_ROUNDS)] == ids
        assert _ROUNDS == sum(won)

    @settings(
        max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
    )
    @given(st.lists(_STEPS, max_size=25))
    def test_it_does_as_memory_does(self, store: OpStore, steps: list[tuple[str, str, Any, Any]]) -> None:
        """Whatever is done to it, it answers as the plainest store would."""
        for found in store.scan("things"):
            store.delete("things", found.id, found.version)
        model = MemoryOpStore(INDEXES)
        for verb, key, name, size in steps:
            there = model.get("things", key)
            version = 1 if there is None else there.version
            answers = [_do(each, verb, key, version, name, size) for each in (model, store)]
            assert answers[0] == answers[1]
            for field in ("id", "name", "size"):
                assert model.scan("things", field) == store.scan("things", field)


def _do(store: OpStore, verb: str, key: str, version: int, name: str | None, size: int | None) -> Any:
    if verb == "insert":
        return store.insert("things", key, {"name": name, "size": size})
    if verb == "swap":
        return store.swap("things", key, version, {"name": name, "size": size})
    if verb == "delete":
        return store.delete("things", key, version)
    if verb == "many":
        # Some are to be there and are not, or the other way round; one is removed.
        doc = {"name": name, "size": size}
        writes = [Write(each, version if each == key else 0, doc) for each in _KEYS]
        return store.write_many("things", [*writes, Write("c", 1, None)]), store.get_many("things", [*_KEYS, "c"])
    low = size if name is None else name
    return store.scan("things", "size" if name is None else "name", low, limit=2)


def _race(opener: Opener, place: str) -> int:
    """Return how many inserts of this process came first."""
    store = opener(place)
    won = 0
    for number in range(_ROUNDS):
        won += store.insert("things", f"{number:03}", {"size": number})
        update(store, "others", "n", lambda doc: {"n": (doc or {"n": 0})["n"] + 1})
    store.close()
    return won
