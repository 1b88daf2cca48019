"""Declared options: what they accept, what is wrong with a set of them, and defaults."""

import pytest

from dsvc.plugins.options import Option, Problem, fill_options, iter_problems

DECLARED = {
    "path": Option(str, "where"),
    "format": Option(str, "how", "jsonl", ("jsonl", "parquet")),
    "rate": Option(float, "how fast", 1.0),
    "limit": Option(int, "how many", None),
    "follow": Option(bool, "go on", default=False),
    "names": Option(list, "which", ()),
    "extra": Option(dict, "what else", None),
}


@pytest.mark.parametrize(
    "key,good,bad",
    [
        ("path", ["x", ""], [1, None, ["x"]]),
        ("format", ["jsonl"], ["csv", 1]),
        ("rate", [1, 1.5], [True, "1"]),
        ("limit", [1], [1.5, True]),
        ("follow", [True, False], [1, "yes"]),
        ("names", [[]], ["x", {}]),
        ("extra", [{}], [[], "x"]),
    ],
)
def test_an_option_accepts_its_kind(key, good, bad):
    """A bool is no number, an integer is a number, and choices are all there is."""
    assert [] == [value for value in good if not DECLARED[key].accepts(value)]
    assert [] == [value for value in bad if DECLARED[key].accepts(value)]


def test_a_kind_is_one_of_six():
    """Whatever else would never be found in a recipe."""
    with pytest.raises(TypeError, match="an option is one of str, int, float, bool, list, dict"):
        Option(set, "what")


def test_what_is_wrong_is_said_in_order():
    """Unknown keys with the nearest, misfits with what was expected, and what is missing."""
    problems = list(iter_problems(DECLARED, {"formt": "jsonl", "format": "parqet", "rate": "fast"}))

    assert [
        Problem(
            "formt",
            "one of the keys it knows (extra, follow, format, limit, names, path, rate)",
            "'formt'",
            "format",
        ),
        Problem("format", "one of 'jsonl', 'parquet'", "'parqet'", "parquet"),
        Problem("rate", "a number", "'fast'"),
        Problem("path", "a text (where)", "nothing"),
    ] == problems
    assert [] == list(iter_problems(DECLARED, {"path": "x"}))
    assert "one of the keys it knows (none)" == next(iter_problems({}, {"x": 1})).expected


def test_defaults_are_filled_in():
    """Sorted by key; an integer for a number becomes a float, so that 1 and 1.0 are one setting."""
    filled = fill_options(DECLARED, {"path": "x", "rate": 2})

    assert sorted(filled) == list(filled)
    assert {"path": "x", "format": "jsonl", "rate": 2.0, "limit": None} == {
        key: filled[key] for key in ("path", "format", "rate", "limit")
    }
    assert isinstance(filled["rate"], float)
