"""Which asks follow, and what a plan says of them before anybody is asked."""

from dataclasses import replace
from decimal import Decimal

from dsvc.annotation.answers.evidence import Answered, evidence_of
from dsvc.annotation.answers.records import make_answer
from dsvc.annotation.judging.asks import as_version, asks_of, is_resampled
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.rounds import resolve
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.recipe.task_spec import TaskSpec
from dsvc.recipe.versions import VersionRange

TASK = TaskSpec("quality", parse_type("rating(5)"))
JUDGING = TaskSpec("quality", parse_type("rating(5)"), InputPath("q"), "adjust")


def items(n, judged=None):
    """Return sources that people are to be asked about."""
    return [Item(f"s{i}", "e", judged, asked=True) for i in range(n)]


def answered(task, item, payload="3"):
    """Return an item with the answer of one person."""
    (wanted,) = asks_of(task, item, resolve(task, item))
    answer = make_answer(wanted.ask, annotator="a", submitted_us=1, outcome="value", payload=payload)
    return replace_evidence(item, evidence_of([Answered(wanted.ask, answer)]))


def replace_evidence(item, evidence):
    """Return an item with other evidence."""
    return Item(item.source, item.content_id, item.judged, asked=item.asked, evidence=evidence)


def test_the_same_question_is_one_ask_for_all():
    """Whoever evaluates it, the id is the same; another value to judge is another question."""
    ids = {asks_of(JUDGING, item, resolve(JUDGING, item))[0].ask.ask_id for item in (*items(2, "3"), *items(2, "3"))}
    other = asks_of(JUDGING, items(1, "4")[0], resolve(JUDGING, items(1, "4")[0]))[0]

    assert 2 == len(ids)
    assert other.ask.ask_id not in ids
    assert ("adjust", "4", 1) == (other.ask.form, other.ask.judged, other.people)


def test_operation_asks_nothing_again():
    """Another platform, guideline or priority has the same asks."""
    moved = replace(TASK, platform="p", guideline="g.md", priority=3)
    first, second = (asks_of(t, items(1)[0], resolve(t, items(1)[0]))[0].ask.ask_id for t in (TASK, moved))

    assert first == second


def test_another_version_accepts_what_this_one_does():
    """If the new one is among it; else itself alone, unless said."""
    mild = replace(TASK, accept=VersionRange.parse(">=1"))

    assert ("2", VersionRange.parse("==2")) == ((raised := as_version(TASK, "2")).version, raised.accept)
    assert mild.accept == as_version(mild, "2").accept
    assert VersionRange.parse(">=2") == as_version(mild, "3", accept=VersionRange.parse(">=2")).accept


def test_some_old_answers_are_asked_again():
    """The share that `resample` says, chosen by a hash; their values stay meanwhile."""
    found = [answered(TASK, item) for item in items(200)]
    raised = replace(as_version(TASK, "2", accept=VersionRange.parse(">=1")), resample=Decimal("0.2"))
    resolved = [(item, resolve(raised, item)) for item in found]
    asked = [wanted for item, resolution in resolved for wanted in asks_of(raised, item, resolution)]

    assert {"final"} == {resolution.standing for _, resolution in resolved}
    assert [item.source for item, _ in resolved if is_resampled(raised, item.source)] == [w.ask.source for w in asked]
    assert 20 <= len(asked) <= 60
