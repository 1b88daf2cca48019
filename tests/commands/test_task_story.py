"""How `dsvc blame` tells what people had to do with a record."""

import json
from pathlib import Path

import pytest

from dsvc.commands._task_story import story_lines, story_object
from dsvc.engine.looking.task_blame import InLot, Said, TaskStory

BOX, NEAR = "[[16,16,160,160,null]]", "[[17,16,160,160,null]]"
RECIPE = """
[feed.images]
plugin  = "files"
path    = "documents/*.jsonl"
pointer = "uri"

[signal.model]
from  = "images"
type  = "boxes"
value = "boxes"

[platform.team]
plugin = "files"

[task.faces]
type = "boxes"
of   = "model"
ask  = "true"
"""


def said(**fields):
    """One answer in round 0."""
    usual = {
        "round": 0,
        "mode": "adjust",
        "form": "adjust",
        "annotator": "p-1",
        "outcome": "value",
        "value": BOX,
        "shown": BOX,
        "reasons": (),
        "version": "1",
        "submitted_us": 0,
        "ask": "ab" * 32,
        "counts": True,
    }
    return Said(**{**usual, **fields})


def story(*, judged=BOX, value=BOX, answers=(), lots=(), waits_for=(), standing="final"):
    """What became of one source."""
    return TaskStory("faces", "s3://f/1", standing, 0, judged, True, value, answers, lots, waits_for)


def told(found):
    """Return the lines about rounds and waiting."""
    return list(story_lines(found, "boxes"))[1:]


def test_values_are_told_in_pixels():
    """Not on the grid that they are kept on."""
    (line,) = told(story(answers=(said(),)))
    found = story_object(story(answers=(said(),), lots=(InLot(0, "cd" * 32, "passed", True, BOX),)), "boxes")

    assert '[{"x":1.0,"y":1.0,"w":10.0,"h":10.0,"score":null,"label":null}]' in line
    assert [1.0] * 5 == [
        found["judged"][0]["x"],
        found["value"][0]["x"],
        found["said"][0]["value"][0]["x"],
        found["said"][0]["shown"][0]["x"],
        found["lots"][0]["value"][0]["x"],
    ]


@pytest.mark.parametrize(
    ("answer", "is_covered"),
    [
        pytest.param(said(value=NEAR, shown=NEAR), True, id="confirmed by giving it back"),
        pytest.param(said(outcome="accept", value=None, shown=NEAR), True, id="accepted"),
        pytest.param(said(outcome="reject", value=None, shown=NEAR), False, id="rejected"),
        pytest.param(said(value=BOX, shown=BOX), False, id="the very value"),
        pytest.param(said(value=NEAR, shown=NEAR, counts=False), False, id="left out"),
    ],
)
def test_a_value_that_is_covered_by_one_near_it_says_so(answer, is_covered):
    """Where what was judged is not the value there is now."""
    (line,) = told(story(answers=(answer,)))

    assert is_covered == ("which `same` calls near" in line)


def test_what_was_left_as_it_was_shown_is_confirmed():
    """It is told once; another value beside what was shown."""
    (same,), (other,) = (told(story(answers=(said(value=value),))) for value in (BOX, NEAR))

    assert 1 == same.count("[{")
    assert "confirmed [{" in same
    assert 2 == other.count("[{")
    assert "value [{" in other
    assert ", was shown [{" in other


def test_a_lot_covers_later_values_once_it_has_passed():
    """And says with which value the source was in it."""
    passed, failed = (told(story(lots=(InLot(1, "cd" * 32, state, False, NEAR),))) for state in ("passed", "failed"))

    assert "which `same` calls near" in passed[0]
    assert ["    round 1  lot cdcdcdcdcdcd failed"] == failed


def test_what_it_waits_for_is_told():
    """How many people, to do what, and the ask to look at."""
    found = story(standing=None, value=None, waits_for=(("audit", "ab" * 32, 2),))

    assert ["  people      pending, round 0", "    waits for 2 people to audit it, ask abababababab"] == list(
        story_lines(found, "boxes")
    )
    assert [{"mode": "audit", "ask": "ab" * 32, "people": 2}] == story_object(found, "boxes")["waits_for"]


def test_blame_tells_of_a_record_that_people_have_not_made_yet(shell):
    """Instead of failing, it names the ask; afterwards, who said what."""
    shell("init")
    Path("documents").mkdir()
    box = {"x": 1, "y": 1, "w": 10, "h": 10, "score": 0.5}
    Path("documents/1.jsonl").write_text(json.dumps({"uri": "s3://f/1", "boxes": [box]}) + "\n")
    Path("dsvc.toml").write_text(RECIPE)
    shell("run", "--ingest")
    words = ("blame", "faces", "s3://f/1", "--rev", "@draft")
    lines, (waiting,) = shell(*words).lines, shell.json(*words)
    (ask,) = shell.json("annotate", "asks")
    folder = Path("annotation/faces@1")
    key = json.loads((folder / "asks.jsonl").read_text())["key"]
    (folder / "answers" / "ann.jsonl").write_text(json.dumps({"key": key, "value": [{**box, "x": 3}]}) + "\n")
    shell("annotate", "sync")
    (found,) = shell.json(*words)

    assert "faces  no record yet" == lines[0]
    assert f"waits for 1 person to adjust it, ask {ask['ask_id'][:12]}" in lines[-1]
    assert (None, ask["ask_id"]) == (waiting["value"], waiting["task"]["waits_for"][0]["ask"])
    assert list(waiting) == list(found)
    assert [3.0] == [item["value"][0]["x"] for item in found["task"]["said"]]
    assert "no record for s3://f/2" in shell("blame", "faces", "s3://f/2", "--rev", "@draft", expect=1).err
