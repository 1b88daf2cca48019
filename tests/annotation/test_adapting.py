"""Old answers are read as today's, and what cannot be is told."""

from dataclasses import replace

import pytest

from dsvc.annotation.adapting import adapt_evidence, adapter_of
from dsvc.annotation.evidence import Answered, evidence_of
from dsvc.annotation.hearing import Item
from dsvc.annotation.records import make_answer, make_ask
from dsvc.annotation.rounds import resolve
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.recipe.task_spec import TaskSpec
from dsvc.recipe.versions import VersionRange

TASK = TaskSpec("t", parse_type("class(a, b, c)"), version="2", accept=VersionRange.parse(">=1"))
RATING = replace(TASK, type=parse_type("rating(10)"), formats=((VersionRange.parse("<2"), "m:double"),))


def double(reference, value):
    """Read a rating of five as one of ten."""
    assert "m:double" == reference
    return value * 2


def said(type_, payload, outcome="value", judged=None, version="1"):
    """Return evidence of one answer."""
    form = "label" if judged is None else "verify"
    ask = make_ask(
        source="s", content_id="", task="t", version=version, type=type_, mode=form, form=form, round=0, judged=judged
    )
    return evidence_of(
        [Answered(ask, make_answer(ask, annotator="a", submitted_us=1, outcome=outcome, payload=payload))]
    )


def test_a_class_that_was_added_keeps_the_old_answers():
    """They are values of today's type."""
    found, unreadable = adapt_evidence(TASK, said("class(a, b)", '"b"'))

    assert (["class(a, b, c)"], ()) == ([ask.type for ask in found.asks], tuple(unreadable))
    assert '"b"' == resolve(TASK, Item("s", asked=True, evidence=said("class(a, b)", '"b"'))).value


def test_a_class_that_is_gone_is_told():
    """The answer does not count, and is asked again."""
    evidence = said("class(a, z)", '"z"')
    found, unreadable = adapt_evidence(TASK, evidence)

    assert (0, ["1"]) == (len(found.answers), [item.version for item in unreadable])
    assert resolve(TASK, Item("s", asked=True, evidence=evidence)).is_pending


def test_an_adapter_reads_old_values():
    """As the recipe says for their versions; those of today are left alone."""
    assert ("m:double", None) == (adapter_of(RATING, "1"), adapter_of(RATING, "2"))
    old, _ = adapt_evidence(RATING, said("rating(5)", "4"), double)
    new, _ = adapt_evidence(RATING, said("rating(10)", "4", version="2"), double)

    assert ("8", "4") == (old.answers[0].payload, new.answers[0].payload)
    assert old.answers[0].answer_id == said("rating(5)", "4").answers[0].answer_id


@pytest.mark.parametrize(("judged", "value"), [("4", "8"), (None, None)])
def test_what_was_shown_is_read_too(judged, value):
    """An old `right` is about today's form of the value."""
    spec = replace(RATING, of=InputPath("q"), mode="verify")
    found, _ = adapt_evidence(spec, said("rating(5)", None, "accept", judged), double)

    assert value == found.asks[0].judged


def test_right_of_a_value_that_is_lost_says_nothing():
    """An old `right` about a class that is gone is no answer, and no rejection either."""
    spec = replace(TASK, of=InputPath("q"), mode="verify")
    evidence = said("class(a, z)", None, "accept", '"z"')
    found = resolve(spec, Item("s", judged='"a"', asked=True, evidence=evidence))

    assert (True, "verify", 0) == (found.is_pending, found.needs[0].mode, found.needs[0].round)


def test_evidence_of_today_is_itself():
    """Nothing is copied."""
    evidence = said("class(a, b, c)", '"b"', version="2")

    assert evidence is adapt_evidence(TASK, evidence)[0]
