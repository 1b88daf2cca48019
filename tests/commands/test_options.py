"""What enters from outside: who, when, where."""

import os
import subprocess
import sys

import click
import pytest

from dsvc.commands import _options
from dsvc.commands._options import AtMost, clock, find_author, parse_settings
from dsvc.store.writelock import WriteLock


@pytest.fixture(name="nobody")
def clear_author(monkeypatch, tmp_path):
    """An environment in which nothing says who works."""
    monkeypatch.delenv("DSVC_AUTHOR", raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def test_author_is_who_the_environment_says(nobody):
    """`DSVC_AUTHOR` comes before everything else."""
    nobody.setenv("DSVC_AUTHOR", "Ada <ada@example.org>")

    assert "Ada <ada@example.org>" == find_author()


def test_author_is_who_git_says(nobody, tmp_path):
    """Who commits to git commits here, under the same name."""
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Bo\n\temail = bo@example.org\n")

    assert "Bo <bo@example.org>" == find_author()


def test_author_is_the_login_and_never_the_host(nobody):
    """Without any setting the login name is taken; the machine's name stays out of commits."""
    nobody.setenv("LOGNAME", "cy")

    assert "cy" == find_author()


def test_author_may_be_missing(nobody):
    """A process without a login name still works."""

    def fail():
        raise KeyError("uid not found")

    nobody.setattr("getpass.getuser", fail)

    assert find_author() is None


def test_git_need_not_be_installed(nobody):
    """Without git, the login name is taken."""
    nobody.setenv("PATH", "")
    nobody.setenv("LOGNAME", "cy")

    assert "cy" == find_author()


def test_setting_of_the_repository_comes_before_git(repo, monkeypatch, tmp_path):
    """`author` in `.dsvc/config.toml` is who commits there."""
    monkeypatch.delenv("DSVC_AUTHOR")
    (tmp_path / ".dsvc" / "config.toml").write_text('author = "Di"\n')
    repo("commit", "--allow-empty", "-m", "x")

    assert ["Di"] == [item["author"] for item in repo.json("log")]


def test_reading_asks_nobody_who_works(scores, monkeypatch):
    """Commands that write nothing start no git."""
    monkeypatch.setattr(_options, "find_author", lambda: pytest.fail("asked"))

    scores("log")
    scores("status")


def test_waiting_for_another_writer_is_told(scores, tmp_path):
    """Who waits says for whom, and then goes on."""
    lock = WriteLock(tmp_path / ".dsvc" / "store" / "writer")
    with lock.held("dsvc ingest", None):
        waiting = subprocess.Popen([sys.executable, "-m", "dsvc", "branch", "x"], stderr=subprocess.PIPE, text=True)
        line = waiting.stderr.readline()
    waiting.communicate()
    lock.close()

    assert line.startswith(f"Waiting for dsvc ingest (process {os.getpid()}), at work since ")
    assert ["main", "x"] == [branch["name"] for branch in scores.json("branch")]


def test_settings_are_numbers_and_truth_values_where_they_read_so():
    """Everything else is text, `=` signs included."""
    pairs = ("a=1", "b=0.5", "c=true", "d=zstd", "e=x=y")

    assert {"a": 1, "b": 0.5, "c": True, "d": "zstd", "e": "x=y"} == parse_settings(None, None, pairs)


def test_clock_counts_microseconds():
    """Commits are stamped with the time since 1970 in microseconds."""
    assert 1_600_000_000_000_000 < clock() < 10_000_000_000_000_000


def test_a_limit_that_nothing_reaches_is_none():
    """However many digits it has; below the least it is refused."""
    assert [5, sys.maxsize] == [AtMost(min=0).convert(text, None, None) for text in ("5", "9" * 30)]
    with pytest.raises(click.BadParameter):
        AtMost(min=0).convert("-1", None, None)
