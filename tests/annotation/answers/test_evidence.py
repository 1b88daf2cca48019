"""Evidence has no order, and what is stored of it comes back."""

import msgspec
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dsvc.annotation.answers.evidence import (
    EVIDENCE_TYPE,
    NOTHING,
    Answered,
    Aside,
    Evidence,
    Member,
    Stop,
    evidence_of,
    from_row,
    from_rows,
    to_row,
    unite,
)
from dsvc.annotation.answers.records import Context, make_answer, make_ask
from dsvc.objects.oid import Oid

LOT = Oid(b"\x05" * 32)


def answered(round_, annotator, payload, at, platform=""):
    """Return an answer about one source."""
    ask = make_ask(
        source="s",
        content_id="e",
        task="t",
        version="1",
        type="rating(5)",
        mode="label",
        form="label",
        round=round_,
        context=Context(("why",)),
    )
    answer = make_answer(
        ask, annotator=annotator, submitted_us=at, outcome="value", payload=payload, platform=platform, lead_s=1.5
    )
    return Answered(ask, answer)


items = st.builds(
    answered, st.integers(0, 1), st.sampled_from("ab"), st.sampled_from("12"), st.integers(0, 3), st.sampled_from("xy")
)
members = st.builds(Member, st.just(LOT), st.integers(0, 1), st.sampled_from("12"), st.booleans(), st.integers(0, 3))
members = st.builds(
    lambda m, why: msgspec.structs.replace(m, void=why), members, st.sampled_from(["", "gone", "parked"])
)
stops = st.builds(Stop, st.sampled_from([LOT, Oid(b"\x06" * 32)]), st.integers(0, 2), st.booleans())
asides = st.builds(
    Aside, st.just(LOT), st.integers(0, 2), st.sampled_from("ab"), st.just("p"), st.just("1"), st.just("no")
)
told = st.builds(evidence_of, st.lists(items, max_size=4), st.lists(members, max_size=3))
more = st.builds(
    lambda s, a: Evidence(stops=tuple(s), asides=tuple(a)), st.lists(stops, max_size=3), st.lists(asides, max_size=2)
)
evidence = st.builds(lambda a, b: unite([a, b]), told, more)


@given(evidence, evidence, evidence)
def test_union_has_no_order(a, b, c):
    """Commutative, associative, and with itself nothing new."""
    assert unite([a, b]) == unite([b, a])
    assert unite([unite([a, b]), c]) == unite([a, unite([b, c])])
    assert a == unite([a, a]) == unite([a, NOTHING])


@given(evidence)
def test_what_is_stored_comes_back(found):
    """But for what is told beside an ask, which is part of no evidence."""
    assert found == from_row("t", "s", to_row(found))
    assert all(ask.context == Context() for ask in found.asks)


@given(st.lists(evidence, max_size=5))
def test_of_whom_more_is_known_than_their_lots_is_told_in_columns(found):
    """An answer, a stop, what did not fit, or a member that is void; the others are left out."""
    values = pa.array([to_row(one) for one in found], EVIDENCE_TYPE.arrow)
    sources = pa.array([str(number) for number in range(len(found))], pa.string())
    says = [one for one in found if one != Evidence(members=one.members) or any(m.void for m in one.members)]

    assert len(found) == len(dict(from_rows("t", sources, values)))
    told = dict(from_rows("t", sources, values, more=True))
    assert len(says) == len(told)
    assert [str(n) for n, one in enumerate(found) if one in says] == [*told]


def test_the_last_delivery_counts():
    """Of one answer; another payload is another answer."""
    found = evidence_of([answered(0, "a", "1", 5), answered(0, "a", "1", 3), answered(0, "a", "2", 4)])

    assert [(4, "2"), (5, "1")] == [(answer.submitted_us, answer.payload) for answer in found.answers]
    assert found.asks[0] == found.ask(found.answers[0].ask_id)
    assert found.ask(Oid(bytes(32))) is None


def test_no_record_is_nothing():
    """Of a source that nobody was asked about."""
    assert Evidence() == from_row("t", "s", None)
    assert msgspec.structs.asdict(NOTHING) == {"answers": (), "asks": (), "members": (), "stops": (), "asides": ()}


def test_what_is_stopped_is_what_was_said_last_of_it():
    """Cancelled, asked again, cancelled: in whatever order it is heard of."""
    ask = Oid(b"\x07" * 32)
    said = [Evidence(stops=(Stop(ask, at, is_on=is_on),)) for at, is_on in ((1, True), (2, False), (3, True))]

    assert {ask} == unite([said[2], said[0], said[1]]).stopped
    assert frozenset() == unite([said[1], said[0]]).stopped


def test_a_member_is_void_where_any_says_so():
    """For the reason that comes first, whoever says it."""
    member = Member(LOT, 0, "1", False, 3)
    says = [Evidence(members=(msgspec.structs.replace(member, void=why),)) for why in ("", "gone", "cancelled")]

    assert ["cancelled"] == [m.void for m in unite(says).members]
    assert unite(says) == unite(says[::-1])
