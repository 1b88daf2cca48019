"""Plain, aligned text."""

import click
import pytest

from dsvc.commands._render import Styled, change, count, emit, plain, print_error, short, table
from dsvc.errors import NotARepositoryError, UserError


def test_table_aligns_text_left_and_numbers_right():
    """Columns are two spaces apart, integers have thousands separators, lines have no trailing space."""
    assert ["quality      3  ok", "boxes    1,200"] == list(table([("quality", 3, "ok"), ("boxes", 1200, "")]))


def test_table_names_its_columns_only_when_it_has_rows():
    """A header over nothing is noise."""
    assert [] == list(table([], header=["signal"]))
    assert ["signal", "quality"] == [click.unstyle(line) for line in table([("quality",)], header=["signal"])]


def test_colour_does_not_move_columns():
    """A coloured cell is as wide as its text."""
    lines = list(table([(Styled("+", "green"), "a"), (Styled("--", "red"), "b")]))

    assert ["+   a", "--  b"] == [click.unstyle(line) for line in lines]


def test_nothing_stands_behind_a_coloured_cell():
    """Also where it is the last of its line, and shorter than others."""
    lines = list(table([("a", Styled("longer", "green")), ("b", Styled("short", "green"))]))

    assert ["a  longer", "b  short"] == [click.unstyle(line) for line in lines]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("\x1b[2J", "\\x1b[2J", id="escape-sequence"),
        pytest.param("a\nb\0", "a\\x0ab\\x00", id="line-break-and-nul"),
        pytest.param("\u202egpj", "\\u202egpj", id="text-direction"),
        pytest.param("größe", "größe", id="letters-stay"),
    ],
)
def test_text_from_outside_cannot_write_to_the_terminal(text, expected):
    """Control characters are shown, not sent."""
    assert expected == plain(text)


def test_table_escapes_its_cells():
    """A pointer with an escape sequence is harmless in a table too."""
    assert ["\\x1b[31m  \\x07"] == list(table([("\x1b[31m", Styled("\x07"))]))


def test_counts_read_as_sentences():
    """One record, two records, nothing before."""
    assert ["1 record", "12,345 records", "0 queries"] == [
        count(1, "record"),
        count(12345, "record"),
        count(0, "query", "queries"),
    ]
    assert ["? -> 1,200", "3", "? -> ?"] == [change(None, 1200), change(3, 3), change(None, None)]


def test_ids_are_short():
    """Twelve digits of an id, whichever form it has."""
    assert ["000000000000", "0123456789ab", "-"] == [short(bytes(32)), short("0123456789abcdef" * 4), short(None)]


def test_emit_makes_only_the_form_that_is_asked_for(capsys):
    """The other form's generator is never started."""

    def never():
        pytest.fail("this form was not asked for")
        yield

    emit(as_json=True, objects=[{"type": "x"}], lines=never())
    emit(as_json=False, objects=never(), lines=["text"])

    assert ('{"type":"x"}\ntext\n', "") == capsys.readouterr()


def test_error_is_told_with_cause_and_hint(capsys):
    """What failed, what was behind it, what to type next; all on stderr."""
    error = UserError(message="cannot read x", hint="try y")
    error.__cause__ = OSError("disk \x1b[1m gone")

    print_error(error)

    expected = "Error: cannot read x\nCaused by: OSError: disk \\x1b[1m gone\nHint: try y\n"
    assert ("", expected) == capsys.readouterr()


def test_error_without_cause_has_no_cause_line(capsys, tmp_path):
    """Nothing is printed for what is not there."""
    print_error(NotARepositoryError(path=tmp_path))

    assert ["Error:", "Hint:"] == [line.split()[0] for line in capsys.readouterr().err.splitlines()]


def test_empty_cells_leave_numbers_to_the_right():
    """A column of numbers with holes is one of numbers; a column of nothing else is text."""
    assert ["a  1,000", "b", "c      2"] == list(table([("a", 1000, ""), ("b", "", ""), ("c", 2, "")]))
