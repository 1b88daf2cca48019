"""Whether old answers still hold."""

from dataclasses import replace

from dsvc.annotation.answers.evidence import Answered, evidence_of
from dsvc.annotation.answers.records import make_answer, make_ask
from dsvc.annotation.judging.drift import find_drift
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.rounds import resolve
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.recipe.task_spec import Nearness, OverlapSpec, TaskSpec
from dsvc.recipe.versions import VersionRange

TASK = TaskSpec("t", parse_type("rating(5)"), version="2", accept=VersionRange.parse(">=1"))


def said(**by_version):
    """Return evidence of one answer under each version; v1="3" is a 3 under version 1."""
    found = []
    for version, payload in by_version.items():
        told = {"source": "s", "content_id": "", "task": "t", "version": version[1:], "type": "rating(5)"}
        ask = make_ask(**told, mode="label", form="label", round=0)
        answer = make_answer(ask, annotator=version, submitted_us=1, outcome="value", payload=payload)
        found.append(Answered(ask, answer))
    return evidence_of(found)


def test_drift_is_of_sources_that_were_asked_again():
    """One agrees, one does not, and one was not asked again."""
    drift = find_drift(TASK, [said(v1="3", v2="3"), said(v1="3", v2="5"), said(v1="1")], Nearness("equal"))

    assert ("2", 2, 1) == (drift.version, drift.agreement.sources, drift.agreement.near)


def test_what_was_accepted_is_an_answer():
    """Of a task that shows a value: nine of ten who look again leave it as the first did."""
    task = replace(TASK, of=InputPath("d"), mode="verify")
    found = []
    for source in map(str, range(10)):
        answered = []
        for version, right in (("1", True), ("2", source != "9")):
            told = {"source": source, "content_id": "", "task": "t", "version": version, "type": "rating(5)"}
            ask = make_ask(**told, mode="verify", form="verify", round=0, judged="3")
            says = {"outcome": "accept"} if right else {"outcome": "reject", "payload": "5"}
            answered.append(Answered(ask, make_answer(ask, annotator=version, submitted_us=1, **says)))
        found.append(evidence_of(answered))

    agreement = find_drift(task, found, Nearness("equal")).agreement
    assert (10, 9) == (agreement.sources, agreement.near)


def test_what_is_said_today_takes_the_place_of_what_was_said():
    """Once as many have answered as are asked at least; until then, old and new count together."""
    item = Item("s", asked=True, evidence=said(v1="1", v2="5"))
    assert ("5", "final") == ((found := resolve(TASK, item)).value, found.standing)

    both = resolve(replace(TASK, overlap=OverlapSpec(2, 2)), item)
    assert ("1", "final") == (both.value, both.standing)
