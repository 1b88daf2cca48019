"""The labeller of a terminal."""

import json

import pytest

from dsvc.annotation.platforms.answer_files import read_lines
from dsvc.annotation.platforms.exchange import question_document
from dsvc.annotation.platforms.labeller import Reply, Tally, answer_line, can_ask, label, prompt, read_reply
from dsvc.plugins.platforms import Question, TaskForm

RATING = TaskForm("quality", "1", "rating(5)")
CLASS = TaskForm("kind", "1", "class(live, spoof, spoof mask)")
BOXES = TaskForm("faces", "1", "boxes")
TEXT = TaskForm("note", "1", "text")
BOX = {"x": 1, "y": 2.5, "w": 3, "h": 4, "label": None}


def ask(form, key="a#0", kind="label", **fields):
    """Return a question as a file has it."""
    return json.loads(json.dumps(question_document(form, Question(key, kind, "s3://b/k", **fields))))


@pytest.mark.parametrize(
    ("question", "typed", "expected"),
    [
        (ask(RATING), " 3 ", Reply("value", 3)),
        (ask(RATING), "6", Reply(problem="type a number from 1 to 5")),
        (ask(RATING), "-1", Reply(problem="type a number from 1 to 5")),
        (ask(RATING), "1" * 5000, Reply(problem="type a number from 1 to 5")),
        (ask(RATING), "", Reply(problem="type an answer, or ? for help")),
        (ask(RATING, kind="adjust", shown=4), "", Reply("value", 4)),
        (ask(RATING), "s", Reply("skip")),
        (ask(RATING), "s: too dark, cut", Reply("skip", reasons=("too dark", "cut"))),
        (ask(RATING), "b", Reply(command="back")),
        (ask(RATING), "?", Reply(command="help")),
        (ask(RATING), "q", Reply(command="quit")),
        (ask(CLASS), "l", Reply("value", "live")),
        (ask(CLASS), "spoof", Reply("value", "spoof")),
        (ask(CLASS), "3", Reply("value", "spoof mask")),
        (ask(CLASS), "sp", Reply(problem="'sp' could be spoof or spoof mask")),
        (ask(CLASS), "x", Reply(problem="there is no class 'x'")),
        (ask(TEXT), "a word: or two", Reply("value", "a word: or two")),
        (ask(TEXT), "=s", Reply("value", "s")),
        (ask(BOXES, kind="verify", shown=[BOX]), "y", Reply("accept")),
        (ask(BOXES, kind="verify", shown=[BOX]), "No: too large", Reply("reject", reasons=("too large",))),
        (ask(CLASS, kind="verify", shown="live"), "spoof", Reply("reject", "spoof")),
        (ask(CLASS, kind="verify", shown="live"), "live", Reply("accept")),
        (ask(RATING, kind="verify", shown=2), "4", Reply("reject", 4)),
        (ask(RATING, kind="verify", shown=2), "6", Reply(problem="type y, n or n: why")),
        (ask(BOXES, kind="verify", shown=[BOX]), "", Reply(problem="type y, n or n: why")),
        (ask(BOXES, kind="verify", shown=[BOX]), "y: fine", Reply(problem="only n takes a reason")),
    ],
)
def test_what_is_typed_is_read(question, typed, expected):
    """As the table says."""
    assert expected == read_reply(question, typed)


def test_a_question_says_what_there_is():
    """What is asked, what was wrong before, what is shown, and what can be typed."""
    verify = ask(BOXES, kind="verify", shown=[BOX], reasons=("too small",), context=(("age", "7"),))

    assert [
        "[2/9] faces  s3://b/k",
        "  rejected before: too small",
        "  age: 7",
        "  shown: box at 1,2.5 of 3 x 4",
        "  right? y, n or n: why",
    ] == prompt(verify, 2, 9)
    assert "  1 live, 2 spoof, 3 spoof mask" == prompt(ask(CLASS), 1, 1)[-1]
    assert "  1 to 5, or nothing to keep it" == prompt(ask(RATING, kind="adjust", shown=4), 1, 1)[-1]
    assert ["  shown: nothing there", "  shown: 2 of points"] == [
        prompt(ask(BOXES, kind="verify", shown=shown), 1, 1)[1] for shown in ([], [[None], [None]])
    ]


def test_boxes_can_be_judged_but_not_drawn():
    """In a terminal."""
    assert [False, True, True] == [
        can_ask(question) for question in (ask(BOXES), ask(BOXES, kind="verify", shown=[]), ask(TEXT))
    ]


class Session:
    """A person at a terminal whose clock goes on by a second whenever somebody looks."""

    def __init__(self):
        self.said, self.kept, self.now_us = [], [], 0

    def clock(self):
        self.now_us += 1_000_000
        return self.now_us

    def run(self, asks, *typed):
        return label(
            asks,
            typed,
            annotator="me",
            say=self.said.append,
            keep=self.kept.append,
            clock=self.clock,
            guideline="Rate it.",
        )


def test_a_session_keeps_what_is_answered():
    """What is not understood is asked again; what cannot be drawn is left."""
    session = Session()
    tally = session.run([ask(RATING, "a#0"), ask(BOXES, "b#0"), ask(RATING, "c#0")], "9", "?", "4", "s")

    assert Tally(2, 1, 1) == tally
    assert [("a#0", "value", 4), ("c#0", "skip", None)] == [
        (kept["key"], kept["outcome"], kept.get("value")) for kept in map(json.loads, session.kept)
    ]
    assert {"Rate it.", "  type a number from 1 to 5"} <= set(session.said)


@pytest.mark.parametrize("typed", [("4",), ("4", "q")])
def test_a_session_can_end_early(typed):
    """At the end of input, or when told."""
    assert Tally(1, 1, 0) == Session().run([ask(RATING, "a#0"), ask(RATING, "b#0")], *typed)


def test_going_back_answers_again():
    """Both lines are kept, and the later counts."""
    session = Session()
    tally = session.run([ask(RATING, "a#0"), ask(RATING, "b#0")], "4", "b", "5", "1")

    assert Tally(2, 0, 0) == tally
    assert [("a#0", 4), ("a#0", 5), ("b#0", 1)] == [(k["key"], k["value"]) for k in map(json.loads, session.kept)]


def test_lines_are_what_the_platform_reads(tmp_path):
    """With person, time and how long it took."""
    line = answer_line(ask(RATING), Reply("value", 3), "me", 1_500_000, 1.25)
    (tmp_path / "me.jsonl").write_text(line)
    (only,) = read_lines(tmp_path, RATING, {})

    assert ("a#0", "me", 3, 1_500_000, 1.25, None) == (
        only.answer.key,
        only.answer.annotator,
        only.answer.payload,
        only.answer.submitted_us,
        only.answer.lead_s,
        only.answer.problem,
    )
