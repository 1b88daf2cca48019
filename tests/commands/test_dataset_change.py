"""How the change of a dataset is told."""

import pytest

from dsvc.commands._dataset_change import cause_text
from dsvc.engine.looking.movement import Reason


@pytest.mark.parametrize(
    ("reason", "move", "expected"),
    [
        (Reason("where", "x > 1", "false"), "left", "`x > 1` is false"),
        (Reason("where", "x > 1", "false"), "entered", "`x > 1` was false"),
        (Reason("where", "x > 1", "no value", "x", "failed"), "left", "`x > 1` has no value: x failed"),
        (Reason("where", "x > 1", "no value", "", "null"), "entered", "`x > 1` had no value: null"),
        (Reason("source"), "entered", "a new source"),
        (Reason("source"), "left", "the source is gone"),
        (Reason("dataset"), "entered", "a new dataset"),
        (Reason("dataset"), "left", "the dataset is gone"),
        (Reason("part", "train -> test"), "moved", "train -> test"),
        (Reason("limit"), "left", "beyond what the sample keeps"),
        (Reason("take", "final", "", "x", "contested"), "left", "x is contested, which is not taken"),
        (Reason("split", "people"), "left", "split people"),
        (Reason("stale"), "left", "the dataset was not run after its recipe was edited"),
    ],
)
def test_a_cause_is_told_in_words(reason, move, expected):
    """Of the version where the source is not in the dataset."""
    assert expected == cause_text(reason, move)
