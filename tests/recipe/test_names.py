"""Names that a recipe may give."""

import pytest

from dsvc.recipe.duck import shared_parser
from dsvc.recipe.names import NAME_RULE, SQL_WORDS, refuse_signal_name


@pytest.mark.parametrize("name", ["a", "face_detection", "q3", "a" * 63])
def test_a_good_name(name):
    """A letter, then letters, digits and _, at most 63 in all."""
    assert refuse_signal_name(name) is None


@pytest.mark.parametrize("name", ["", "A", "3q", "_x", "a-b", "a.b", "ä", "a" * 64, "a\n"])
def test_a_bad_name(name):
    """Anything else is refused with the rule."""
    assert NAME_RULE == refuse_signal_name(name)


@pytest.mark.parametrize("name", ["content", "pixels", "order", "select", "left", "current_date"])
def test_a_name_that_means_something_else(name):
    """Built-in names, and words that SQL reads as its own where a signal could stand."""
    assert refuse_signal_name(name).startswith("another name: ")


def test_every_other_word_can_be_a_signal():
    """Whatever word of the engine's is not refused reads as a name, alone, with a field, and in a call."""
    parser = shared_parser()
    query = "SELECT keyword_name FROM duckdb_keywords()"
    words = [row[0] for row in parser._connection.execute(query).fetchall()]
    wrong = []
    for word in words:
        statements = parser.parse(f"SELECT {word}, {word}.f, len({word}), {word} > 1, [{word}.x for b in {word}]")
        classes = isinstance(statements, list) and [item["class"] for item in statements[0]["node"]["select_list"]] == [
            "COLUMN_REF",
            "COLUMN_REF",
            "FUNCTION",
            "COMPARISON",
            "FUNCTION",
        ]
        if not classes and word not in SQL_WORDS:
            wrong.append(word)

    assert len(words) > 400
    assert [] == wrong
