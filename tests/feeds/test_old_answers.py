"""Tests of labels that exist already, taken as answers."""

import pytest

from dsvc.annotation.answers.pseudonyms import Pseudonyms
from dsvc.annotation.keeping.ledger import read_ledger
from dsvc.feeds.old_answers import all_answer_specs, reading_definition
from dsvc.recipe.load import load_recipe
from tests.feeds.world import IMAGES, image

LABELS = """
[feed.labels]
plugin = "files"
path = "labels.jsonl"
about = { feed = "images", field = "uri", key = "uri" }
"""
TASK = """
[task.kind]
type    = "class(cat, dog)"
answers = { from = "labels", only = { kind = "animal" }, value = "label", annotator = "who", at = "at", version = "v" }
"""


def label(number, value, who="eve", at=1, **more):
    """A document of the label system."""
    return {"uri": f"s3://b/{number}", "kind": "animal", "label": value, "who": who, "at": at, "v": "1", **more}


def answers(world, task="kind"):
    """Source -> (annotator, payload, version) of all answers in the ledger."""
    found = dict(read_ledger(world.repo.store).iter_evidence(task))
    return {s: [(a.annotator, a.payload, a.version) for a in known.answers] for s, known in found.items()}


@pytest.fixture
def office(world):
    """Three images, and a recipe that takes labels of them as answers."""
    world.recipe(IMAGES + LABELS + TASK)
    world.write(images=[image(i) for i in (1, 2, 3)], labels=[label(1, "cat"), label(2, "dog", "kim")])
    return world


def test_every_label_is_an_answer_under_a_pseudonym(office):
    """Two people's about one source are two; what `only` leaves out is none."""
    office.write(labels=[label(1, "cat"), label(1, "dog", "kim", at=2), label(3, "cat", kind="plant")])
    office.ingest()

    hidden = Pseudonyms()
    assert {"s3://b/1": [(hidden("eve"), '"cat"', "1"), (hidden("kim"), '"dog"', "1")]} == answers(office)


def test_reading_again_adds_nothing(office):
    """An answer's id follows from what it says."""
    office.ingest()
    before = read_ledger(office.repo.store).id
    office.ingest(full=True)

    assert before == read_ledger(office.repo.store).id


def test_a_task_that_came_later_reads_the_old_labels(office):
    """A feed that was read to its end is read again for it, and what is new then is taken as well."""
    office.recipe(IMAGES + LABELS)
    office.ingest()
    assert {} == answers(office)

    office.recipe(IMAGES + LABELS + TASK)
    office.ingest()
    assert {"s3://b/1", "s3://b/2"} == set(answers(office))

    office.write(labels=[label(1, "cat"), label(2, "dog", "kim"), label(3, "dog", at=5)])
    office.ingest()
    assert {"s3://b/1", "s3://b/2", "s3://b/3"} == set(answers(office))


def test_what_is_no_answer_is_counted(office):
    """It is told with its source, and nothing of it is kept."""
    office.write(labels=[label(1, "unicorn"), label(2, 7), label(3, "cat")])
    report = office.ingest()

    told = next(feed for feed in report.feeds if feed.name == "labels")
    assert 2 == sum(item.count for item in told.unusable)
    assert {"s3://b/3"} == set(answers(office))


def test_the_definition_is_of_everything_that_decides_what_is_taken(office):
    """Whose paths are others is another; the same read twice is the same."""
    recipe = load_recipe(office.directory)
    [spec] = all_answer_specs(recipe)
    office.recipe(IMAGES + LABELS + TASK.replace('annotator = "who", ', ""))
    other = load_recipe(office.directory)

    assert reading_definition(recipe, spec) != reading_definition(other, all_answer_specs(other)[0])


def test_no_signal_comes_of_them(office):
    """Answers are in the ledger, and in no version."""
    office.ingest()

    assert {"content"} == set(office.repo.view("@draft").signals)
    assert () == office.ingest().removed_signals
