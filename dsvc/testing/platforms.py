"""The contract of annotation platforms, as a test class to inherit from.

    class TestOurPlatform(PlatformTests):
        @pytest.fixture
        def desk(self):
            return OurDesk(...)         # a Desk: the platform, and people who work there

A desk has people answer through the platform's own front end, and makes the mistakes that networks and people make.

Source: docs/how-to/platforms.md#testing.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import pytest

from dsvc.plugins.platforms import AnswerPage, Outcome, Platform, PlatformAnswer, Question, TaskForm
from dsvc.testing.platform_values import HEIGHT, NUMBERS, VALUES, WIDTH, a_form, box


class Desk(ABC):
    """A platform and the people who work there. Each test uses forms of its own, so a desk may serve many tests."""

    @abstractmethod
    def open(self) -> Platform:
        """Return a client that knows nothing but what the platform holds."""

    @abstractmethod
    def image(self) -> str:
        """Return an image that questions may show, as `Capabilities.image` says."""

    @abstractmethod
    def give(
        self,
        form: TaskForm,
        key: str,
        annotator: str,
        outcome: Outcome = "value",
        payload: Any = None,
        reasons: Sequence[str] = (),
    ) -> None:
        """Have a person answer the task of a key, one that is of the form's `reasons` where they give any."""

    @abstractmethod
    def give_nonsense(self, form: TaskForm, key: str, annotator: str) -> None:
        """Have something arrive as an answer that fits no form."""

    def import_again(self, form: TaskForm, question: Question) -> bool:
        """Make another task of the same key, as a repeated import would; False where the platform has no way to."""
        return False

    def forge_hint(self, form: TaskForm) -> tuple[dict[str, str], bytes] | None:
        """Return a webhook about the project without its secret; None where there are no webhooks."""
        return None

    def true_hint(self, form: TaskForm) -> tuple[dict[str, str], bytes] | None:
        """Return a webhook about the project as the platform sends it; None where there are no webhooks."""
        return None

    def offered(self, form: TaskForm, annotator: str) -> set[str] | None:
        """Return the keys of the questions that a person is given; None where the platform's front end decides."""
        return None

    @property
    def counts_nonsense_only(self) -> bool:
        """Whether nonsense has no task that it belongs to, so that it is counted and no answer at all."""
        return False


def all_answers(platform: Platform, form: TaskForm, cursor: bytes | None = None) -> list[PlatformAnswer]:
    """Return what a poll gives."""
    return [answer for page in platform.poll(form, cursor) for answer in page.answers]


def last_page(platform: Platform, form: TaskForm, cursor: bytes | None = None) -> AnswerPage:
    """Return the last page of a poll."""
    return list(platform.poll(form, cursor))[-1]


class PlatformTests:
    """The contract of `Platform`. A subclass gives the fixture `desk`."""

    def question(self, desk: Desk, key: str, **fields: Any) -> Question:
        """Return a question to label the desk's image."""
        return Question(
            **{"form": "label", "image": desk.image(), "width": WIDTH, "height": HEIGHT, **fields, "key": key}
        )

    def test_questions_are_posted_once(self, desk: Desk) -> None:
        """Posted again, by the same client or one that knows nothing, they are adopted under the same name."""
        form = a_form()
        questions = [self.question(desk, f"a{number}#0") for number in range(3)]
        platform = desk.open()
        first = platform.post(form, questions)
        again = platform.post(form, questions[1:])
        other = desk.open().post(form, [*reversed(questions), self.question(desk, "a9#0")])

        assert ["a0#0", "a1#0", "a2#0"] == [posted.key for posted in first]
        assert 3 == len({posted.task_id for posted in first})
        assert [False] * 3 + [True] * 2 == [posted.is_adopted for posted in first + again]
        assert [posted.task_id for posted in first[1:]] == [posted.task_id for posted in again]
        assert [posted.task_id for posted in reversed(first)] == [posted.task_id for posted in other[:3]]
        assert [True, True, True, False] == [posted.is_adopted for posted in other]
        assert ["a0#0", "a1#0", "a2#0", "a9#0"] == sorted(task.key for task in platform.iter_tasks(form))

    def test_nothing_is_posted_for_nothing(self, desk: Desk) -> None:
        """No questions make no tasks."""
        form = a_form()
        platform = desk.open()

        assert [] == platform.post(form, [])
        assert [] == list(platform.iter_tasks(form))

    def test_a_task_that_was_never_posted_has_no_answers(self, desk: Desk) -> None:
        """To poll it, to list it and to withdraw from it is no error."""
        form = a_form()
        platform = desk.open()

        assert [] == all_answers(platform, form)
        assert [] == list(platform.iter_tasks(form))
        assert "gone" == platform.withdraw(form, "999999")
        assert "gone" == platform.discard(form, "999999")

    def test_tasks_say_how_many_answers_they_have(self, desk: Desk) -> None:
        """Skips are answers too."""
        form = a_form()
        platform = desk.open()
        posted = platform.post(form, [self.question(desk, key) for key in ("a#0", "b#0", "c#0")])
        desk.give(form, "a#0", "ann", payload=3)
        desk.give(form, "b#0", "ann", "skip")
        list(platform.poll(form))

        expected = [(posted[0].task_id, "a#0", 1), (posted[1].task_id, "b#0", 1), (posted[2].task_id, "c#0", 0)]
        assert expected == sorted(
            ((task.task_id, task.key, task.n_answers) for task in platform.iter_tasks(form)), key=lambda row: row[1]
        )

    @pytest.mark.parametrize("name", VALUES)
    @pytest.mark.parametrize("form_name", ["label", "adjust"])
    def test_values_come_back_as_they_were_given(self, desk: Desk, name: str, form_name: Any) -> None:
        """Exactly, on the grid, whatever the platform's own units are; also one that was shown and left as it is."""
        form, value = VALUES[name]
        form = dataclasses.replace(form, task=f"{form.task}_{next(NUMBERS)}")
        platform = desk.open()
        platform.post(
            form, [self.question(desk, "a#0", form=form_name, shown=value if form_name == "adjust" else None)]
        )
        desk.give(form, "a#0", "ann", payload=value)
        (answer,) = all_answers(platform, form)

        assert ("a#0", "value", None) == (answer.key, answer.outcome, answer.problem)
        assert _sorted(value) == _sorted(answer.payload)

    def test_answers_say_who_and_when(self, desk: Desk) -> None:
        """Each person has one name, and each answer a name of its own."""
        form = a_form()
        platform = desk.open()
        posted = platform.post(form, [self.question(desk, "a#0", want=2), self.question(desk, "b#0", want=2)])
        for key, annotator, rating in (("a#0", "ann", 1), ("a#0", "bob", 2), ("b#0", "ann", 3)):
            desk.give(form, key, annotator, payload=rating)
        answers = all_answers(platform, form)
        who = {(answer.key, answer.payload): answer.annotator for answer in answers}

        assert {("a#0", 1), ("a#0", 2), ("b#0", 3)} == set(who)
        assert who["a#0", 1] == who["b#0", 3] != who["a#0", 2]
        assert 3 == len({answer.platform_id for answer in answers})
        assert {posted[0].task_id, posted[1].task_id} == {answer.task_id for answer in answers}
        assert all(answer.submitted_us > 0 and answer.raw for answer in answers)

    def test_a_skip_is_an_answer_without_a_value(self, desk: Desk) -> None:
        """It is no value that happens to be empty."""
        form = a_form("boxes")
        platform = desk.open()
        platform.post(form, [self.question(desk, "a#0"), self.question(desk, "b#0")])
        desk.give(form, "a#0", "ann", "skip")
        desk.give(form, "b#0", "ann", payload=[])

        assert {"a#0": ("skip", None, None), "b#0": ("value", [], None)} == {
            answer.key: (answer.outcome, answer.payload, answer.problem) for answer in all_answers(platform, form)
        }

    def test_verdicts_come_back(self, desk: Desk) -> None:
        """Accepted; rejected for reasons; rejected and corrected."""
        form = a_form("boxes", labels=("face",), reasons=("too large", "not a face"))
        platform = desk.open()
        shown, better = [box(1, 2, 30, 40, "face")], [box(1, 2, 29.5, 39.0625, "face")]
        keys = ("a#0", "b#0", "c#0")
        platform.post(form, [self.question(desk, key, form="verify", mode="audit", shown=shown) for key in keys])
        desk.give(form, "a#0", "ann", "accept")
        desk.give(form, "b#0", "ann", "reject", reasons=["not a face"])
        desk.give(form, "c#0", "ann", "reject", payload=better, reasons=["too large", "not a face"])

        assert {
            "a#0": ("accept", None, (), None),
            "b#0": ("reject", None, ("not a face",), None),
            "c#0": ("reject", better, ("not a face", "too large"), None),
        } == {
            answer.key: (answer.outcome, answer.payload, tuple(sorted(answer.reasons)), answer.problem)
            for answer in all_answers(platform, form)
        }

    def test_a_poll_goes_on_where_one_ended(self, desk: Desk) -> None:
        """What came since is given; from the cursor of any page, no later answer is left out."""
        form = a_form()
        platform = desk.open()
        platform.post(form, [self.question(desk, f"a{number}#0") for number in range(4)])
        seen: set[str] = set()
        cursor = None
        for number in range(4):
            desk.give(form, f"a{number}#0", "ann", payload=1)
            page = last_page(platform, form, cursor)
            found = {answer.key for answer in all_answers(platform, form, cursor)}
            assert f"a{number}#0" in found
            seen |= found
            cursor = page.cursor
        pages = list(platform.poll(form))
        whole = {answer.key for page in pages for answer in page.answers}

        assert seen == whole == {f"a{number}#0" for number in range(4)}
        for place, page in enumerate(pages):
            later = {answer.key for after in pages[place + 1 :] for answer in after.answers}
            assert later <= {answer.key for answer in all_answers(desk.open(), form, page.cursor)}

    def test_a_cursor_that_nobody_knows_gives_all(self, desk: Desk) -> None:
        """Rather too much than too little."""
        form = a_form()
        platform = desk.open()
        platform.post(form, [self.question(desk, "a#0")])
        desk.give(form, "a#0", "ann", payload=2)

        assert [2] == [answer.payload for answer in all_answers(platform, form, b"\xff no cursor of ours")]

    def test_every_answer_is_given_also_those_too_many(self, desk: Desk) -> None:
        """More than were wanted, and two of one person: who collects decides what they are worth."""
        form = a_form()
        platform = desk.open()
        platform.post(form, [self.question(desk, "a#0", want=1)])
        for annotator, rating in (("ann", 1), ("bob", 2), ("ann", 3)):
            desk.give(form, "a#0", annotator, payload=rating)
        ratings = [answer.payload for answer in all_answers(platform, form)]

        assert ratings == [1] if platform.capabilities.enforces_overlap else {1, 2, 3} == set(ratings)

    def test_who_must_not_answer_is_not_given_it(self, desk: Desk) -> None:
        """Where the platform can see to that; where it cannot, or they answer all the same, their answer is given."""
        form = a_form()
        platform = desk.open()
        platform.post(form, [self.question(desk, "a#0", avoid=("ann",)), self.question(desk, "b#0")])
        offered = {who: desk.offered(form, who) for who in ("ann", "bob")}
        desk.give(form, "a#0", "ann", payload=4)

        expected = {"ann": {"b#0"}, "bob": {"a#0", "b#0"}}
        assert offered == (expected if platform.capabilities.honours_avoid else {"ann": None, "bob": None})
        assert [4] == [answer.payload for answer in all_answers(platform, form)]

    def test_nonsense_is_kept_apart_and_stops_nothing(self, desk: Desk) -> None:
        """It is no answer; the task can still be answered, and others be asked."""
        form = a_form()
        platform = desk.open()
        platform.post(form, [self.question(desk, "a#0", want=2)])
        desk.give_nonsense(form, "a#0", "ann")
        desk.give(form, "a#0", "bob", payload=5)
        pages = list(platform.poll(form))
        answers = [answer for page in pages for answer in page.answers]
        wrong = [answer for answer in answers if answer.problem is not None]
        platform.post(form, [self.question(desk, "b#0")])

        assert [5] == [answer.payload for answer in answers if answer.problem is None]
        if desk.counts_nonsense_only:
            assert sum(page.n_malformed for page in pages) == 1 == sum(len(page.notes) for page in pages)
        else:
            assert [("a#0", "skip", None, True)] == [(w.key, w.outcome, w.payload, bool(w.raw)) for w in wrong]

    def test_a_task_with_answers_is_never_withdrawn(self, desk: Desk) -> None:
        """And its answers can still be polled; one without is deleted, once."""
        form = a_form()
        platform = desk.open()
        full, empty = platform.post(form, [self.question(desk, "a#0"), self.question(desk, "b#0")])
        desk.give(form, "a#0", "ann", payload=2)

        assert "answered" == platform.withdraw(form, full.task_id)
        assert ["deleted", "gone"] == [platform.withdraw(form, empty.task_id) for _ in range(2)]
        assert ["a#0"] == [task.key for task in platform.iter_tasks(form)]
        assert [2] == [answer.payload for answer in all_answers(platform, form)]

    def test_a_withdrawn_question_can_be_posted_again(self, desk: Desk) -> None:
        """Under its key, or under that of a next attempt."""
        form = a_form()
        platform = desk.open()
        (first,) = platform.post(form, [self.question(desk, "a#0")])
        platform.withdraw(form, first.task_id)
        again = platform.post(form, [self.question(desk, "a#1"), self.question(desk, "a#0")])
        desk.give(form, "a#0", "ann", payload=2)

        assert [False, False] == [posted.is_adopted for posted in again]
        assert [("a#0", 2)] == [(answer.key, answer.payload) for answer in all_answers(platform, form)]

    def test_what_is_durable_elsewhere_can_be_discarded(self, desk: Desk) -> None:
        """Twice is no error, and a poll afterwards neither."""
        form = a_form()
        platform = desk.open()
        (posted,) = platform.post(form, [self.question(desk, "a#0")])
        desk.give(form, "a#0", "ann", payload=2)
        cursor = last_page(platform, form).cursor
        done = platform.discard(form, posted.task_id)
        again = platform.discard(form, posted.task_id)
        list(platform.poll(form, cursor))

        assert (done, again) in {("deleted", "gone"), ("answered", "answered")}

    def test_tasks_of_one_key_become_one(self, desk: Desk) -> None:
        """After a repeated import: the answered one is kept, the others go, and no answer is lost."""
        form = a_form()
        platform = desk.open()
        question = self.question(desk, "a#0")
        platform.post(form, [question])
        if not desk.import_again(form, question):
            pytest.skip("one key cannot have two tasks here")
        desk.give(form, "a#0", "ann", payload=2)
        (posted,) = platform.post(form, [question])

        assert posted.is_adopted
        assert [posted.task_id] == [task.task_id for task in platform.iter_tasks(form)]
        assert [("a#0", 2)] == [(answer.key, answer.payload) for answer in all_answers(platform, form)]

    def test_versions_are_apart(self, desk: Desk) -> None:
        """One project each: neither's tasks nor answers are the other's."""
        old = a_form()
        new = dataclasses.replace(old, version="2", type="rating(9)")
        platform = desk.open()
        platform.post(old, [self.question(desk, "a#0")])
        platform.post(new, [self.question(desk, "b#0")])
        desk.give(old, "a#0", "ann", payload=5)
        desk.give(new, "b#0", "ann", payload=9)

        assert [("a#0", 5)] == [(answer.key, answer.payload) for answer in all_answers(platform, old)]
        assert [("b#0", 9)] == [(answer.key, answer.payload) for answer in all_answers(platform, new)]
        assert ["b#0"] == [task.key for task in platform.iter_tasks(new)]

    def test_an_edited_guideline_asks_nothing_again(self, desk: Desk) -> None:
        """The project stays, with its tasks and answers."""
        form = a_form(guideline="Rate it.")
        platform = desk.open()
        platform.post(form, [self.question(desk, "a#0")])
        desk.give(form, "a#0", "ann", payload=5)
        edited = dataclasses.replace(form, guideline="# Rate it\n\nwell & <quickly>.")
        (posted,) = desk.open().post(edited, [self.question(desk, "a#0")])

        assert posted.is_adopted
        assert [5] == [answer.payload for answer in all_answers(platform, edited)]

    def test_all_is_well(self, desk: Desk) -> None:
        """The set-up of the tests is one that `check` finds nothing wrong with."""
        findings = desk.open().check()

        assert findings
        assert [] == [finding for finding in findings if not finding.is_well]

    def test_only_authentic_hints_are_believed(self, desk: Desk) -> None:
        """Whatever a forged one says."""
        form = a_form()
        platform = desk.open()
        platform.post(form, [self.question(desk, "a#0")])
        forged, true = desk.forge_hint(form), desk.true_hint(form)
        if forged is None or true is None:
            assert not platform.capabilities.has_hints
            assert platform.read_hint({}, b"{}") is None
            return

        assert platform.read_hint(*forged) is None
        assert form.project == platform.read_hint(*true)
        assert platform.read_hint(true[0], b"[") is None


def _sorted(value: Any) -> Any:
    return sorted(value, key=repr) if isinstance(value, list) else value
