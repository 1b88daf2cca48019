"""Rows of what differs between two versions."""

from dsvc.commands._changes import change_rows, dataset_change_object, mark, recipe_rows, signal_change_object
from dsvc.commands._render import table
from dsvc.repo.changes import DatasetChange, SignalChange


def test_change_is_one_row():
    """Sign, kind, name, counts before and after, and what the sign means."""
    rows = change_rows(
        [SignalChange("a", "=", 3, 3)], [DatasetChange("d", "~", 1200, None), DatasetChange("e", "+", None, None)]
    )

    assert [
        "=  signal   a  3 records        only provenance changed",
        "~  dataset  d  1,200 -> ? rows  selection or columns changed",
        "+  dataset  e  ? -> ? rows      new",
    ] == list(table((row[0].text, *row[1:]) for row in rows))


def test_signs_have_colours():
    """What is new is green, what is gone is red; an unknown sign is plain."""
    assert ["green", "red", None] == [mark(op).fg for op in "+-?"]


def test_recipe_file_is_one_row():
    """Sign and path."""
    assert [("~", "dsvc.toml")] == [(row[0].text, row[1]) for row in recipe_rows([("~", "dsvc.toml")])]


def test_changes_for_programs():
    """Counts stay numbers."""
    assert {"type": "signal-change", "name": "a", "op": "~", "before": 1, "after": 2} == signal_change_object(
        SignalChange("a", "~", 1, 2)
    )
    assert {"type": "dataset-change", "name": "d", "op": "-", "before": None, "after": 0} == dataset_change_object(
        DatasetChange("d", "-", None, 0)
    )
