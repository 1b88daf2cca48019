"""Asks that are not wanted any more are found again from what is known."""

from dataclasses import replace
from decimal import Decimal

from dsvc.annotation.answers.evidence import Answered
from dsvc.annotation.answers.records import make_answer
from dsvc.annotation.judging.asks import as_version, asks_of
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.lots import Candidate, close_lots
from dsvc.annotation.judging.rounds import resolve
from dsvc.annotation.keeping.ledger import Addition, append, read_ledger
from dsvc.annotation.keeping.recall import recall, versions_read
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.recipe.task_spec import AuditSpec, LotSpec, Nearness, TaskSpec
from dsvc.store.memory import MemoryStore

TASK = TaskSpec("t", parse_type("rating(5)"), InputPath("q"), "adjust")
AUDITED = replace(TASK, audit=AuditSpec(Decimal(1), Decimal("0.01"), Nearness("equal"), lot=LotSpec(None, 2)))


def asks(task, item, lots="pending"):
    """Return what is asked about an item."""
    return {one.ask.ask_id for one in asks_of(task, item, resolve(task, item, lambda _: lots))}


def test_what_another_condition_or_version_asked_is_recalled():
    """The ask of a source that the condition no longer names, and that of a version before."""
    item = Item("a", "e", "3", asked=False)
    once = asks(TASK, Item("a", "e", "3", asked=True)) | asks(as_version(TASK, "0"), Item("a", "e", "3", asked=True))

    assert set() == asks(TASK, item)
    assert once == {ask.ask_id for ask in recall(TASK, item, ["0", "1"])}


def test_an_audit_of_a_lot_that_has_failed_is_recalled():
    """It failed by the other member of its sample; whoever has this one open may still answer."""
    store = MemoryStore()
    lots = close_lots(AUDITED, [Candidate(name, "3", "e", 0, "") for name in "ab"], {}, 1, nothing_more=True).lots
    append(store, {"t": Addition(lots=lots)}, cursors={"team/t@1": b"0", "team/u@7": b"0"})
    item = Item("a", "e", "3", evidence=read_ledger(store).evidence("t", ["a"])["a"])
    audit = asks(AUDITED, item)

    assert 1 == len(audit - asks(AUDITED, item, "failed"))
    assert audit <= {ask.ask_id for ask in recall(AUDITED, item, ["1"])}
    assert ("1",) == versions_read(read_ledger(store), "t")


def test_what_somebody_answered_first_is_recalled():
    """The ask that its answer made unnecessary, and those before; without them, nothing that rounds would not ask."""
    item = Item("a", "e", "3", asked=True)
    [wanted] = asks_of(TASK, item, resolve(TASK, item))
    store = MemoryStore()
    answer = make_answer(wanted.ask, annotator="p", submitted_us=1, outcome="value", payload="4")
    append(store, {"t": Addition(answered=[Answered(wanted.ask, answer)])})
    answered = Item("a", "e", "3", asked=True, evidence=read_ledger(store).evidence("t", ["a"])["a"])

    assert set() == asks(TASK, answered)
    assert {wanted.ask.ask_id} == {ask.ask_id for ask in recall(TASK, answered, ["1"])}
