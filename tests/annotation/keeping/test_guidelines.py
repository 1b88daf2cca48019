"""An edit of a guideline asks nothing again, and does not go unnoticed."""

from dataclasses import replace

import pytest

from dsvc.annotation.keeping.guidelines import EditedGuideline, find_edited, guideline_id, read_guideline
from dsvc.annotation.keeping.ledger import Addition, append, merge_ledger, read_ledger
from dsvc.objects.types import parse_type
from dsvc.recipe.task_spec import TaskSpec
from dsvc.store.memory import MemoryStore
from tests.annotation.keeping.test_ledger import answered

TASK = TaskSpec("quality", parse_type("rating(5)"), guideline="guide.md")


@pytest.fixture(name="store")
def make_store():
    """A store without a ledger."""
    return MemoryStore()


def answer(store, text, number=1, **more):
    """Take an answer in that was given under a guideline."""
    item = answered(number, guideline=guideline_id(text), **more)
    append(store, {"quality": Addition([item])})


def edited(store, directory, text, task=TASK):
    """Return which guidelines were edited, once this is the text."""
    (directory / "guide.md").write_text(text)
    return find_edited(read_ledger(store), directory, [task])


def test_a_guideline_that_is_not_there_has_no_text(tmp_path):
    """Nor has a task without one; neither was edited."""
    assert read_guideline(tmp_path, TASK) is None
    assert read_guideline(tmp_path, replace(TASK, guideline=None)) is None
    (tmp_path / "guide.md").write_text("look well")
    assert "look well" == read_guideline(tmp_path, TASK)


def test_an_edit_is_told_until_the_version_is_raised(store, tmp_path):
    """Whatever the edit: nobody knows whether it was a typo. Taken back, it is told of no more."""
    assert [] == edited(store, tmp_path, "look wel")
    answer(store, "look wel")
    assert [] == edited(store, tmp_path, "look wel")
    [found] = edited(store, tmp_path, "look well")

    assert EditedGuideline("quality", "1") == found
    assert found.sentence == (
        "task quality: guideline edited since answers of version 1: raise `version`, or nothing is asked again"
    )
    assert [] == edited(store, tmp_path, "look well", replace(TASK, version="2"))
    assert [] == edited(store, tmp_path, "look wel")


def test_answers_under_both_keep_an_edit_in_mind(store, tmp_path):
    """The version has answers to two guidelines from then on."""
    answer(store, "look wel")
    answer(store, "look well", 2)

    assert 1 == len(edited(store, tmp_path, "look well"))


def test_an_answer_that_is_read_again_keeps_its_guideline(store, tmp_path):
    """It was given under the guideline that there was then, whatever there is when a platform gives it once more."""
    answer(store, "look wel", platform="team", platform_id="7")
    before = read_ledger(store).id
    for text in ("look well", "look very well", "look"):
        answer(store, text, platform="team", platform_id="7")

    assert before == read_ledger(store).id
    assert [] == edited(store, tmp_path, "look wel")


def test_two_ledgers_that_are_united_know_the_guidelines_of_both(tmp_path):
    """Either way round, and once more adds nothing."""
    ours, theirs = MemoryStore(), MemoryStore()
    answer(ours, "look wel")
    answer(theirs, "look well", 2)
    for oid in theirs.objects.iter_oids():
        from dsvc.objects.encoding import kind_of
        from dsvc.store.writer import ObjectWriter

        with ObjectWriter(ours) as writer:
            data = bytes(theirs.objects.get(oid))
            writer.put(kind_of(data), [data])
            writer.flush()
    united = merge_ledger(ours, read_ledger(theirs).id)

    assert {guideline_id("look wel"), guideline_id("look well")} == united.guidelines("quality", "1")
    assert united.id == merge_ledger(ours, read_ledger(theirs).id).id
    assert frozenset() == united.guidelines("quality", "2")
