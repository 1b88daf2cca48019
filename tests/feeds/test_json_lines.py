import io
import math

import pytest

from dsvc.feeds import json_lines
from dsvc.feeds.json_lines import read_json_lines


def read(text):
    """Return the documents of a file."""
    return [document for batch in read_json_lines(io.BytesIO(text)) for document in batch]


def test_each_line_is_a_document():
    """Blank lines are passed over; the last line needs no end."""
    assert [{"a": 1}, {"a": 2}, {"a": 3}] == read(b'{"a": 1}\n\n{"a": 2}\r\n   \n{"a": 3}')


def test_numbers_are_what_they_are_written_as():
    """2 is an integer and 2.0 is not; integers have no limit."""
    (document,) = read(b'{"i": 2, "d": 2.0, "e": 2e3, "big": 123456789012345678901234567890}')

    assert {"i": int, "d": float, "e": float, "big": int} == {name: type(value) for name, value in document.items()}
    assert 123456789012345678901234567890 == document["big"]


def test_what_python_writes_beyond_json_is_read():
    """NaN, Infinity and lone surrogates, as json.dumps gives them, and a byte order mark."""
    documents = read(b'\xef\xbb\xbf{"a": NaN}\n{"a": -Infinity, "b": "\\ud800"}\n')

    assert math.isnan(documents[0]["a"])
    assert {"a": -math.inf, "b": "\ud800"} == documents[1]


@pytest.mark.parametrize(
    "text, message",
    [
        pytest.param(b'{"a": 1}\n{"a": \n', r"line 2: Expecting value", id="broken"),
        pytest.param(b'{"a": 1}\n\n[1]\n', r"line 3: expected an object, found list", id="no object"),
        pytest.param(b'{"a": 1e999}\n', r"line 1: the number 1e999 is too large", id="too large"),
        pytest.param(b'{"a": "\xff"}\n', r"line 1: 'utf-8' codec", id="no UTF-8"),
    ],
)
def test_a_bad_line_is_named(text, message):
    """With what is wrong with it."""
    with pytest.raises(ValueError, match=message):
        read(text)


def test_lines_are_counted_over_blocks(monkeypatch):
    """A file is read in blocks; lines that lie across two are whole, and the number of a bad one is right."""
    monkeypatch.setattr(json_lines, "BLOCK_BYTES", 7)
    lines = [b'{"a": %d}' % i for i in range(50)]

    assert [{"a": i} for i in range(50)] == read(b"\n".join(lines) + b"\n")
    lines[40] = b"{"
    with pytest.raises(ValueError, match="line 41: "):
        read(b"\n".join(lines))
