"""The front desk in a repository: options before the command, the environment, completion, pipes."""

import subprocess
import sys
from pathlib import Path

import pytest

from dsvc.cli import main


def test_reader_that_goes_away_ends_the_command_quietly(repo):
    """`dsvc ... | head -1` exits 141 and prints no traceback."""
    repo.put("n", {f"s3://f/{number:06}": number for number in range(5000)})
    command = f'"{sys.executable}" -m dsvc read @draft --json | true; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)

    assert ("141", "") == (done.stdout.strip(), done.stderr)


def test_closed_streams_are_no_bug(repo):
    """A command whose stdout and stderr were closed before it began does what it does."""
    done = subprocess.run(["bash", "-c", f'"{sys.executable}" -m dsvc status >&- 2>&-'], check=False)

    assert 0 == done.returncode


def test_directory_option_runs_elsewhere(shell, tmp_path):
    """`-C DIR` runs as if started there."""
    shell("init", "inner")
    shell("-C", "inner", "status")


def test_directory_that_is_not_there_is_wrong_usage(shell):
    """`-C` names the directory it cannot enter."""
    assert "nowhere" in shell("-C", "nowhere", "status", expect=2).err


def test_option_can_stand_in_the_environment(scores, monkeypatch):
    """`DSVC_LOG_LIMIT=1` is `dsvc log --limit 1`."""
    monkeypatch.setenv("DSVC_LOG_LIMIT", "1")

    assert 1 == len(scores.json("log"))


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_shell_completes_words(shell_name, scores, monkeypatch, capsys):
    """Commands and branches are completed."""
    scores("branch", "exp/blur")
    capsys.readouterr()
    monkeypatch.setenv("_DSVC_COMPLETE", f"{shell_name}_complete")
    monkeypatch.setenv("COMP_WORDS", "dsvc switch ex")
    monkeypatch.setenv("COMP_CWORD", "ex" if shell_name == "fish" else "2")

    main([])

    assert "exp/blur" in capsys.readouterr().out


@pytest.mark.parametrize("words", ["plan", "log", "read @draft"])
def test_command_ends_without_a_word_of_its_libraries(words, made):
    """What libraries have to say when a process ends is nothing for a person: every line of stderr is dsvc's own."""
    done = subprocess.run([sys.executable, "-m", "dsvc", *words.split()], capture_output=True, text=True, check=False)

    assert [] == [line for line in done.stderr.splitlines() if not line.startswith(("Hint: ", "Error: "))]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device without room here")
@pytest.mark.parametrize("words", ["show --json", "sql --json 'SELECT 1 AS n'", "sql --csv 'SELECT 1 AS n'", "--help"])
def test_no_room_for_what_is_printed_is_no_bug(scores, words):
    """The full disk is named, and the exit status is that of an error."""
    line = f"{sys.executable} -m dsvc {words} > /dev/full"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)

    assert (1, "Error: cannot print: No space left on device\n") == (done.returncode, done.stderr)
