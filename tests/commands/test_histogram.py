"""Counts as bars of text."""

import click
import pytest

from dsvc.commands._histogram import bar, label, point, profile_lines, profile_objects, share
from dsvc.engine.looking.bins import Histogram
from dsvc.engine.looking.profile import ClassCount, ColumnProfile, Profile


def lines_of(profile):
    """Return what a terminal without colours gets."""
    return [click.unstyle(line) for line in profile_lines(profile)]


@pytest.mark.parametrize(
    ("n", "most", "expected"), [(0, 9, ""), (9, 9, "█" * 30), (1, 1000, "▏"), (1, 2, "█" * 15), (1, 8, "███▊")]
)
def test_a_bar_is_as_long_as_its_count(n, most, expected):
    """To an eighth of a character; a count above 0 is never nothing."""
    assert expected == bar(n, most)


def test_shares_and_labels():
    """In percent; an empty text is seen."""
    assert ("33.3%", "-") == (share(1, 3), share(0, 0))
    assert ("true", "3", "''") == (label(True), label(3), label(""))


def test_times_are_shown_as_times():
    """In UTC; one that no calendar has as a number."""
    times = Histogram("time", 0.0, 1.0, (1,), 0.0, 0.0, 0.0)

    assert "1970-01-01T00:01:00Z" == point(60.0, times)
    assert "1e+20 s" == point(1e20, times)


def test_texts_show_the_most_frequent():
    """And how many others there are."""
    classes = tuple(ClassCount(f"v{n:02}", 20 - n, (20 - n,)) for n in range(12))
    column = ColumnProfile("label", "string", 3, classes, 12, None)
    lines = lines_of(Profile(200, (), (column,)))

    assert "label  string, 12 different values, 3 nulls (1.5%)" == lines[2]
    assert "  2 other values: 19 rows" == lines[-1]
    assert 14 == len(lines)


def test_too_many_values_are_said():
    """Of a column of names."""
    column = ColumnProfile("name", "string", 0, None, None, None)

    assert "  too many different values to count" == lines_of(Profile(9, (), (column,)))[-1]


def test_what_is_not_finite_is_said():
    """Beside the bins of the rest."""
    column = ColumnProfile("x", "double", 0, None, None, Histogram("value", 0.0, 0.5, (1, 1), 0.0, 0.7, 0.35), 2)

    assert [
        "x  double",
        "  0 to 0.7, mean 0.35",
        "  2 values not finite",
        "  0    1  25.0%  ██████████████████████████████",
        "  0.5  1  25.0%  ██████████████████████████████",
    ] == lines_of(Profile(4, (), (column,)))[2:]


def test_a_long_type_is_cut():
    """A title is one line; programs get all of it."""
    column = ColumnProfile("boxes", "list<struct<x: float64, y: float64, w: float64>>", 0, None, None, None)
    profile = Profile(9, (), (column,))

    assert "boxes  list<struct<x: float64, y: float64, w..." == lines_of(profile)[2]
    assert column.type == list(profile_objects(profile))[1]["column_type"]
