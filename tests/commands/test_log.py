"""`dsvc log`."""

from datetime import UTC, datetime

import pytest

from dsvc.commands.log import _graph
from dsvc.repo.history import CommitInfo


def subjects(objects):
    """Return the messages of commit objects."""
    return [item["message"] for item in objects]


def test_log_lists_newest_first(scores):
    """Each commit is a block with id, author, time, root and message."""
    result = scores("log")

    assert ["    second scores", "    first scores"] == [line for line in result.lines if line.startswith("    ")]
    assert 2 == sum(line.startswith("commit ") for line in result.lines)
    assert "Author: Ada <ada@example.org>" in result.lines


def test_log_oneline_has_short_ids_and_refs(scores):
    """One line a commit: twelve digits, refs, subject."""
    first, second = scores("log", "--oneline").lines

    assert first.endswith("(HEAD, main) second scores")
    assert 12 == len(second.split()[0])


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        pytest.param("HEAD~1", ["first scores"], id="step"),
        pytest.param("HEAD~1..HEAD", ["second scores"], id="range"),
        pytest.param("main", ["second scores", "first scores"], id="branch"),
    ],
)
def test_log_takes_revisions_and_ranges(revision, expected, scores):
    """As in git."""
    assert expected == subjects(scores.json("log", revision))


def test_log_takes_short_ids(scores):
    """What is printed can be typed."""
    short_id = scores("log", "--oneline", "HEAD~1").out.split()[0]

    assert ["first scores"] == subjects(scores.json("log", short_id))


def test_log_stops_at_the_limit(scores):
    """`-n 1` is one commit, `-n 0` none."""
    assert ["second scores"] == subjects(scores.json("log", "-n1"))
    assert [] == scores.json("log", "-n", "0")


def test_log_of_an_unknown_revision_names_the_nearest(scores):
    """The hint holds a name there is."""
    assert "main" in scores("log", "mian", expect=1).err


def test_commit_object_has_its_fields(scores):
    """Fields are only ever added."""
    assert {
        "type",
        "id",
        "root",
        "parents",
        "author",
        "time",
        "message",
        "generation",
        "recipe",
        "state",
        "notes",
        "refs",
    } <= set(scores.json("log", "-n1")[0])


def test_message_cannot_write_to_the_terminal(scores):
    """Escape sequences in a message are shown."""
    scores("commit", "--allow-empty", "-m", "evil \x1b[2J")

    assert "\x1b" not in scores("log").out


def graph(*commits):
    """Return the lines of a graph; a commit is its name and the names of its parents."""
    rest = {"root": "", "author": "", "time": datetime(2026, 1, 1, tzinfo=UTC), "message": "", "generation": 1}
    rest |= {"recipe": None, "state": None, "notes": {}}
    infos = [CommitInfo(id=name, parents=tuple(parents), **rest) for name, *parents in commits]
    return list(_graph(infos, iter([[info.id] for info in infos])))


def test_graph_of_a_line():
    """One lane."""
    assert ["*  c", "*  b", "*  a"] == graph("cb", "ba", "a")


def test_graph_of_a_merge():
    """The second parent gets a lane until it meets the first one's line."""
    assert ["*  m", "* |  b", "| *  c", "*  a"] == graph("mbc", "ba", "ca", "a")


def test_graph_of_two_heads():
    """A commit that nothing in sight follows from opens a lane."""
    assert ["*  c", "| *  b", "*  a"] == graph("ca", "ba", "a")


def test_log_graph_draws_blocks(scores):
    """The lines of a block stand right of its lane."""
    lines = scores("log", "--graph").lines

    assert lines[0].startswith("*  commit ")
    assert lines[1].startswith("|  Author:")
