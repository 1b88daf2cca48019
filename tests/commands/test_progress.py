"""A progress bar when it helps, and silence otherwise."""

import io
import subprocess
import sys
import time

import pytest

from dsvc.commands import _progress
from dsvc.commands._progress import Progress, pace


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(name="terminal")
def make_terminal(monkeypatch):
    """Makes stderr a terminal, when called; a bar appears on it at once."""
    monkeypatch.setattr(_progress, "SILENCE_S", 0.01)
    monkeypatch.setenv("TERM", "xterm")

    def make():
        # Not before the test runs: pytest's own capture would take its place.
        monkeypatch.setattr(sys, "stderr", Terminal())
        return sys.stderr

    return make


def test_long_work_shows_a_bar(terminal):
    """The bar names what is done and how far it is."""
    stream = terminal()
    with Progress("Reading") as progress:
        progress("rows", 10, 40)
        time.sleep(0.5)
        progress("rows", 20, 40)
        time.sleep(0.2)

    assert "rows" in stream.getvalue()
    assert "20/40" in stream.getvalue()


def test_work_that_reports_nothing_shows_a_bar(terminal):
    """Silence for a second is what the bar is for."""
    stream = terminal()
    with Progress("Reading"):
        time.sleep(0.5)

    assert "Reading" in stream.getvalue()


def test_short_work_shows_nothing(terminal, monkeypatch):
    """What is done within the second prints nothing."""
    monkeypatch.setattr(_progress, "SILENCE_S", 5)
    stream = terminal()
    with Progress("Reading") as progress:
        progress("rows", 1, 1)

    assert "" == stream.getvalue()


def test_no_terminal_no_bar(monkeypatch, capsys):
    """Logs of a nightly run hold no bars."""
    monkeypatch.setattr(_progress, "SILENCE_S", 0.01)
    with Progress("Reading") as progress:
        time.sleep(0.1)
        progress("rows", 1, 2)

    assert ("", "") == capsys.readouterr()


def test_bar_is_loaded_only_when_shown():
    """Short work does not pay for the bar's library."""
    program = (
        "import sys\nfrom dsvc.commands._progress import Progress\n"
        "with Progress('x') as p:\n    p('rows', 1)\nsys.exit('rich' in sys.modules)"
    )

    assert 0 == subprocess.run([sys.executable, "-c", program], check=False).returncode


def test_a_bar_tells_how_fast_and_how_long(terminal):
    """Once two reports tell a rate."""
    stream = terminal()
    with Progress("Running") as progress:
        for done in (1000, 2000, 3000, 4000):
            progress("blur", done, 400_000)
            time.sleep(0.2)

    assert "/s" in stream.getvalue()
    assert " left" in stream.getvalue()


@pytest.mark.parametrize(
    ("speed", "left_s", "expected"),
    [
        (None, None, ""),
        (12345.6, None, "12,346/s"),
        (12345.6, 61.7, "12,346/s, 1:02 left"),
        (2.5, 7322, "2.5/s, 2:02:02 left"),
        (0.02, 59, "1.2/min, 0:59 left"),
    ],
)
def test_pace_is_short(speed, left_s, expected):
    """Slow work is told by the minute."""
    assert expected == pace(speed, left_s)
