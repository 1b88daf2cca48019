"""`dsvc run --check`, `--no-trace` and `--accept-code`, and what a run says of changed code."""

from pathlib import Path

import pytest

RECIPE = """
[step.twice]
sql = "SELECT 2 * x AS twice"

[step.random]
python = "steps:count"
inputs = ["twice"]
version = "1"

[dataset.some]
where = "random > 1"
columns = { x = "x" }
"""
CODE = """
from pathlib import Path

STATE = Path({state!r})

def count(x) -> int:
    number = int(STATE.read_text()) + 1 if STATE.exists() else 1
    STATE.write_text(str(number))
    return number
"""
OTHER = "def count(x) -> int:\n    return 5\n"


@pytest.fixture(name="study")
def make_study(repo, tmp_path):
    """A repository with a step that gives another value each time it is called; nothing is made."""
    repo.put("x", {"s3://f/1": 1, "s3://f/2": 2})
    Path("dsvc.toml").write_text(RECIPE)
    Path("steps.py").write_text(CODE.format(state=str(tmp_path / "count")))
    return repo


def statuses(done):
    """What was made again, and how it came out."""
    return [(item["name"], item["status"]) for item in done if item["type"].startswith("reproduced-")]


def test_check_makes_everything_again(study):
    """Also where the run itself had nothing to do. What differs is told and stays, with status 4."""
    first = study("run", "--check", expect=4)
    stored = study.json("read", "@draft")
    second = study.json("run", "--check", expect=4)

    assert "      s3://f/1  1 -> 3" in first.lines
    assert [("twice", "equal"), ("random", "differs"), ("some", "equal")] == statuses(second)
    assert stored == study.json("read", "@draft")
    assert 2 == len(study.json("reproduce", "--log"))


def test_check_of_what_is_named(study):
    """Nothing else is made again."""
    study("run")

    assert [("twice", "equal")] == statuses(study.json("run", "twice", "--check"))


def test_no_trace_makes_again_what_was_not_current(study):
    """Also records that an earlier result answered: that one stays."""
    study("run")
    nothing = study.json("run", "--no-trace")
    study.put("x", {"s3://f/2": 7})
    study("run")
    study.put("x", {"s3://f/2": 2})
    done = study.json("run", "--no-trace", expect=4)

    assert [] == statuses(nothing)
    assert [("random", "taken", 0)] == [
        (item["name"], item["status"], item["ran"]) for item in done if item.get("name") == "random" and "ran" in item
    ][:1]
    assert ("random", "differs") in statuses(done)
    assert [1, 2] == [item["random"] for item in study.json("read", "@draft")]


def test_changed_code_is_told_once(study):
    """On stderr; nothing runs for it, and nothing is refused."""
    study("run")
    Path("steps.py").write_text(OTHER)
    first, second = study("run"), study("run")

    assert ["Everything is current"] == first.lines
    assert "Warning: the code of step random changed, its version 1 did not: raise the version" in first.err
    assert "dsvc run --accept-code" in first.err
    assert "changed" not in second.err


def test_changed_code_for_programs(study):
    """An object of its own."""
    study("run")
    Path("steps.py").write_text(OTHER)

    assert [("changed-code", "random", "steps:count", "1")] == [
        (item["type"], item["step"], item["code"], item["version"])
        for item in study.json("run")
        if item["type"] == "changed-code"
    ]


def test_changed_code_can_be_accepted(study):
    """From then on the version stands for it."""
    study("run")
    Path("steps.py").write_text(OTHER)

    accepted = study("run", "--accept-code")
    again = study("run", "--accept-code")

    assert "Version 1 of step random stands for its code as it is now" in accepted.lines
    assert ["Everything is current"] == again.lines


def test_plan_and_status_tell_changed_code_until_it_is_accepted(study):
    """Also after a run has told it."""
    study("run")
    Path("steps.py").write_text(OTHER)
    study("run")
    told = study("plan").err, study("status").lines
    study("run", "--accept-code")
    after = study("plan").err, study("status").lines

    assert "Warning: the code of step random changed" in told[0]
    assert "  random  steps:count  version 1" in told[1]
    assert ("code" in after[0], [line for line in after[1] if "code" in line]) == (False, [])


def test_status_tells_what_came_out_otherwise(study):
    """As long as that result is there."""
    study("run", "--check", expect=4)
    told = study("status").lines
    objects = [item for item in study.json("status") if item["type"] == "divergent"]
    Path("dsvc.toml").write_text(RECIPE.replace('"1"', '"2"'))
    study("run")

    assert "  step  random  2 records" in told
    assert [{"type": "divergent", "what": "step", "name": "random", "records": 2}] == objects
    assert [] == [line for line in study("status").lines if "otherwise" in line]
