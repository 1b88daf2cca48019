"""Which groups are others than they were."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.making.dirty import LEFT, Groups, find_dirty
from dsvc.engine.reading.changes import CAME, FAILED, bit_of
from dsvc.engine.reading.inputs import Input, Inputs
from dsvc.objects.oid import ZERO
from dsvc.recipe.paths import InputPath
from tests.engine.signals import new_writer, signal_of, write_signal

X, WHO = InputPath("x"), InputPath("who")


@pytest.fixture
def writer():
    """Where signals are."""
    return new_writer()


def inputs_of(writer, x, who) -> Inputs:
    """Return the inputs of a step of groups."""
    items = []
    for path, records in ((X, x), (WHO, who)):
        oid, signal = write_signal(writer, records)
        items.append(Input(path, is_required=True, signal_id=oid if signal else ZERO, signal=signal))
    return Inputs(writer, items)


def told(groups: Groups) -> dict[bytes, int]:
    """Return group -> bits, the value of a group as its text."""
    return {
        (str(int.from_bytes(oid[2:10], "little")) if oid[:1] == b"v" else oid.decode()): bits
        for oid, bits in zip(groups.ids.to_pylist(), groups.bits.tolist(), strict=True)
    }


def test_only_groups_of_changed_members_are_others(writer):
    """A value, a member that came or left, and one that moved; those that stay are not told."""
    who = {"a": 1, "b": 1, "c": 2, "d": 3, "e": 4, "f": 5, "g": 6}
    before = inputs_of(writer, dict.fromkeys("abcdefg", 0), who)
    now = inputs_of(
        writer, dict.fromkeys("abcefgh", 0) | {"a": 7}, {k: v for k, v in who.items() if k != "d"} | {"f": 4, "h": 9}
    )
    gone = []

    found = told(find_dirty(before, now, WHO, gone=gone.append))

    assert {"1": bit_of(0), "3": LEFT, "4": CAME, "5": LEFT, "9": CAME} == found
    assert [b"d"] == [key for keys in gone for key in keys]


def test_a_source_without_all_inputs_is_of_no_group(writer):
    """Neither before nor now: its changes say nothing."""
    before = inputs_of(writer, {"a": 1}, {"a": 1, "b": 1})
    now = inputs_of(writer, {"a": 1}, {"a": 1, "b": 2, "c": 1})

    assert {} == told(find_dirty(before, now, WHO))


def test_records_without_a_value_are_told_alone(writer):
    """Nothing happens to the others."""
    before = inputs_of(writer, {"a": 1, "b": 1, "c": 1}, {"a": None, "b": None, "c": 3})
    now = inputs_of(writer, {"a": 2, "b": 1, "c": 1}, {"a": None, "b": None, "c": None})

    assert {"sa": bit_of(0), "sc": CAME, "3": LEFT} == told(find_dirty(before, now, WHO))


def test_failed_members_are_told_if_they_are_waited_for(writer):
    """Unless they are gone."""
    inputs = inputs_of(writer, {"a": 1, "b": 1}, {"a": 1, "b": 2})
    waiting = signal_of(writer, {"b": 0, "z": 0})
    gone = []

    assert {"2": FAILED} == told(find_dirty(inputs, inputs, WHO, waiting, gone=gone.append))
    assert [b"z"] == [key for keys in gone for key in keys]


def test_everything_is_one_group_without_a_field(writer):
    """It is another one as soon as anything is."""
    before, now = inputs_of(writer, {"a": 1}, {"a": 1}), inputs_of(writer, {"a": 2}, {"a": 1})

    assert 1 == len(find_dirty(before, now, None))
    assert 0 == len(find_dirty(before, before, None))


def test_only_the_groups_asked_for_are_told(writer):
    """Others are not kept."""
    before = inputs_of(writer, {"a": 1, "b": 1}, {"a": 1, "b": 2})
    now = inputs_of(writer, {"a": 2, "b": 2}, {"a": 1, "b": 2})
    some = find_dirty(before, inputs_of(writer, {"a": 2, "b": 1}, {"a": 1, "b": 2}), WHO)

    assert {"1": bit_of(0)} == told(find_dirty(before, now, WHO, among=some))


VALUES = st.dictionaries(st.sampled_from("abcdefgh"), st.none() | st.integers(0, 2))


@given(VALUES, VALUES, VALUES, VALUES)
def test_against_brute_force(x1, who1, x2, who2):
    """The groups told are those whose members or members' values differ."""
    writer = new_writer()

    def groups(x, who):
        found = {}
        for source in sorted(set(x) & set(who)):
            key = f"s{source}" if who[source] is None else str(who[source])
            found.setdefault(key, {})[source] = x[source]
        return found

    old, new = groups(x1, who1), groups(x2, who2)
    expected = {key for key in {**old, **new} if old.get(key) != new.get(key)}

    assert expected == set(told(find_dirty(inputs_of(writer, x1, who1), inputs_of(writer, x2, who2), WHO)))


def test_groups_are_looked_up():
    """Of records that are in none, too."""
    ids = pa.array([b"x", b"y", b"x"], pa.large_binary())
    groups = Groups.collect([(ids, pa.array([1, 2, 4], pa.uint64()).to_numpy())])

    assert (2, [5, 0, 2]) == (
        len(groups),
        groups.bits_of(pa.array([b"x", b"z", b"y"], pa.large_binary())).tolist(),
    )
    assert [False, True] == groups.hold(pa.array([b"z", b"y"], pa.large_binary())).tolist()
