"""Clones that share an op store."""

from pathlib import Path

import pytest

from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.annotation.turns.clones import SILENT_US, Clones, clone_name

NOW = 1_772_409_600_000_000


@pytest.fixture
def ops():
    """Return an op store that two clones share."""
    return MemoryOpStore()


def test_a_clone_is_a_directory(tmp_path):
    """The same however it is spelt, and no other."""
    (tmp_path / "a").mkdir()

    assert clone_name(tmp_path / "a") == clone_name(tmp_path / "a" / ".." / "a")
    assert clone_name(tmp_path / "a") != clone_name(tmp_path)
    assert clone_name(Path("/never/there")) == clone_name(Path("/never/there"))


def test_a_branch_of_another_clone_is_not_gone(ops):
    """Though this one has none of that name; its own branches are gone once they are not there."""
    ours, theirs = Clones(ops, "ours", lambda: NOW), Clones(ops, "theirs", lambda: NOW)
    theirs.note_pass(NOW)
    theirs_too = theirs.subscriber("main")

    assert not ours.is_gone(theirs_too, ["main"])
    assert not ours.is_gone(theirs.subscriber("exp"), ["main"])
    assert not ours.is_gone(ours.subscriber("main"), ["main"])
    assert ours.is_gone(ours.subscriber("exp"), ["main"])


def test_a_clone_that_is_silent_is_gone(ops):
    """After a fortnight, and one that was never seen at once."""
    now = [NOW]
    ours, theirs = (Clones(ops, name, lambda: now[0]) for name in ("ours", "theirs"))
    theirs.note_pass(NOW)
    now[0] += SILENT_US
    before = ours.is_gone(theirs.subscriber("main"), ["main"])
    now[0] += 1

    assert (False, True) == (before, ours.is_gone(theirs.subscriber("main"), ["main"]))
    assert ours.is_gone("nobody:main", ["main"])


def test_alone_subscribers_are_branches(ops):
    """And nothing is written of clones."""
    alone = Clones(ops, "", lambda: NOW)
    alone.note_pass(NOW)

    assert "main" == alone.subscriber("main")
    assert not alone.is_gone("main", ["main"])
    assert alone.is_gone("exp", ["main"])
    assert NOW == alone.known_until()


def test_what_all_have_seen_is_what_the_slowest_has(ops):
    """Those that are gone hold nothing up."""
    for clone, at in (("a", NOW - 5), ("b", NOW - 50), ("gone", NOW - SILENT_US - 1)):
        Clones(ops, clone, lambda: NOW).note_pass(at)

    assert NOW - 50 == Clones(ops, "a", lambda: NOW).known_until()
