"""The ledger as work in progress needs it."""

from dsvc.annotation.answers.evidence import Answered
from dsvc.annotation.answers.records import make_answer, make_ask
from dsvc.annotation.keeping.answer_log import LedgerLog
from dsvc.store.memory import MemoryStore
from dsvc.testing.annotation_lab import AnnotationLab


def make(number):
    """Return an ask."""
    return make_ask(
        source=f"s3://faces/{number}.png",
        content_id="e",
        task="quality",
        version="1",
        type="rating(5)",
        mode="label",
        form="label",
        round=0,
    )


def test_answers_and_cursors_are_kept_together():
    """And who answered is known from then on, for each ask."""
    log = LedgerLog(MemoryStore())
    assert log.cursor("team/quality@1") is None
    assert {make(1).ask_id: frozenset()} == log.annotators([make(1)])

    answer = make_answer(make(1), annotator="p-1", submitted_us=5, outcome="value", payload="3")
    log.append([Answered(make(1), answer)], {"team/quality@1": b"7"})
    log.append([Answered(make(1), answer)], {"team/quality@1": b"7"})

    assert b"7" == log.cursor("team/quality@1")
    assert {make(1).ask_id: {"p-1"}, make(2).ask_id: set()} == log.annotators([make(1), make(2)])


def test_turns_on_a_real_ledger():
    """The same turns as on one in memory."""
    lab = AnnotationLab()
    store = MemoryStore()
    lab.log = LedgerLog(store)
    lab.restart()
    for number in range(4):
        lab.want(number, want=2)
    lab.turn()
    for person in ("ada", "bob") * 4:
        lab.answer(person)

    assert 4 == lab.turn().n_closed
    people = LedgerLog(store).annotators([lab.ask(number) for number in range(4)])
    assert [{"p-ada", "p-bob"}] * 4 == list(people.values())
