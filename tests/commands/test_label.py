"""Questions answered at a terminal."""

import io
import json
from pathlib import Path

import pytest

RECIPE = """
[feed.images]
plugin  = "files"
path    = "documents/*.jsonl"
pointer = "uri"

[platform.team]
plugin = "files"

[task.quality]
type = "rating(5)"

[task.points]
type = "keypoints(2)"
"""


@pytest.fixture(name="asked")
def make_asked(shell):
    """Three images, of which two tasks ask."""
    shell("init")
    Path("documents").mkdir()
    Path("documents/1.jsonl").write_text("".join(json.dumps({"uri": f"s3://f/{n}"}) + "\n" for n in range(3)))
    Path("dsvc.toml").write_text(RECIPE)
    shell("run", "--ingest")
    return shell


def written(task, who="ada"):
    """Return the values that a person's file holds, in order, with the number of their question."""
    folder = Path(f"annotation/{task}@1")
    keys = [json.loads(line)["key"] for line in (folder / "asks.jsonl").read_text().splitlines()]
    lines = (folder / "answers" / f"{who}.jsonl").read_text().splitlines()
    return [(keys.index(answer["key"]), answer.get("value")) for answer in map(json.loads, lines)]


@pytest.fixture(name="label")
def make_label(asked, monkeypatch):
    """What is typed at the labeller, and what it says."""

    def label(typed, task="quality", *more, **expected):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return asked("annotate", "label", task, "--as", "ada", *more, **expected)

    return label


def test_going_back_gives_a_second_answer_to_the_question_before(asked, label):
    """Of which the last counts, once it is taken in."""
    result = label("1\nb\n4\n2\nq\n")
    asked("annotate", "sync")
    values = {row["source"]: row["quality"] for row in asked.json("read", "@draft", "--signal", "quality")}

    assert [(0, 1), (0, 4), (1, 2)] == written("quality")
    assert "2 answers written" in result.err
    assert [2, 4] == sorted(values.values())


def test_labelling_is_resumed_behind_what_was_answered(label):
    """Quitting and the end of input keep what was typed; what is none of the choices is asked for again."""
    for typed in ("1\nq\n", "9\n2\n", "\n3\n"):
        label(typed)

    assert [(0, 1), (1, 2), (2, 3)] == written("quality")
    assert "Nothing to label here" in label("").err


def test_a_skip_is_an_answer(label):
    """The question is not asked of the same person again."""
    label("s\nq\n")

    assert [(0, None)] == written("quality")
    assert "[1/2] quality  s3://f/" in label("q\n").out


def test_the_guideline_is_a_question_mark_away(label):
    """As the recipe's file says it."""
    Path("rate.md").write_text("Five is best.\n")
    Path("dsvc.toml").write_text(RECIPE.replace("[task.quality]\n", '[task.quality]\nguideline = "rate.md"\n'))

    assert "Five is best." in label("?\nq\n").out


def test_limit_and_json(label):
    """As many questions as said; stdout is for programs, and talk is not among it."""
    result = label("1\n2\n3\n", "quality", "--limit", "2", "--json")

    assert [("typed-answer", 1), ("typed-answer", 2)] == [(o["type"], o["value"]) for o in result.objects]
    assert "[2/2] quality  s3://f/" in result.err


def test_what_cannot_be_typed_is_refused(label):
    """Points need a picture: the error names where a tool writes them."""
    result = label("", "points", expect=1)

    assert "keypoints(2), which cannot be typed" in result.err
    assert "points@1/answers" in result.err
