"""Long output goes through a pager, on a terminal only."""

import sys

import pytest

from dsvc.cli import main
from dsvc.commands._pager import pager


@pytest.fixture(name="shown")
def make_pager(monkeypatch, tmp_path):
    """A terminal, and a pager that keeps what it shows in a file."""
    script = tmp_path / "pager"
    script.write_text(f'#!/bin/sh\necho "LESS=$LESS" > {tmp_path}/shown\ncat >> {tmp_path}/shown\n')
    script.chmod(0o755)
    monkeypatch.setenv("DSVC_PAGER", str(script))
    monkeypatch.delenv("LESS", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    return tmp_path / "shown"


def test_output_reaches_the_pager(shown):
    """The pager gets every line, and less is told to quit where one screen is enough."""
    with pager() as stream:
        print("größe", file=stream)

    assert "LESS=FRX\ngröße\n" == shown.read_text()


def test_leaving_the_pager_is_no_error(shown, tmp_path):
    """Typing `q` ends the output, not the command with an error."""
    (tmp_path / "pager").write_text("#!/bin/sh\nexit 0\n")
    with pager() as stream:
        for _ in range(100_000):
            print("line", file=stream)

    assert not shown.exists()


@pytest.mark.parametrize("command", ["cat", "", "no-such-pager --fancy"])
def test_no_pager_prints_directly(command, shown, monkeypatch, capsys):
    """`cat`, nothing, and a pager that is not installed mean none."""
    monkeypatch.setenv("DSVC_PAGER", command)
    with pager() as stream:
        print("line", file=stream)

    assert "line\n" == capsys.readouterr().out


def test_no_terminal_no_pager(shown, monkeypatch, capsys):
    """What is piped is not paged."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    with pager() as stream:
        print("line", file=stream)

    assert "line\n" == capsys.readouterr().out
    assert not shown.exists()


@pytest.mark.parametrize(("options", "is_paged"), [([], True), (["--no-pager"], False)])
def test_log_is_paged_unless_told_otherwise(options, is_paged, scores, shown, monkeypatch):
    """`dsvc log` pages on a terminal; `--no-pager` prints."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    main([*options, "log"])

    assert is_paged == shown.exists()
