"""Questions answered by typing."""

import json

import pytest

from dsvc.annotation.labelling import OpenQuestion, can_label, open_questions, read_typed, write_answer
from dsvc.annotation.platform_files import FilesPlatform
from dsvc.plugins.platforms import Question, TaskForm

RATING = OpenQuestion("k#1", "label", "s3://f/1", "rating(5)", "label")
CLASS = OpenQuestion("k#1", "label", "s3://f/1", "class(cat, cow, dog)", "label")
VERIFY = OpenQuestion("k#1", "verify", "s3://f/1", "boxes", "audit")

SHOWN = OpenQuestion("k#1", "verify", "s3://f/1", "class(cat, cow, dog)", "verify", shown="cat")


@pytest.mark.parametrize(
    ("question", "typed", "expected"),
    [
        (RATING, "4", {"outcome": "value", "value": 4}),
        (RATING, " 4 ", {"outcome": "value", "value": 4}),
        (RATING, "6", None),
        (RATING, "s", {"outcome": "skip"}),
        (CLASS, "dog", {"outcome": "value", "value": "dog"}),
        (CLASS, "d", {"outcome": "value", "value": "dog"}),
        (CLASS, "c", None),
        (VERIFY, "y", {"outcome": "accept"}),
        (VERIFY, "n", {"outcome": "reject"}),
        (VERIFY, "maybe", None),
        (SHOWN, "cow", {"outcome": "reject", "value": "cow"}),
        (SHOWN, "cat", {"outcome": "accept"}),
    ],
)
def test_typed_text_is_read(question, typed, expected):
    """A value, a verdict, a skip, or nothing."""
    assert expected == read_typed(question, typed)


def test_regions_cannot_be_typed():
    """Only whether one is right."""
    assert [True, True, False, True] == [
        can_label(*pair)
        for pair in (("rating(5)", "label"), ("text", "label"), ("boxes", "adjust"), ("boxes", "verify"))
    ]


def test_no_name_hides_answers(tmp_path):
    """A file whose name begins with a dot would not be read."""
    platform, form = FilesPlatform("team", {}, tmp_path), TaskForm("quality", "1", "rating(5)")
    platform.post(form, [Question(f"{0:064x}#1-0-0-0-1", "label", "s3://f/0")])
    (question,) = open_questions(platform, form, "../ada")
    write_answer(platform, form, "../ada", question, {"outcome": "value", "value": 3}, 1, "2026-03-02T09:00:00Z")

    assert ["../ada"] == [answer.annotator for page in platform.poll(form) for answer in page.answers]


def test_questions_are_answered_once_by_each(tmp_path):
    """What a person answered is not given to them again, and is read as an answer."""
    platform, form = FilesPlatform("team", {}, tmp_path), TaskForm("quality", "1", "rating(5)")
    keys = [f"{n:064x}#1-0-0-0-1" for n in range(2)]
    platform.post(form, [Question(key, "label", f"s3://f/{n}") for n, key in enumerate(keys)])
    first, second = open_questions(platform, form, "ada lovelace")
    write_answer(platform, form, "ada lovelace", first, {"outcome": "value", "value": 3}, 1.26, "2026-03-02T09:00:00Z")
    (page,) = platform.poll(form)
    (line,) = (platform.folder(form) / "answers" / "ada_lovelace.jsonl").read_text().splitlines()

    assert [second] == list(open_questions(platform, form, "ada lovelace"))
    assert 2 == len(list(open_questions(platform, form, "ben")))
    assert [(keys[0], "ada lovelace", 3)] == [(a.key, a.annotator, a.payload) for a in page.answers]
    assert 1.3 == json.loads(line)["seconds"]
