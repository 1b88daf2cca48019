"""Which asks follow, and what a plan says of them before anybody is asked."""

from dataclasses import replace
from decimal import Decimal

from dsvc.annotation.asks import as_version, asks_of, count_asks, price_version
from dsvc.annotation.evidence import Answered, evidence_of
from dsvc.annotation.hearing import Item
from dsvc.annotation.records import make_answer
from dsvc.annotation.rounds import resolve
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.recipe.task_spec import TaskSpec
from dsvc.recipe.versions import VersionRange

TASK = TaskSpec("quality", parse_type("rating(5)"))
JUDGING = TaskSpec("quality", parse_type("rating(5)"), InputPath("q"), "adjust")


def pending(_):
    """Say of every lot that it is not judged."""
    return "pending"


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


def test_a_plan_counts_new_shared_and_reused():
    """Three to ask, of which one is open already, and one that somebody answered before."""
    found = [*items(3), answered(TASK, Item("s9", "e", asked=True))]
    resolved = [(item, resolve(TASK, item)) for item in found]
    is_open = {asks_of(TASK, *resolved[0])[0].ask.ask_id}
    counts = count_asks(TASK, resolved, is_open)

    assert (2, 1, 1, 3, (("label", 3),)) == (counts.new, counts.shared, counts.reused, counts.answers, counts.modes)


def test_a_raised_version_is_priced_first():
    """What accepts old answers asks nothing; what does not asks everything again, as said before."""
    found = [answered(TASK, item) for item in items(4)]
    assert (0, 4) == ((counts := price_version(TASK, "1", found, pending)).new, counts.reused)

    strict = price_version(TASK, "2", found, pending)
    mild = price_version(TASK, "2", found, pending, accept=VersionRange.parse(">=1"))
    raised = as_version(TASK, "2")

    assert (4, 0) == (strict.new, strict.reused)
    assert (0, 4) == (mild.new, mild.reused)
    assert strict == count_asks(raised, [(item, resolve(raised, item)) for item in found])


def test_some_old_answers_are_asked_again():
    """The share that `resample` says, chosen by a hash; their values stay meanwhile."""
    found = [answered(TASK, item) for item in items(200)]
    raised = replace(as_version(TASK, "2", accept=VersionRange.parse(">=1")), resample=Decimal("0.2"))
    resolved = [(item, resolve(raised, item)) for item in found]
    counts = count_asks(raised, resolved)

    assert {"final"} == {resolution.standing for _, resolution in resolved}
    assert 200 == counts.new + counts.reused
    assert 20 <= counts.new <= 60
    assert counts == count_asks(raised, resolved)
