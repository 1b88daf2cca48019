"""The members of groups, found by one column."""

from __future__ import annotations

import pytest

from dsvc.engine.making import members
from dsvc.engine.making.dirty import Groups
from dsvc.engine.making.group_ids import ids_of
from dsvc.engine.making.members import Members
from dsvc.engine.reading.inputs import Input, Inputs
from dsvc.engine.reading.probe import Probe
from dsvc.objects.tree import Tree
from dsvc.recipe.paths import InputPath
from tests.engine.signals import keys_of, new_writer, write_signal

X, WHO = InputPath("x"), InputPath("who")
NAMES = [f"s{i:03d}" for i in range(300)]


class Counting:
    """A reader that counts the objects that are read."""

    def __init__(self, reader):
        self._reader = reader
        self.oids = set()

    def get(self, oid, kind=None):
        """Return an object."""
        self.oids.add(oid)
        return self._reader.get(oid, kind)

    def get_many(self, oids, kind=None):
        """Return several objects."""
        self.oids.update(oids)
        return self._reader.get_many(oids, kind)


def inputs_of(x, who, reader=None):
    """Return the inputs of a step of groups."""
    writer = new_writer()
    items = [Input(path, True, *write_signal(writer, records)) for path, records in ((X, x), (WHO, who))]
    return Inputs(Counting(writer) if reader else writer, items)


def found(batches):
    """Return the members of each group, and their inputs, by batch."""
    return [
        sorted(
            [(batch.columns.keys[int(row)].decode(), batch.columns.values(X)[int(row)].as_py()) for row in rows]
            for rows in batch.groups
        )
        for batch in batches
    ]


def groups_of(inputs, *sources):
    """Return the groups of some sources."""
    columns = inputs.take(Probe(inputs.reader, keys_of(*sources)))
    ids = ids_of(columns, WHO)
    return Groups.collect([(ids, columns.complete.astype("uint64"))])


def test_all_members_of_the_groups_wanted_are_found():
    """Wherever they stand, in order, with what else the step reads; those without it are no members."""
    inputs = inputs_of({"a": 1, "b": 2, "c": 3, "d": 4}, {"a": 1, "b": 2, "c": 1, "d": 3, "e": 1})

    assert [[[("a", 1), ("c", 3)], [("b", 2)]]] == found(Members(inputs, WHO).batches(groups_of(inputs, "a", "b")))


def test_all_groups_are_found():
    """Records without a value are alone."""
    inputs = inputs_of(dict.fromkeys("abcd", 0), {"a": 1, "b": None, "c": 1, "d": None})

    assert [[[("a", 0), ("c", 0)], [("b", 0)], [("d", 0)]]] == found(Members(inputs, WHO).batches(None))


def test_no_group_has_no_member():
    """Nothing is read then."""
    inputs = inputs_of({"a": 1}, {"a": 1}, reader=Counting)

    assert [] == list(Members(inputs, WHO).batches(Groups.collect([])))
    assert set() == inputs.reader.oids


def test_without_a_field_everything_is_one_group():
    """Of those that have all inputs."""
    inputs = inputs_of({"a": 1, "b": 2, "c": 3}, {"a": 1, "c": None, "d": 1})

    assert [[[("a", 1), ("c", 3)]]] == found(Members(inputs, None).batches(None))


@pytest.mark.parametrize("n_groups", [1, 7, 300])
def test_more_members_than_fit_come_in_batches_of_whole_groups(monkeypatch, n_groups):
    """Each group once; one that is too large alone is a batch all the same."""
    monkeypatch.setattr(members, "MOST_ROWS", 50)
    monkeypatch.setattr(members, "_LEAST_ROWS", 50)
    inputs = inputs_of(dict.fromkeys(NAMES, 0), {name: i % n_groups for i, name in enumerate(NAMES)})

    batches = list(Members(inputs, WHO).batches(None))

    assert n_groups == sum(len(batch.groups) for batch in batches)
    assert sorted(NAMES) == sorted(key.decode() for batch in batches for key in batch.columns.keys)
    assert max(map(len, batches)) <= max(50, 300 // n_groups * 2)
    if n_groups > 1:
        assert 1 < len(batches)


def test_one_column_is_read_and_little_else():
    """The other inputs are read around the members alone."""
    names = [f"s{i:06d}" for i in range(40_000)]
    inputs = inputs_of(
        {name: i for i, name in enumerate(names)}, {name: i // 2 for i, name in enumerate(names)}, reader=Counting
    )
    wanted = groups_of(inputs, "s020000")
    inputs.reader.oids.clear()

    batches = list(Members(inputs, WHO).batches(wanted))
    values = {entry.value for entry in _chunks(inputs, 0)}
    keys_read = {entry.value for entry in _chunks(inputs, 1)} & inputs.reader.oids

    assert [2] == [len(batch) for batch in batches]
    assert len(values) > 10
    assert len(values & inputs.reader.oids) <= 3  # those of the members, and a sample of what rows weigh
    assert len(keys_read) > 10


def _chunks(inputs, position):
    return Tree(inputs.reader, inputs.items[position].signal).nodes().chunks()
