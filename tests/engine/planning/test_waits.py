"""Tests of the asks that a waiting tree names."""

import math
from collections import Counter

import pytest

from dsvc.engine.planning.waits import asks_named, count_asks, new_asks
from dsvc.objects.keys import Keys
from dsvc.objects.oid import ZERO
from tests.engine.office import live


def named(office):
    """Return source -> the asks that it waits for, one by one."""
    return {source: told["asks"] for source, (_, told) in office.waits("kind").items()}


@pytest.mark.parametrize("seed", range(3))
def test_asks_are_counted_and_told_apart_as_one_by_one(tmp_path, seed):
    """Whatever people are asked, and however often."""
    before, known, n_new = ZERO, {}, 0
    for office in live(tmp_path / "faces", seed):
        reader, waiting = office.repo.store.objects, office.view.waiting.get("kind", ZERO)
        details = [told for _, told in office.waits("kind").values()]
        modes = Counter(told["mode"] for told in details for _ in told["asks"])
        people = sum(
            math.ceil(told["people"] / len(told["asks"])) * len(told["asks"]) for told in details if told["asks"]
        )
        assert (modes, people) == count_asks(reader, waiting)

        now = named(office)
        there = {ask for asks in known.values() for ask in asks}
        new = {ask: source for source, asks in now.items() for ask in asks if ask not in there}
        assert new == new_asks(reader, before, waiting)
        some = sorted(now)[::2]
        expected = {ask for source in some for ask in now[source]}
        assert expected == asks_named(reader, waiting, Keys.of_bytes([source.encode() for source in [*some, "z"]]))
        before, known, n_new = waiting, now, n_new + len(new)
    assert n_new > 10


def test_where_nobody_waits_nothing_is_asked(tmp_path):
    """The zero id stands for it."""
    office = next(live(tmp_path / "faces", 0))
    reader = office.repo.store.objects
    assert (Counter(), 0) == count_asks(reader, ZERO)
    assert set() == asks_named(reader, ZERO, Keys.of_bytes([b"s01"]))
