"""Who may answer which questions of a folder, and where their answers go."""

import json

from dsvc.annotation.platforms.files import FilesPlatform
from dsvc.annotation.platforms.labeller import Reply, answer_line
from dsvc.annotation.platforms.labelling import answer_file, count_for_others, keep_line, open_questions
from dsvc.plugins.platforms import Question, TaskForm

FORM = TaskForm("quality", "1", "rating(5)")
KEYS = [f"{n:064x}#1-0-0-0-1" for n in range(2)]


def folder(tmp_path, **fields):
    """A platform with two questions."""
    platform = FilesPlatform("team", {}, tmp_path)
    platform.post(FORM, [Question(key, "label", f"s3://f/{n}", **fields) for n, key in enumerate(KEYS)])
    return platform


def keys(platform, who):
    """Return what somebody is asked."""
    return [question["key"] for question in open_questions(platform, FORM, who)]


def answer(platform, who):
    """Answer the first question that somebody is asked."""
    first = next(open_questions(platform, FORM, who))
    keep_line(answer_file(platform, FORM, who), answer_line(first, Reply("value", 3), who, 0, 1.5))


def test_questions_are_answered_once_by_each(tmp_path):
    """What a person answered is not given to them again, and is read as an answer."""
    platform = folder(tmp_path)
    answer(platform, "ada lovelace")
    (page,) = platform.poll(FORM)

    assert (KEYS[1:], KEYS) == (keys(platform, "ada lovelace"), keys(platform, "ben"))
    assert [(KEYS[0], "ada lovelace", 3)] == [(a.key, a.annotator, a.payload) for a in page.answers]
    assert 1.5 == json.loads(answer_file(platform, FORM, "ada lovelace").read_text())["seconds"]


def test_nobody_is_asked_what_they_must_not_judge(tmp_path):
    """A question names whom to leave out, and it can be told how many there are for others."""
    platform = folder(tmp_path, avoid=("ann",))

    assert ([], KEYS) == (keys(platform, "ann"), keys(platform, "ben"))
    assert [2, 0] == [count_for_others(platform, FORM, who) for who in ("ann", "ben")]


def test_no_name_hides_answers(tmp_path):
    """A file whose name begins with a dot would not be read."""
    platform = folder(tmp_path)
    answer(platform, "../ada")

    assert ["../ada"] == [answer.annotator for page in platform.poll(FORM) for answer in page.answers]


def test_a_line_that_was_cut_short_takes_no_other_with_it(tmp_path):
    """The machine went down while it was written; what is answered next stands on a line of its own."""
    platform = folder(tmp_path)
    answer(platform, "ada")
    path = answer_file(platform, FORM, "ada")
    with path.open("a") as file:
        file.write('{"key": "')
    answer(platform, "ada")
    (page,) = platform.poll(FORM)

    assert (KEYS, 1) == ([answered.key for answered in page.answers], page.n_malformed)
