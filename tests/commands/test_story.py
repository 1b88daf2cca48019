"""The story of one source, as it is shown."""

from pathlib import Path

import pytest

from tests.commands.test_plan import edit


def test_a_story_tells_each_record(made):
    """What a record holds, what it was made from, and where; then the datasets."""
    assert [
        "s3://f/1",
        "step is_good  stays as it is",
        "  from quality  4 by quality 1.0",
        "  holds  true by sql 0",
        "  made   in the draft of main",
        "dataset good  selects it",
    ] == made("plan", "--explain", "s3://f/1").lines


def test_a_story_of_a_changed_input(made):
    """From what to what, by which version."""
    made("commit", "-m", "first")
    Path("documents/b.jsonl").write_text('{"uri": "s3://f/1", "class": 5, "version": "1.1"}\n')
    made("ingest")

    assert [
        "s3://f/1",
        "step is_good  is made again: changed quality (version 1.0 -> 1.1)",
        "  from quality  5 by quality 1.1, was 4 by quality 1.0",
        "  holds  true by sql 0",
        "dataset good  selects it; to be seen when is_good is made",
    ] == made("plan", "--explain", "s3://f/1").lines


def test_a_story_of_a_held_document(made):
    """Why an input is missing."""
    lines = made("plan", "--explain", "s3://f/3").lines

    assert lines[1].startswith("step is_good  cannot exist: no record of quality: held")
    assert "  from quality  no record" in lines
    assert "dataset good  does not select it" == lines[-1]


def test_a_trace_is_named_on_demand(made):
    """With `-v`, and the commit that made it."""
    made("commit", "-m", "first")
    (line,) = [line for line in made("plan", "--explain", "s3://f/1", "-v").lines if "made" in line]

    assert "first (HEAD, main) (trace " in line


def test_a_changed_step(made):
    """What of it changed."""
    made("commit", "-m", "first")
    edit("quality >= 3", "quality >= 4")

    assert "step is_good  is made again: changed transform: sql" in made("plan", "--explain", "s3://f/2").lines


def test_a_story_for_programs(made):
    """One object a step and dataset."""
    step, data = made.json("plan", "--explain", "s3://f/1")

    assert ("step-story", "s3://f/1", "is_good", "current") == tuple(
        step[key] for key in ("type", "source", "name", "verdict")
    )
    assert [
        {
            "path": "quality",
            "now": {"value": 4, "producer": "quality 1.0"},
            "before": {"value": 4, "producer": "quality 1.0"},
            "has_changed": False,
            "missing": None,
        }
    ] == step["inputs"]
    assert {"value": True, "producer": "sql 0"} == step["record"]
    assert ("dataset-story", "good", True) == (data["type"], data["name"], data["is_selected"])


def test_an_unknown_source_is_refused_with_the_nearest(made):
    """On stderr."""
    assert "the nearest: s3://f/" in made("plan", "--explain", "s3://f/9", expect=1).err


@pytest.mark.parametrize("words", [["--rows"], ["--arrow", "x"]])
def test_one_thing_at_a_time(made, words):
    """Records or a story."""
    made("plan", "--explain", "s3://f/1", *words, expect=2)


def test_one_step(made):
    """And no dataset."""
    assert 5 == len(made("plan", "--explain", "s3://f/1", "--step", "is_good").lines)


def test_a_record_that_failed(faces):
    """Why, said once, and where it was tried."""
    Path("steps.py").write_text("def inverse(quality) -> float:\n    return 1 / (quality - 4)\n")
    with Path("dsvc.toml").open("a") as recipe:
        recipe.write('[step.inverse]\npython = "steps:inverse"\ninputs = ["quality"]\n')
    faces("ingest")
    faces("run", expect=3)

    assert [
        "s3://f/1",
        "step inverse  failed with these inputs: ZeroDivisionError: division by zero",
        "  from quality  4 by quality 1.0",
        "  holds  no record",
        "  tried  in the draft of main",
    ] == faces("plan", "--explain", "s3://f/1", "--step", "inverse").lines
