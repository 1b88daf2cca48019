"""How work is cut into calls."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from dsvc.engine.executors.local import TARGET_S, Slices


def lengths(seconds_per_row: float, n_rows: int, *, first: int = 100, most: int = 1000) -> list[int]:
    """The rows of each call, where a row takes so long."""
    now = 0.0
    slices = Slices(SimpleNamespace(first_rows=first, most_rows=most), lambda: now)
    made = []
    stood = 0
    for start, stop in slices.cut(n_rows):
        assert stood == start
        stood = stop
        made.append(stop - start)
        now += (stop - start) * seconds_per_row
    assert n_rows == stood
    return made


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0, [100, 800, 1000, 1000]), (TARGET_S / 100, [100] * 29), (TARGET_S / 50, [100, *[50] * 56])],
    ids=["quick", "right", "slow"],
)
def test_calls_grow_and_shrink_to_the_time_they_should_take(seconds, expected):
    """Calls begin at the step's own size, at most grow eightfold and never beyond what the step takes."""
    assert expected == lengths(seconds, sum(expected))


def test_a_call_has_at_least_one_row():
    """However slow a row is, each call has one, and no work makes no call."""
    assert [100, 1, 1, 1] == lengths(1e9, 103)
    assert [] == lengths(1.0, 0)
