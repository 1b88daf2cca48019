"""Evidence: all that is known of one source for one task, and its union, which loses nothing and has no order.

It is the value of a signal of its own, source -> struct, so that what changed since is found as for any signal: by
value ids.

Source: docs/format.md#ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.annotation.answers.records import WHOLE, Answer, Ask, Context
from dsvc.objects.oid import Oid, StoredOid
from dsvc.objects.types import Type, parse_type

_ANSWER = (
    "struct<annotator: string, answer: fixed_binary(32), ask: fixed_binary(32), guideline: fixed_binary(32), "
    "lead_s: float64, outcome: string, payload: string, platform: string, platform_id: string, reasons: list<string>, "
    "shown: fixed_binary(32), submitted_us: int64, version: string>"
)
_ASK = (
    "struct<ask: fixed_binary(32), content_id: string, form: string, judged: string, mode: string, region: string, "
    "round: int32, type: string, version: string>"
)
_MEMBER = (
    "struct<closed_us: int64, content_id: string, lot: fixed_binary(32), round: int32, sampled: bool, value: string, "
    "version: string, void: string>"
)
_ASIDE = (
    "struct<annotator: string, ask: fixed_binary(32), at_us: int64, platform: string, platform_id: string, "
    "raw: string, why: string>"
)
_STOP = "struct<ask: fixed_binary(32), at_us: int64, is_on: bool>"
CANCELLED: Final = "cancelled"
WITHDRAWN: Final = "nobody asks it any more"
"""Why a member is void: somebody stopped its ask; or the source or the value was gone, and may come back."""
EVIDENCE_TYPE: Final[Type] = parse_type(
    f"struct<answers: list<{_ANSWER}>, asides: list<{_ASIDE}>, asks: list<{_ASK}>, members: list<{_MEMBER}>, "
    f"stops: list<{_STOP}>>"
)


class Member(msgspec.Struct, frozen=True, gc=False):
    """A value of this source that is in a closed lot."""

    lot: StoredOid
    round: int
    value: str
    """The canonical payload that is judged."""
    sampled: bool
    closed_us: int
    content_id: str = ""
    """Of the bytes that the value is about."""
    version: str = "1"
    """The task's, when the lot was closed."""
    void: str = ""
    """Why nobody could be asked about it: its lot is judged without it. Empty for the rule; never taken back."""


class Stop(msgspec.Struct, frozen=True, order=True):
    """Whether people are asked something at all; of several about one ask, the last counts."""

    ask: StoredOid
    at_us: int
    is_on: bool = True
    """False where it is asked again."""


class Aside(msgspec.Struct, frozen=True, order=True):
    """Something that came as an answer and does not fit its task: it is kept, and counts for nothing."""

    ask: StoredOid
    at_us: int
    annotator: str
    """Pseudonymous."""
    platform: str
    platform_id: str
    why: str
    raw: str = ""
    """What came, as JSON; without who it was."""


class Evidence(msgspec.Struct, frozen=True):
    """What is known of one source for one task. Each tuple is sorted, and has each id once."""

    answers: tuple[Answer, ...] = ()
    asks: tuple[Ask, ...] = ()
    """Those that were answered, without what was told beside."""
    members: tuple[Member, ...] = ()
    stops: tuple[Stop, ...] = ()
    asides: tuple[Aside, ...] = ()

    @property
    def stopped(self) -> frozenset[Oid]:
        """The asks that somebody cancelled."""
        return frozenset(stop.ask for stop in self.stops if stop.is_on)

    def open_asides(self) -> tuple[Aside, ...]:
        """Return what did not fit and was not put right since, by whoever it came from."""
        last = {(answer.ask_id, answer.annotator): answer.submitted_us for answer in self.answers}
        return tuple(aside for aside in self.asides if last.get((aside.ask, aside.annotator), -1) < aside.at_us)

    def ask(self, ask_id: Oid) -> Ask | None:
        """Return the ask that an answer names."""
        return next((ask for ask in self.asks if ask.ask_id == ask_id), None)


NOTHING: Final = Evidence()


class Answered(msgspec.Struct, frozen=True):
    """An answer with the ask that it is to: what is appended."""

    ask: Ask
    answer: Answer


def aside_of(ask: Ask, aside: Aside) -> Evidence:
    """Return the evidence that something did not fit."""
    return Evidence(asks=(_bare(ask),), asides=(aside,))


def evidence_of(answered: Iterable[Answered], members: Iterable[Member] = ()) -> Evidence:
    """Return the evidence of some answers to one source, and of its lots."""
    found = list(answered)
    return unite([Evidence((item.answer,), (_bare(item.ask),)) for item in found], Evidence(members=tuple(members)))


def _bare(ask: Ask) -> Ask:
    return msgspec.structs.replace(ask, context=Context())


def unite(parts: Sequence[Evidence], *more: Evidence) -> Evidence:
    """Return everything that some evidence of one source says: commutative, associative, and twice is once."""
    answers: dict[Oid, Answer] = {}
    asks: dict[Oid, Ask] = {}
    members: dict[tuple[Oid, int, str, str], Member] = {}
    stops: dict[Oid, Stop] = {}
    for part in (*parts, *more):
        for answer in part.answers:
            other = answers.get(answer.answer_id)
            answers[answer.answer_id] = answer if other is None else max(answer, other, key=_delivery)
        for ask in part.asks:
            asks[ask.ask_id] = ask
        for member in part.members:
            key = (member.lot, member.round, member.value, member.content_id)
            known = members.get(key, member)
            first = min(member, known, key=lambda m: (m.closed_us, not m.sampled, m.version))
            void = min(filter(None, (member.void, known.void)), default="")
            members[key] = msgspec.structs.replace(first, void=void)
        for stop in part.stops:
            stops[stop.ask] = max(stop, stops.get(stop.ask, stop))
    return Evidence(
        tuple(sorted(answers.values(), key=lambda answer: (answer.submitted_us, answer.answer_id))),
        tuple(asks[oid] for oid in sorted(asks)),
        tuple(sorted(members.values(), key=lambda m: (m.round, m.closed_us, m.lot, m.value, m.content_id))),
        tuple(stops[oid] for oid in sorted(stops)),
        tuple(sorted({aside for part in (*parts, *more) for aside in part.asides})),
    )


def _delivery(answer: Answer) -> tuple[Any, ...]:
    """Order deliveries of one answer: the last counts, since who gives a value, another, and the first again means it.

    What is told beside decides between equal ones.
    """
    lead = -1.0 if answer.lead_s is None else answer.lead_s
    beside = (answer.platform, answer.platform_id, lead, answer.shown or b"", answer.guideline or b"", answer.version)
    return (answer.submitted_us, *beside)


def say_more(values: pa.StructArray) -> npt.NDArray[np.bool_]:
    """Return of which stored values more is known than which lots they are in: where all is audited, of few."""
    members = values.field("members")
    is_void = pc.not_equal(pc.list_flatten(members).field("void"), "")
    more = np.zeros(len(values), np.bool_)
    more[np.asarray(pc.list_parent_indices(members).filter(is_void))] = True
    for field in values.type:
        if field.name != "members":
            more |= np.asarray(pc.list_value_length(values.field(field.name))) > 0
    return more


def to_row(evidence: Evidence) -> dict[str, Any]:
    """Return evidence as the value that is stored."""
    return {
        "answers": [
            {
                "annotator": a.annotator,
                "answer": a.answer_id,
                "ask": a.ask_id,
                "guideline": a.guideline,
                "lead_s": a.lead_s,
                "outcome": a.outcome,
                "payload": a.payload,
                "platform": a.platform,
                "platform_id": a.platform_id,
                "reasons": list(a.reasons),
                "shown": a.shown,
                "submitted_us": a.submitted_us,
                "version": a.version,
            }
            for a in evidence.answers
        ],
        "asides": [msgspec.structs.asdict(aside) for aside in evidence.asides],
        "asks": [
            {
                "ask": a.ask_id,
                "content_id": a.content_id,
                "form": a.form,
                "judged": a.judged,
                "mode": a.mode,
                "region": a.region,
                "round": a.round,
                "type": a.type,
                "version": a.version,
            }
            for a in evidence.asks
        ],
        "members": [
            {
                "closed_us": m.closed_us,
                "content_id": m.content_id,
                "lot": m.lot,
                "round": m.round,
                "sampled": m.sampled,
                "value": m.value,
                "version": m.version,
                "void": m.void,
            }
            for m in evidence.members
        ],
        "stops": [{"ask": s.ask, "at_us": s.at_us, "is_on": s.is_on} for s in evidence.stops],
    }


def from_rows(
    task: str, sources: pa.StringArray, values: pa.StructArray, *, more: bool = False
) -> Iterator[tuple[str, Evidence]]:
    """Yield what is known of each source; with `more` only where that is more than which lots it is in."""
    if more:
        told = pa.array(say_more(values))
        sources, values = sources.filter(told), values.filter(told)
    for source, row in zip(sources.to_pylist(), values.to_pylist(), strict=True):
        yield source, from_row(task, source, row)


def from_row(task: str, source: str, row: Mapping[str, Any] | None) -> Evidence:
    """Return the evidence that a stored value says."""
    if row is None:
        return NOTHING
    answers = tuple(
        Answer(
            answer_id=a["answer"],
            ask_id=a["ask"],
            source=source,
            task=task,
            version=a["version"],
            annotator=a["annotator"],
            submitted_us=a["submitted_us"],
            outcome=a["outcome"],
            payload=a["payload"],
            reasons=tuple(a["reasons"]),
            shown=a["shown"],
            platform=a["platform"],
            platform_id=a["platform_id"],
            lead_s=a["lead_s"],
            guideline=a["guideline"],
        )
        for a in row["answers"]
    )
    asks = tuple(
        Ask(
            ask_id=a["ask"],
            source=source,
            content_id=a["content_id"],
            region=a["region"] or WHOLE,
            task=task,
            version=a["version"],
            type=a["type"],
            mode=a["mode"],
            form=a["form"],
            round=a["round"],
            judged=a["judged"],
        )
        for a in row["asks"]
    )
    members = tuple(
        Member(m["lot"], m["round"], m["value"], m["sampled"], m["closed_us"], m["content_id"], m["version"], m["void"])
        for m in row["members"]
    )
    stops = tuple(Stop(s["ask"], s["at_us"], s["is_on"]) for s in row["stops"])
    return Evidence(answers, asks, members, stops, tuple(Aside(**aside) for aside in row["asides"]))
