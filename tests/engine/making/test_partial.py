"""What interrupted runs leave: one trace each, until it is all made."""

from __future__ import annotations

import pytest

from dsvc.engine.making.binding import partial_ref
from dsvc.engine.making.partial import PartialTraces
from dsvc.objects.oid import ZERO, Oid
from dsvc.objects.trace import Trace, TraceInput
from dsvc.repo.workspace import MAX_TRACES
from tests.engine.world import make_repository

TRANSFORM = Oid(b"t" * 32)


def trace(inputs, made=0):
    """Return a trace; of what it names nothing is looked at here."""
    value_id = Oid(bytes([inputs]) * 32)
    return Trace(TRANSFORM, (TraceInput(f"x{made}" if made else "x", value_id, ZERO),), ZERO)


@pytest.fixture(name="repo")
def make_repo(tmp_path):
    """An empty repository."""
    return make_repository(tmp_path / "faces")


@pytest.fixture(name="begin")
def make_begin(repo):
    """Begins a run."""
    return lambda: PartialTraces(repo, TRANSFORM)


@pytest.fixture(name="writer")
def make_writer(repo):
    """Takes objects."""
    with repo.new_writer() as writer:
        yield writer


def kept(repo):
    """Return the traces that are kept, newest first."""
    return [found for _, found in repo.traces(partial_ref(TRANSFORM))]


def test_a_run_keeps_one_trace(repo, begin, writer):
    """The newest, which has all that those before had; other runs' stay."""
    begin().keep(writer, trace(1))
    run = begin()
    run.keep(writer, trace(2))
    run.keep(writer, trace(3))

    assert [trace(3), trace(1)] == kept(repo)


def test_a_finished_run_lets_go_of_what_it_has_made(repo, begin, writer):
    """Its own, and those that were of the same inputs; those of others may be wanted on another branch."""
    begin().keep(writer, trace(1))
    begin().keep(writer, trace(2))
    run = begin()
    run.keep(writer, trace(3, made=1))
    run.drop(writer, trace(2))

    assert [trace(1)] == kept(repo)
    begin().drop(writer, trace(1))
    assert [] == kept(repo)


def test_keeping_is_no_operation(repo, begin, writer):
    """There is nothing in it to take back."""
    before = len(list(repo.operations()))
    begin().keep(writer, trace(1))

    assert before == len(list(repo.operations()))


def test_old_traces_go(repo, begin, writer):
    """As many stay as of any transform."""
    for number in range(MAX_TRACES + 3):
        begin().keep(writer, trace(number))

    assert [trace(number) for number in range(MAX_TRACES + 2, 2, -1)] == kept(repo)


def test_a_lost_race_is_run_again(repo, begin, writer, monkeypatch):
    """What another run keeps meanwhile stays beside ours."""
    original = writer.update
    raced = []

    def update(changes, op=None):
        if not raced:
            raced.append(1)
            with repo.new_writer() as other:
                begin().keep(other, trace(7))
        original(changes, op)

    monkeypatch.setattr(writer, "update", update)
    begin().keep(writer, trace(1))

    assert [trace(1), trace(7)] == kept(repo)
