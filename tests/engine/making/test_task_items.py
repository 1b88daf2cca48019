"""Tests of what becomes of the sources of a batch."""

import json

import pytest

from dsvc.annotation.answers.records import make_ask
from dsvc.annotation.judging.asks import Wanted, asks_of
from dsvc.engine.making.output import REASON_AUDIT, REASON_PENDING
from dsvc.engine.making.task_items import Items, tell_asks
from dsvc.engine.making.task_step import TaskStep
from dsvc.engine.reading.probe import Probe
from dsvc.objects.keys import Keys
from dsvc.objects.types import parse_type
from tests.engine.office import AUDIT, Office, live, recipe


def find_items(office: Office) -> Items:
    """Return the sources of the task, as its step is given them."""
    bound = office.bind_node("kind")
    step = office.loader.load(bound.spec, bound.type, bound.transform)
    assert isinstance(step, TaskStep)
    keys = Keys.of_bytes([source.encode() for source in sorted(office.read("label"))])
    return step.items(step.batch(bound.inputs.take(Probe(bound.inputs.reader, keys))))


@pytest.mark.parametrize("seed", range(6))
def test_all_of_them_together_are_resolved_as_each_alone(tmp_path, seed):
    """Those that stand alike are resolved once; each looked at by itself gives the same."""
    (*_, office) = live(tmp_path / "faces", seed)
    items = find_items(office)
    resolved = items.resolve()
    task = office.recipe.tasks["kind"]

    n_alike = 0
    for row, made in enumerate(resolved.provenance):
        item, found = items.resolution(row)
        wanted = asks_of(task, item, found)
        reason = REASON_AUDIT if found.has_record else REASON_PENDING
        n_alike += bool(item.evidence.members) and not item.evidence.answers and not wanted
        assert found.standing == (made and made.standing)
        assert (found.origin == "human") == (made is not None and made.origin == "human")
        assert ((tell_asks(wanted), reason) if wanted else None) == resolved.waiting.get(row)
    assert n_alike > 5


def test_a_lot_of_other_bytes_is_not_taken_for_one_of_these(tmp_path):
    """Two sources of one value in lots of one standing differ where the value was that of other bytes."""
    office = Office(tmp_path / "faces")
    sources = [f"s{i}" for i in range(4)]
    office.put("label", dict.fromkeys(sources, "cat"))
    office.put("score", dict.fromkeys(sources, 5))
    content = {source: {"id": f"{source}-1"} for source in sources}
    office.place("content", content, parse_type("struct<id: string>"))
    office.write(recipe(audit=AUDIT))
    office.run()
    office.close_lots("kind")
    office.run()
    unseen = sorted(set(sources) - set(office.asks("kind")))
    office.place("content", content | {unseen[0]: {"id": "other"}}, parse_type("struct<id: string>"))
    items = find_items(office)

    found = {item.source: found for item, found in (items.resolution(row) for row in range(4))}
    assert (True, False) == (found[unseen[0]].awaits_lot, found[unseen[1]].awaits_lot)
    assert [None if one is None else one.standing for one in items.resolve().provenance] == [
        found[source].standing for source in sources
    ]


@pytest.mark.parametrize(
    ("ask", "later"),
    [("det[1].w < 5", {"w": -1.0}), ("CAST(det[1].label AS INT) < 5", {"label": "one"})],
)
def test_what_a_person_gave_stays_while_it_cannot_be_told_what_is_judged(tmp_path, ask, later):
    """A malformed value of the model's, or one that the condition fails on, is told of and takes no record away."""
    office = Office(tmp_path / "faces")
    box = {"x": 0.0, "y": 0.0, "w": 3.0, "h": 4.0, "score": 0.9, "label": "1"}
    office.place("det", {"s1": [box], "s2": [{**box, "w": 9.0, "label": "9"}]}, parse_type("boxes"))
    office.known.add("det")
    office.write(f'[task.boxes]\ntype = "boxes"\nof = "det"\nask = "{ask}"')
    office.run()
    office.answer_all("boxes", {"s1": [[0, 0, 16, 16, None]]})
    office.run()
    given = office.read("boxes")["s1"]
    office.place("det", {"s1": [{**box, **later}], "s2": [{**box, **later}]}, parse_type("boxes"))
    office.run()

    assert {"s1": given} == office.read("boxes")
    assert "human" == office.made_by("boxes")["s1"].origin


def test_what_is_cancelled_is_waited_for_and_nobody_is_asked():
    """So a plan counts no person for it."""
    ask = make_ask(
        source="s", content_id="", task="t", version="1", type="rating(5)", mode="label", form="label", round=0
    )
    told = [json.loads(tell_asks([Wanted(ask, 2, is_stopped)])) for is_stopped in (False, True)]

    assert [([ask.ask_id.hex()], 2), ([], 0)] == [(one["asks"], one["people"]) for one in told]
