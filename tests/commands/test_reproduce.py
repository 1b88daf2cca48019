"""`dsvc reproduce`."""

from pathlib import Path

import pytest

RECIPE = """
[step.twice]
python = "steps:double"
inputs = ["x"]

[step.random]
python = "steps:count"
inputs = ["twice"]

[dataset.some]
where = "twice > 2"
columns = { x = "x" }
"""
CODE = """
from pathlib import Path

STATE = Path({state!r})

def count(x) -> int:
    number = int(STATE.read_text()) + 1 if STATE.exists() else 1
    STATE.write_text(str(number))
    return number

def double(x) -> int:
    return 2 * x
"""


@pytest.fixture(name="study")
def make_study(repo, tmp_path):
    """A repository with a step that gives another value each time, committed and tagged."""
    repo.put("x", {"s3://f/1": 1, "s3://f/2": 2})
    Path("dsvc.toml").write_text(RECIPE)
    Path("steps.py").write_text(CODE.format(state=str(tmp_path / "count")))
    repo("run")
    repo("commit", "-m", "made")
    repo("tag", "some@1")
    return repo


def test_what_is_deterministic_is_equal(study):
    """A tag of a dataset means that dataset; the exit status is 0."""
    assert [
        "step     twice  equal  2 records",
        "dataset  some   equal  2 sources",
        "Equal",
    ] == study("reproduce", "some@1").lines


def test_the_whole_version_by_its_root(repo):
    """What is equal in all parts has the same root."""
    repo.put("x", {"s3://f/1": 1})
    Path("dsvc.toml").write_text('[step.y]\nsql = "SELECT x + 1 AS y"\n')
    repo("run")
    repo("commit", "-m", "made")
    (shown,) = (item for item in repo.json("show") if item["type"] == "commit")

    *_, last = repo("reproduce").lines

    assert f"Equal: root {shown['root'][:12]}" == last


def test_what_differs_is_named(study):
    """Status 4; the values stay, and the next command is told."""
    done = study("reproduce", "--rows", "1", expect=4)

    assert [
        "step     twice   equal    2 records",
        "      s3://f/1  1 -> 3",
        "      and 1 more",
        "dataset  some    equal    2 sources",
        "The first that differs is step random",
    ] == [line for line in done.lines if "value" not in line and not line.startswith("root")]
    assert "dsvc reproduce --log" in done.err


def test_divergences_are_listed(study):
    """Newest first, by whatever found them."""
    study("reproduce", expect=4)
    study("reproduce", "HEAD", expect=4)

    newest, oldest = study.json("reproduce", "--log")
    lines = study("reproduce", "--log").lines

    assert [("5", "3")] == [(newest["rows"][0]["found"], oldest["rows"][0]["found"])]
    assert ("reproduce", "step", "random", 2) == tuple(newest[key] for key in ("command", "what", "name", "records"))
    assert "    s3://f/1  1 -> 5" == lines[1]


def test_for_programs(study):
    """One object for the version, one a part, one a record."""
    version, twice, random, record, *_ = study.json("reproduce", "--rows", "1", expect=4)

    assert (False, "random") == (version["is_equal"], version["first"])
    assert version["root"] != version["made_root"]
    assert ("equal", "differs") == (twice["status"], random["status"])
    assert ("s3://f/1", "~", 1, 3) == tuple(record[key] for key in ("source", "op", "kept", "made"))


def test_what_cannot_be_derived_has_a_status_of_its_own(study):
    """18, and a hint; so that a missing plugin is no divergence."""
    for name in ("dsvc.toml", "steps.py"):
        Path(name).unlink()
    study("commit", "--as-is", "-m", "no recipe")

    done = study("reproduce", expect=18)

    assert "HEAD cannot be reproduced: it was committed without a recipe" in done.err
    assert "Hint:" in done.err


def test_what_was_committed_stale_is_not_compared(study):
    """The rest is; the status says that something was left out."""
    study.put("x", {"s3://f/2": 5})
    study("commit", "--as-is", "-m", "stale")

    done = study("reproduce", "HEAD", "some", expect=18)

    assert "step     twice  stale  its inputs have changed since it was made" in done.lines
    assert "What could be derived is equal" == done.lines[-1]
