"""The ledger only grows, whoever writes it, in whatever order."""

import os
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsvc.annotation.answers.evidence import Answered
from dsvc.annotation.answers.records import make_answer, make_ask
from dsvc.annotation.judging.lots import Lot, LotMember, Shares
from dsvc.annotation.keeping.ledger import Addition, LedgerView, append, merge_ledger, read_ledger, unite_ledgers
from dsvc.errors import AnswerFormatError
from dsvc.objects.encoding import kind_of
from dsvc.objects.oid import Oid
from dsvc.repo.base import BaseRepository
from dsvc.store.memory import MemoryStore
from dsvc.store.writer import ObjectWriter


def answered(number, annotator="a", payload="3", at=1, **more):
    """Return an answer to an ask about image `number`."""
    ask = make_ask(
        source=f"s3://b/{number:03}",
        content_id="e",
        task="quality",
        version="1",
        type="rating(5)",
        mode="label",
        form="label",
        round=0,
    )
    return Answered(
        ask, make_answer(ask, annotator=annotator, submitted_us=at, outcome="value", payload=payload, **more)
    )


def contents(ledger):
    """Return all that a ledger says of the task."""
    return dict(ledger.iter_evidence("quality"))


def test_what_is_appended_is_read_back():
    """With its ask, by source."""
    store = MemoryStore()
    item = answered(1, lead_s=2.5, platform="files", platform_id="9")
    ledger = append(store, {"quality": Addition([item, answered(2)])}, cursors={"files/x": b"7"})

    assert ("quality",) == ledger.tasks
    assert {item.answer.source} == set(ledger.evidence("quality", ["s3://b/001", "s3://b/009"]))
    found = ledger.evidence("quality", ["s3://b/001"])["s3://b/001"]
    assert ((item.answer,), (item.ask,)) == (found.answers, found.asks)
    assert b"7" == read_ledger(store).cursor("files/x")
    assert {} == ledger.evidence("other", ["s3://b/001"])


def test_twice_is_once():
    """A platform delivers at least once; a second delivery of one time moves nothing, and an earlier one neither."""
    store = MemoryStore()
    first = append(store, {"quality": Addition([answered(1, at=5)])}, cursors={"p": b"1"})
    second = append(store, {"quality": Addition([answered(1, at=5), answered(1, at=3)])}, cursors={"p": b"1"})

    assert first.id == second.id
    assert [5] == [answer.submitted_us for answer in contents(second)["s3://b/001"].answers]
    assert (first.id,) == append(store, {}, cursors={"p": b"2"}).ledger.parents


def test_what_is_no_answer_gets_in_by_no_door():
    """A payload of another type, or written in another way, would be in every clone for ever."""
    store = MemoryStore()
    for payload in ("7", " 3", "[]"):
        with pytest.raises(AnswerFormatError):
            append(store, {"quality": Addition([answered(1, payload=payload)])})

    assert read_ledger(store).id is None


def test_an_empty_append_makes_no_ledger():
    """Nothing known is no ledger."""
    store = MemoryStore()

    assert append(store, {"quality": Addition()}).id is None
    assert {} == contents(read_ledger(store))


items = st.builds(answered, st.integers(0, 5), st.sampled_from("abc"), st.sampled_from("12345"), st.integers(1, 9))


@settings(deadline=None, max_examples=30)
@given(st.lists(items, max_size=8), st.lists(items, max_size=8), st.randoms())
def test_order_and_batches_take_no_part(first, second, random):
    """All at once, one by one in any order, or in two clones that are united either way round."""
    whole, single, other = MemoryStore(), MemoryStore(), MemoryStore()
    everything = [*first, *second, *first]
    append(whole, {"quality": Addition(everything)})
    random.shuffle(everything)
    for item in everything:
        append(single, {"quality": Addition([item])})
    append(other, {"quality": Addition(first)})
    ours = read_ledger(other).id
    theirs = _copy(other, second)

    expected = read_ledger(whole)
    assert contents(expected) == contents(read_ledger(single))
    assert expected.evidence_id("quality") == read_ledger(single).evidence_id("quality")
    if ours is not None and theirs is not None:
        with ObjectWriter(other) as writer:
            both = [unite_ledgers(writer, ours, theirs), unite_ledgers(writer, theirs, ours)]
            assert {expected.evidence_id("quality")} == {LedgerView(writer, oid).evidence_id("quality") for oid in both}


def _copy(store, found):
    """Return the ledger that another clone would have of some answers, its objects in our store."""
    return _copy_of(store, {"quality": Addition(found)})


def _copy_of(store, additions):
    apart = MemoryStore()
    made = append(apart, additions).id
    for oid in apart.objects.iter_oids():
        data = bytes(apart.objects.get(oid))
        with ObjectWriter(store) as writer:
            writer.put(kind_of(data), [data])
            writer.flush()
    return made


def test_clones_that_exchange_come_to_rest():
    """Once each has all, nothing moves any more."""
    store = MemoryStore()
    append(store, {"quality": Addition([answered(1)])}, cursors={"p": b"1", "q": b"5"})
    theirs = _copy(store, [answered(2)])
    both = merge_ledger(store, theirs).id

    assert both == merge_ledger(store, theirs).id
    with ObjectWriter(store) as writer:
        assert both == unite_ledgers(writer, theirs, both)
    assert {"s3://b/001", "s3://b/002"} == set(contents(read_ledger(store)))


def test_writers_that_race_both_get_in():
    """Eight threads append at once."""
    store = MemoryStore()

    def write(annotator):
        for number in range(4):
            append(store, {"quality": Addition([answered(number, annotator)])}, cursors={annotator: b"x"})

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ledger = read_ledger(store)
    assert {8} == {len(evidence.answers) for evidence in contents(ledger).values()}
    assert 8 == len(ledger.ledger.cursors)


def lot(n=500, closed=5):
    """Return a lot of many members."""
    members = tuple(LotMember(f"s3://b/{i:04}", str(1 + i % 5) * 200, "e", sampled=i % 10 == 0) for i in range(n))
    return Lot(Oid(b"\x07" * 32), 0, "1\x1f0\x1fmodel\x1fv", closed, 3, members, "1")


def test_lots_come_back_whole():
    """In as many parts as they need, and each member's evidence says which lot it is in."""
    store = MemoryStore()
    ledger = append(store, {"quality": Addition(lots=[lot()], openings={"k": 9})})

    assert {lot().lot_id: lot()} == ledger.lots("quality")
    assert {"k": 9} == ledger.openings("quality")
    member = ledger.evidence("quality", ["s3://b/0010"])["s3://b/0010"].members[0]
    assert (lot().lot_id, 0, True, 5, "e") == (
        member.lot,
        member.round,
        member.sampled,
        member.closed_us,
        member.content_id,
    )


@pytest.mark.parametrize("size", [0, 1, 4096])
def test_what_changed_is_found_by_value_ids(size):
    """Evidence is a signal: one more answer changes its value id, and nothing else does."""
    store = MemoryStore()
    append(store, {"quality": Addition([answered(number) for number in range(size)])})
    before = read_ledger(store).evidence_signal("quality")
    after = append(store, {"quality": Addition([answered(7, "z")])}, cursors={"p": b"1"}).evidence_signal("quality")
    same = append(store, {}, cursors={"p": b"2"}).evidence_signal("quality")

    assert after.value_id == same.value_id
    assert before is None or before.value_id != after.value_id


def test_a_union_does_not_go_back_behind_a_lot_that_was_closed():
    """A clone that has not heard of it still says since when it was filling; either way round, in any grouping."""
    store = MemoryStore()
    closed, key = lot(3, closed=7), lot().key
    additions = (Addition(openings={key: 5}), Addition(lots=[closed]), Addition(openings={key: 9, "other": 1}))
    first, second, third = (_copy_of(store, {"quality": addition}) for addition in additions)
    with ObjectWriter(store) as writer:
        united = [
            unite_ledgers(writer, unite_ledgers(writer, first, second), third),
            unite_ledgers(writer, third, unite_ledgers(writer, second, first)),
            unite_ledgers(writer, unite_ledgers(writer, first, third), second),
        ]
        views = [LedgerView(writer, oid) for oid in united]

    assert [{key: 7, "other": 1}] * 3 == [view.openings("quality") for view in views]
    assert [{closed.lot_id}] * 3 == [set(view.lots("quality")) for view in views]


def test_a_lot_that_two_clones_closed_under_other_audits_is_one():
    """The earlier counts, and of two of one time the stricter: either way round."""
    store = MemoryStore()
    loose, strict = (
        msgspec.structs.replace(lot(3), accept=accept, shares=Shares(Decimal("0.5"), Decimal(share)))
        for accept, share in ((2, "0.1"), (1, "0.05"))
    )
    ours, theirs = (_copy_of(store, {"quality": Addition(lots=[one])}) for one in (loose, strict))
    with ObjectWriter(store) as writer:
        united = [unite_ledgers(writer, ours, theirs), unite_ledgers(writer, theirs, ours)]
        assert [{strict.lot_id: strict}] * 2 == [LedgerView(writer, oid).lots("quality") for oid in united]


RACE = """
import sys
from pathlib import Path
from dsvc.annotation.keeping.ledger import Addition, append
from dsvc.repo.base import BaseRepository
from tests.annotation.keeping.test_ledger import answered

with BaseRepository.open(Path(sys.argv[1]), clock=lambda: 0) as repo:
    for number in range(10):
        append(repo.store, {"quality": Addition([answered(number, sys.argv[2])])}, cursors={sys.argv[2]: b"x"})
"""


def test_processes_that_race_both_get_in(tmp_path):
    """On disk: whoever loses the compare-and-swap reads again and adds to what is there."""
    with BaseRepository.init(tmp_path, clock=lambda: 0) as repo:
        assert read_ledger(repo.store).id is None
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", RACE, str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(root)}
    running = [subprocess.Popen([*command, name], cwd=root, env=env) for name in "ab"]

    assert [0, 0] == [process.wait() for process in running]
    with BaseRepository.open(tmp_path, clock=lambda: 0) as repo:
        found = contents(read_ledger(repo.store)).values()
        assert [{"a", "b"}] * 10 == [{answer.annotator for answer in evidence.answers} for evidence in found]
