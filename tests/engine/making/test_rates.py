"""What a record takes is remembered, and leaves no other trace."""

from __future__ import annotations

import pytest

from dsvc.engine.making.rates import note_rate, read_rate
from dsvc.objects.oid import Oid
from dsvc.repo.refs import RATES
from dsvc.store.base import RefChange
from tests.engine.world import make_repository

TRANSFORM = Oid(b"t" * 32)


@pytest.fixture(name="repo")
def make_repo(tmp_path):
    """An empty repository."""
    return make_repository(tmp_path / "faces")


def test_nothing_is_known_of_what_never_ran(repo):
    """Nor of what ran for no record."""
    note_rate(repo, TRANSFORM, 0, 1.0)

    assert None is read_rate(repo, TRANSFORM)


def test_a_rate_is_seconds_per_record(repo):
    """Of one transform; others are not known by it."""
    note_rate(repo, TRANSFORM, 100, 5.0)

    assert 0.05 == read_rate(repo, TRANSFORM)
    assert None is read_rate(repo, Oid(b"u" * 32))


def test_newer_measurements_count_more(repo):
    """Older ones count half each time, so that a faster machine or model shows after a few runs."""
    note_rate(repo, TRANSFORM, 100, 100.0)
    note_rate(repo, TRANSFORM, 100, 10.0)

    assert 60 / 150 == read_rate(repo, TRANSFORM)


def test_few_records_say_little(repo):
    """A record or two after many thousands move nothing, and write nothing."""
    note_rate(repo, TRANSFORM, 100_000, 100.0)
    note_rate(repo, TRANSFORM, 1, 3.0)

    assert 0.001 == read_rate(repo, TRANSFORM)


def test_a_rate_is_no_operation(repo):
    """Nothing of it can be undone, and no version knows it."""
    before = repo.view("@draft"), len(list(repo.operations()))
    note_rate(repo, TRANSFORM, 100, 5.0)

    assert before[1] == len(list(repo.operations()))
    assert before[0].root_id == repo.view("@draft").root_id


def test_what_cannot_be_read_is_not_known(repo):
    """A rate of another version of dsvc stops nobody, and is replaced."""
    repo.store.refs.update([RefChange(RATES + TRANSFORM.hex(), None, b"\xc1")])

    assert None is read_rate(repo, TRANSFORM)
    note_rate(repo, TRANSFORM, 10, 5.0)
    assert 0.5 == read_rate(repo, TRANSFORM)
