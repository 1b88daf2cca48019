"""The lab of turns sees what is broken."""

import pytest

from dsvc.testing.annotation_lab import AnnotationLab, CrashError


def test_a_lost_answer_is_seen():
    """One that the platform took, and that is neither there nor in the ledger."""
    lab = AnnotationLab()
    lab.want(1)
    lab.turn()
    lab.answer("ada")
    assert [] == lab.broken_promises()
    assert 1 == len([line for line in lab.broken_promises(is_quiet=True) if "not taken in" in line])
    lab.server.tasks.clear()
    assert 1 == len(lab.broken_promises())


def test_an_old_copy_and_one_for_nobody_are_seen():
    """Where a whole turn should have removed them."""
    lab = AnnotationLab()
    lab.want(1)
    lab.turn()
    assert [] == lab.broken_promises(is_quiet=True)
    [record] = lab.ops.scan("requests")
    lab.ops.delete("requests", record.id, record.version)
    assert ["for no open ask"] == [line[-15:] for line in lab.broken_promises(is_quiet=True)]


def test_a_crash_comes_at_the_write_that_was_said():
    """And only once."""
    lab = AnnotationLab()
    lab.ops.crash_in = 1
    assert lab.ops.insert("costs", "a", {})
    with pytest.raises(CrashError):
        lab.ops.insert("costs", "b", {})
    assert lab.ops.insert("costs", "c", {})
    assert ["a", "c"] == [record.id for record in lab.ops.scan("costs")]
