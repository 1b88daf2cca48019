"""What came out otherwise is kept, newest first, in bounded room, and is no operation."""

from itertools import count

import pyarrow as pa
import pytest

from dsvc.objects.oid import ZERO, Oid
from dsvc.repo.divergences import (
    MAX_DIVERGENCES,
    MAX_ROWS,
    Divergence,
    DivergentRow,
    find_current,
    note_divergence,
    read_divergences,
)
from dsvc.repo.refs import DIVERGENCES
from dsvc.store.base import RefChange

TRANSFORM, OTHER = Oid(b"t" * 32), Oid(b"o" * 32)


@pytest.fixture
def note(repo):
    """Notes a divergence, each later than the one before."""
    times = count(1)

    def note(transform=TRANSFORM, rows=()):
        told = Divergence(next(times), "reproduce", "step", "s", len(rows), ZERO, Oid(b"f" * 32), rows)
        note_divergence(repo, transform, told)
        return told

    return note


def test_divergences_are_read_newest_first(repo, note):
    """Whatever transform they are of."""
    told = [note(), note(OTHER), note()]

    assert told[::-1] == read_divergences(repo.store.refs)


def test_the_log_is_bounded(repo, note):
    """Divergences of a transform, their records, and the texts of values."""
    row = DivergentRow("s3://b/1", "x" * 1000, None)
    for _ in range(MAX_DIVERGENCES + 2):
        note(rows=(row,) * 9)
    found = read_divergences(repo.store.refs)

    assert MAX_DIVERGENCES == len(found)
    assert MAX_DIVERGENCES + 2 == found[0].time_us
    assert [MAX_ROWS, 200, None] == [len(found[0].rows), len(found[0].rows[0].kept), found[0].rows[0].found]
    assert 9 == found[0].records


def test_noting_is_no_operation(repo, note):
    """The operation log says nothing of it, so nothing of it is taken back."""
    before = list(repo.operations())
    note()

    assert before == list(repo.operations())


def test_a_log_of_another_version_is_passed_over(repo, note):
    """Nothing depends on the log."""
    repo.store.refs.update([RefChange(DIVERGENCES + OTHER.hex(), None, b"\x01")])

    assert [note()] == read_divergences(repo.store.refs)


def test_only_what_a_version_holds_is_current(repo):
    """The newest of each; of what is not there, what is noted is history, unless nothing is what was kept."""
    repo.put("s", pa.table({"source": ["a"], "s": [1]}), producer="w")
    view = repo.view("@draft")
    held = [Divergence(at, "run --check", "step", "s", 1, view.get_signal("s").value_id, ZERO) for at in (9, 8)]
    other = Divergence(7, "run --check", "step", "s", 1, Oid(b"x" * 32), ZERO)
    absent = Divergence(6, "run --check", "dataset", "d", 1, ZERO, Oid(b"x" * 32))

    assert [held[0], absent] == find_current(view, [*held, other, absent])
