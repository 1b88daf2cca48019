"""A limit is shared by all steps of a run."""

from dsvc.engine.making.limit import Limit


def test_a_limit_runs_out():
    """What was taken is gone, for whoever asks next."""
    limit = Limit(5)

    assert [3, 2, 0] == [limit.take(3), limit.take(4), limit.take(1)]
    assert 0 == limit.left


def test_no_limit_gives_everything():
    """Whatever is wanted."""
    assert 10**9 == Limit().take(10**9)
