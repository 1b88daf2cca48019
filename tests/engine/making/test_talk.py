"""What cannot be printed is lost, and nothing else is."""

import io
import os

from dsvc.engine.making.talk import Talk


def test_what_can_be_printed_is():
    """By the stream it stands for."""
    stream = io.StringIO()
    print("told", file=Talk(stream), flush=True)

    assert "told\n" == stream.getvalue()


def test_a_reader_that_has_gone_is_no_error():
    """Nor is it when more is printed than a buffer holds."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as raw:
        talk = Talk(io.TextIOWrapper(raw, write_through=True))
        for _ in range(3):
            print("x" * 10_000, file=talk, flush=True)
        assert 3 == talk.write("yes")
        talk.detach()


def test_a_letter_that_is_lacking_is_no_error():
    """What came before it and after it is printed."""
    raw = io.BytesIO()
    talk = Talk(io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    for text in ("a", "ä", "b"):
        talk.write(text)

    assert b"ab" == raw.getvalue()
