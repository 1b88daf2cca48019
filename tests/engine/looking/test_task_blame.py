"""Tests of who had a part in a task's record."""

import pytest

from dsvc.engine.looking.task_blame import tell_task
from tests.engine.office import AUDIT, NAMES, Office, recipe


@pytest.fixture
def office(tmp_path):
    """Four images; one is asked about."""
    made = Office(tmp_path / "faces")
    made.put("label", {f"s{i}": NAMES[i % 2] for i in range(4)})
    made.put("score", {f"s{i}": i for i in range(4)})
    made.write(recipe(ask="score < 1", audit=AUDIT + "people = true\n"))
    made.run()
    return made


def tell(office, source):
    """Return a source's story in the draft."""
    return tell_task(office.repo, office.recipe, office.plugins, office.view, "kind", source)


def test_a_source_that_nobody_was_asked_about(office):
    """What is judged is what it has."""
    story = tell(office, "s3")

    assert ("unaudited", 0, '"dog"', '"dog"') == (story.standing, story.round, story.judged, story.value)
    assert ((), (), ()) == (story.said, story.lots, story.waits_for)


def test_who_waits_says_for_what(office):
    """The ask, and of how many people."""
    ask = office.asks("kind")["s0"]

    assert (("adjust", ask.ask_id.hex(), 1),) == tell(office, "s0").waits_for
    assert tell(office, "s0").standing is None


def test_everybody_who_had_a_part_is_told_with_what_was_shown(office):
    """First the annotator, then the auditor, by round and time; and what became of its lot."""
    ask = office.asks("kind")["s0"]
    office.answer(ask, "dog", who="ann", reasons=("tail",))
    office.answer(ask, "eel", who="ann")
    office.run()
    office.close_lots("kind")
    office.run()
    office.answer(office.asks("kind")["s0"], "eel", who="aud")
    office.run()
    story = tell(office, "s0")

    told = [(said.mode, said.annotator, said.value, said.shown, said.counts) for said in story.said]
    assert [
        ("adjust", "ann", '"dog"', '"cat"', False),
        ("adjust", "ann", '"eel"', '"cat"', True),
        ("audit", "aud", '"eel"', '"eel"', True),
    ] == told
    assert ("final", '"eel"') == (story.standing, story.value)
    assert [("passed", True, '"eel"')] == [(lot.state, lot.sampled, lot.value) for lot in story.lots]


def test_the_story_is_that_of_the_version(office):
    """What was said since is no part of it."""
    draft = office.view
    office.answer_all("kind", {"s0": "eel"})
    office.run()

    before = tell_task(office.repo, office.recipe, office.plugins, draft, "kind", "s0")
    assert () == before.said
    assert 1 == len(tell(office, "s0").said)


def test_a_source_of_no_task(office):
    """There is nothing to tell."""
    assert tell(office, "nowhere") is None


def test_blame_names_the_inputs_and_not_the_ledger(office):
    """What people said is no signal of the version."""
    found = office.repo.blame("kind", "s3", "@draft")

    assert ["label", "label._origin", "score", "content.id"] == [used.path for used in found.inputs]
    assert ("import", "kind") == (found.provenance.origin, found.provenance.producer)
