"""Tests of resolving the sources of a batch."""

import json

import pytest

from dsvc.engine.making.task_step import NOT_ASKED, TaskStep
from dsvc.errors import DeriveError
from dsvc.objects.types import parse_type
from tests.engine.office import NAMES, Office, recipe


@pytest.fixture
def office(tmp_path):
    """Six labelled images."""
    made = Office(tmp_path / "faces")
    made.put("label", {f"s{i}": NAMES[i % 2] for i in range(6)})
    made.put("score", {f"s{i}": i for i in range(6)})
    return made


def load(office, task="kind"):
    """Return a task as a step, and its inputs."""
    bound = office.bind_node(task)
    step = office.loader.load(bound.spec, bound.type, bound.transform)
    assert isinstance(step, TaskStep)
    return step, next(bound.inputs.scan(100))


def test_a_call_gives_values_and_who_has_none(office):
    """As any step's does; beside it stands who made each record."""
    office.write(recipe(ask="score < 2"))
    step, columns = load(office)
    values, failed = step(columns)

    assert 6 == values.length
    assert {0, 1} == set(failed)
    assert [None, None, "kind", "kind", "kind", "kind"] == [p and p.producer for p in step.resolved.provenance]
    assert {"pending"} == {reason for _, reason in step.resolved.waiting.values()}


def test_a_model_s_scores_stay_with_its_boxes(tmp_path):
    """What nobody corrected is the judged value, bit by bit."""
    office = Office(tmp_path / "faces")
    box = {"x": 0.1, "y": 0.2, "w": 3.0, "h": 4.0, "score": 0.9, "label": None}
    office.place("det", {"s1": [box]}, parse_type("boxes"))
    office.known.add("det")
    office.write('[task.boxes]\ntype = "boxes"\nof = "det"\nask = "len(det) = 0"')
    office.run()

    assert office.read("det") == office.read("boxes")


def test_what_a_task_has_nothing_to_do_with_is_neither_there_nor_waited_for(office):
    """Of a task that judges nothing."""
    office.write('[task.pick]\ntype = "rating(5)"\nask = "score > 3"')
    step, columns = load(office, "pick")
    _, failed = step(columns)

    assert [NOT_ASKED] * 4 == [failed[row] for row in range(4)]
    assert {4, 5} == set(step.resolved.waiting)


def test_the_region_of_an_ask_is_the_box_that_is_shown(tmp_path):
    """On the grid, so that it is one text wherever it comes from; all of the image where there is no box."""
    office = Office(tmp_path / "faces")
    box = {"x": 1.0, "y": 2.0, "w": 3.03, "h": 4.0, "score": 0.9, "label": None}
    office.place("det", {"s1": [box], "s2": []}, parse_type("boxes"))
    office.known.add("det")
    office.write("""
        [task.kind]
        type  = "class(cat, dog)"
        ask   = "det IS NOT NULL"
        image = { crop = "det[1]" }
        """)
    office.run()

    assert {"s1": "[16,32,48,64]", "s2": ""} == {source: ask.region for source, ask in office.asks("kind").items()}


def test_judged_values_of_another_type_are_refused(office):
    """Before any is looked at."""
    office.write('[task.kind]\ntype = "rating(5)"\nof = "label"')

    with pytest.raises(DeriveError, match="of type rating"):
        office.run()


def test_a_condition_that_no_source_can_satisfy_is_refused(office):
    """It is the expression's fault, and no source's."""
    office.write(recipe(ask="score + 1"))

    with pytest.raises(DeriveError, match="expected a condition"):
        office.run()


def test_several_people_are_the_producer_together(office):
    """By their pseudonyms, sorted."""
    office.write(recipe(more="overlap = { min = 2, max = 2 }"))
    office.run()
    ask = office.asks("kind")["s0"]
    office.answer(ask, "eel", who="zoe")
    office.answer(ask, "eel", who="ann")
    office.run()

    assert "ann+zoe" == office.made_by("kind")["s0"].producer


def test_who_skips_leaves_a_record_of_no_value(office):
    """Its standing is `unusable`, which no dataset takes unless it says so."""
    office.write(recipe() + '[dataset.d]\nwhere = "score < 3"\ncolumns = { kind = "kind" }')
    office.run()
    ask = office.asks("kind")["s0"]
    office.answer(ask, outcome="skip", who="ann", reasons=("dark",))
    office.run()
    assert 1 == office.waits("kind")["s0"][1]["people"]
    office.answer(ask, outcome="skip", who="bo")
    office.run()

    assert office.read("kind")["s0"] is None
    assert "unusable" == office.made_by("kind")["s0"].standing
    assert office.select("d")["s0"] is None


def test_answers_of_an_old_version_are_read_as_today_s(office):
    """By the function that `formats` names; one that it fails on does not count."""
    old = 'accept = ">=1"\nformats = { "<2" = "old:read" }'
    office.write(recipe())
    office.run()
    asks = office.asks("kind")
    office.answer(asks["s0"], "cat")
    office.answer(asks["s1"], "dog")
    code = """
        def read(value):
            return {"cat": "eel"}[value]
        """
    office.write(recipe(version="2", more=old), old=code)
    office.run()

    assert "eel" == office.read("kind")["s0"]
    assert {"s1", "s2"} == set(office.waits("kind"))


def test_the_detail_is_json(office):
    """For whoever shows who waits."""
    office.write(recipe())
    office.run()

    assert {"asks", "mode", "people", "round"} == set(json.loads(office.waiting("kind")["s0"]))
