"""Tests of finding out what becomes of a task before it is run."""

import pytest

from dsvc.engine.making.binding import bind_step
from dsvc.engine.planning.reasons import Reasons
from dsvc.engine.planning.task_foreseen import foresee_task
from dsvc.engine.reading.scratch import Scratch
from dsvc.recipe.nodes import get_node
from tests.engine.office import AUDIT, NAMES, Office, recipe


@pytest.fixture
def office(tmp_path):
    """Ten labelled images."""
    made = Office(tmp_path / "faces")
    made.put("label", {f"s{i}": NAMES[i % 2] for i in range(10)})
    made.put("score", {f"s{i}": i for i in range(10)})
    made.write(recipe(audit=AUDIT))
    return made


def foresee(office):
    """Foresee the task on a scratch of the draft."""
    loader = office.loader
    bound = bind_step(office.repo, office.view, loader, get_node(loader.recipe, "kind"))
    scratch = Scratch(office.view.reader)
    bound.made_up.copy_to(scratch)
    step = loader.load(bound.spec, bound.type, bound.transform)
    return foresee_task(bound, step, scratch, Reasons(bound, (), None))


def test_what_is_foreseen_is_what_a_run_makes(office):
    """The same signal, and who waits, to the bit."""
    for _ in range(2):
        found = foresee(office)
        report = office.run()
        view = office.view
        kept = {entry.name: entry.waiting for entry in view.state.derived}["kind"]
        assert view.signal("kind") == found.signal
        assert (kept is None) == (found.waiting is None)
        assert office.repo.store.objects.has(kept)
        assert len(found.part.keys) == report.steps[0].ran
        office.answer_all("kind", {"s0": "eel"} if "s0" in office.asks("kind") else {})
        office.close_lots("kind")


def test_nothing_is_written(office):
    """Neither a trace nor an object."""
    before = dict(office.repo.store.refs.iter_refs()), set(office.repo.store.objects.iter_oids())
    foresee(office)
    office.plan()

    assert before == (dict(office.repo.store.refs.iter_refs()), set(office.repo.store.objects.iter_oids()))


def test_sources_that_went_are_told(office):
    """They lose their record."""
    office.run()
    office.repo.remove("label", ["s5"])

    assert [("kind", 1)] == [(step.name, step.remove) for step in office.plan().steps if step.remove]


def test_steps_after_a_task_are_planned_exactly(office):
    """Since its values are known, what is below it is too."""
    office.write(recipe() + "[step.is_cat]\nsql = \"SELECT kind = 'cat' AS is_cat\"")
    office.run()
    office.answer_all("kind", {"s0": "eel", "s1": "dog"})

    planned = {step.name: (step.run.lower, step.run.upper) for step in office.plan().steps}
    assert {"kind": (2, 2), "is_cat": (2, 2)} == planned
