"""Whatever changes, people are asked only what it makes necessary, and what they said is kept; all of it counted.

Each change is planned, then run: the plan must have said what people see.
"""

import json
from decimal import Decimal

import pytest

from dsvc.annotation.judging.asks import is_resampled
from dsvc.objects.types import parse_type
from dsvc.recipe.task_spec import TaskSpec
from tests.people.keeping_world import Keeping

N = 12
ALL = [f"s3://faces/{i:02}.jpg" for i in range(N)]
UNSURE, SURE = ALL[:5], ALL[5:]
GIVEN = {source: 1 + i for i, source in enumerate(UNSURE)}
"""What people rated."""


@pytest.fixture(name="world")
def make_world(tmp_path):
    """Images that a model rated; people rated those of which it was unsure, in 20 seconds each."""
    made = Keeping.init(tmp_path)
    made.recipe()
    made.deliver(dict.fromkeys(UNSURE, (3, 0.2)) | dict.fromkeys(SURE, (4, 0.9)))
    made.run()
    assert 5 == made.answer("ann", GIVEN)
    made.run()
    made.wait(1)
    made.run()
    assert (5, 5, {}) == (made.n_answers(), len(made.posted), made.questions())
    return made


def expect_nothing(world):
    """Plan and run, and see that nobody is asked; return the plan."""
    planned, before, n_answers = world.plan(), len(world.posted), world.n_answers()
    sent = world.run()
    assert (0, 0, 0, 0) == (planned.asks, planned.new, planned.shared, planned.answers)
    assert (0, 0, 0) == (sent.new, sent.shared, sent.posted)
    assert (before, n_answers, {}) == (len(world.posted), world.n_answers(), world.asked())
    return planned


def expect_asks(world, sources):
    """Plan and run, and see that just these are asked about, each by a new question; return the plan."""
    planned = world.plan()
    sent = world.run()
    n = len(sources)
    assert (n, n, n, (("adjust", n),)) == (planned.asks, planned.new, planned.answers, planned.modes)
    assert (n, n) == (sent.new, sent.posted)
    assert dict.fromkeys(sources, "adjust") == world.asked()
    return planned


def people_kept(world):
    """Tell whether the values that people gave are still what the task has."""
    return {s: (value, "human", "final") for s, value in GIVEN.items()} == {s: world.values()[s] for s in GIVEN}


# --- guidelines -------------------------------------------------------------------------------------------------------


def test_a_guideline_typo_asks_nothing_and_is_reported(world):
    """In plan, status, check and the figures, until it is taken back or the version is raised."""
    guideline = world.path / "guide.md"
    guideline.write_text("look wel")
    world.recipe(ask="score < 0.5 OR score > 0.8", more='guideline = "guide.md"')
    expect_asks(world, SURE)
    world.answer("ann")
    world.run()
    with world.open() as repo:
        assert ([], ()) == (repo.edited_guidelines(), repo.plan().warnings)
    guideline.write_text("look well")
    with world.open() as repo:
        [edited], [warning] = repo.edited_guidelines(), repo.plan().warnings
        [checked] = repo.annotate_check()
        [figures], _ = repo.annotate_status()

    assert (
        "task kind: guideline edited since answers of version 1: raise `version`, or nothing is asked again" == warning
    )
    assert (warning, True, True) == (edited.sentence, figures.is_guideline_edited, checked.is_well)
    [found] = [finding.found for finding in checked.findings if finding.what == "guideline of kind"]
    assert "2 words, edited since answers of version 1: raise `version`, or nothing is asked again" == found
    expect_nothing(world)

    # An op store that is lost reads every answer again, under the guideline that there is now.
    world.forget()
    expect_nothing(world)
    guideline.write_text("look wel")
    with world.open() as repo:
        assert [] == repo.edited_guidelines()
    guideline.write_text("look well")
    world.recipe(ask="score < 0.5 OR score > 0.8", version="2", more='guideline = "guide.md"')
    with world.open() as repo:
        assert [] == repo.edited_guidelines()
    expect_asks(world, ALL)


# --- versions ---------------------------------------------------------------------------------------------------------


def expect_price(world, price, sources, n_reused):
    """See that a raised version asks what was said of it, in every figure."""
    planned = expect_asks(world, sources)
    n = len(sources)
    assert price == planned
    assert (n, n, n_reused) == (price.asks, price.new, price.reused)
    assert (20.0 * n, True) == (price.seconds, price.days > 0)


def test_a_raised_version_asks_all_anew(world):
    """Answers of the old one count no more; taken back, they do, and nobody is asked."""
    before = world.values()
    price = world.price("2")
    world.recipe(version="2")
    expect_price(world, price, UNSURE, 0)
    assert set(SURE) == set(world.values())

    world.recipe()
    expect_nothing(world)
    assert before == world.values()


def test_a_raised_version_that_accepts_old_answers_asks_nothing(world):
    """Of those; whoever is asked since is asked by the new version."""
    assert (0, 5) == ((price := world.price("2", ">=1")).new, price.reused)
    world.recipe(version="2", more='accept = ">=1"')
    assert price == expect_nothing(world)
    assert people_kept(world)
    world.recipe(version="2", more='accept = ">=1"', ask="score < 0.95")
    expect_asks(world, SURE)
    assert {"kind@2"} == {question["folder"].name for question in world.questions().values()}


def test_old_answers_are_read_by_a_function(world):
    """They are values of the new type then; those that cannot be read so are asked again, as the plan says."""
    (world.path / "answers.py").write_text(
        "def halved(rating):\n    return (1 / (rating != 3)) and (rating + 1) // 2\n"
    )
    world.recipe(version="2", more='accept = ">=1"\nformats = { "<2" = "answers:halved" }')
    unreadable = [source for source, rating in GIVEN.items() if rating == 3]
    planned = expect_asks(world, unreadable)

    assert len(GIVEN) - 1 == planned.reused
    expected = {source: (rating + 1) // 2 for source, rating in GIVEN.items() if rating != 3}
    assert expected == {source: world.values()[source][0] for source in expected}
    world.answer("bob")
    world.run()
    world.wait(1)
    world.run()
    expect_nothing(world)


def test_a_share_of_old_answers_is_asked_again(tmp_path):
    """By a hash, which the plan counts before; their values stay meanwhile, and the new answers replace them."""
    world = Keeping.init(tmp_path)
    sources = [f"s3://faces/{i:03}.jpg" for i in range(200)]
    accepting = 'accept = ">=1"\nresample = 0.05'
    world.recipe(more=accepting)
    world.deliver(dict.fromkeys(sources, (3, 0.2)))
    while world.run().posted:
        world.answer("ann", dict.fromkeys(sources, 2))
        world.wait(1)
    before = world.values()
    spec = TaskSpec("kind", parse_type("rating(5)"), version="2", resample=Decimal("0.05"))
    again = [source for source in sources if is_resampled(spec, source)]
    price = world.price("2")
    world.recipe(version="2", more=accepting)
    planned = world.plan()
    sent = world.run()

    assert 2 <= len(again) <= 20
    assert price == planned
    assert (len(again), len(again), 200) == (planned.asks, planned.new, planned.reused)
    assert 20.0 * len(again) == planned.seconds
    assert (len(again), dict.fromkeys(again, "adjust")) == (sent.posted, world.asked())
    assert before == world.values()
    world.answer("bob", dict.fromkeys(sources, 5))
    world.run()
    expect_nothing(world)
    assert {s: 5 if s in again else 2 for s in sources} == {s: found[0] for s, found in world.values().items()}


# --- old labels -------------------------------------------------------------------------------------------------------

OLD = 'answers = { from = "labels", value = "label", annotator = "who", at = "at" }'


def label(source, value, who="eve", at="2026-01-01T00:00:00Z"):
    """Return a document of the label system."""
    return {"uri": source, "label": value, "who": who, "at": at}


def test_day_one_asks_nothing_that_is_labelled_already(tmp_path):
    """And what the label system says later is taken as well: a new label, a correction, one that goes."""
    world = Keeping.init(tmp_path)
    world.write_documents("labels", [label(source, 2) for source in UNSURE[:3]])
    world.recipe(more=OLD)
    world.deliver(dict.fromkeys(UNSURE, (3, 0.2)) | dict.fromkeys(SURE, (4, 0.9)))
    assert 3 == expect_asks(world, UNSURE[3:]).reused
    assert dict.fromkeys(UNSURE[:3], (2, "human", "final")) == {s: world.values()[s] for s in UNSURE[:3]}

    # Labelled elsewhere while it is asked here: the question is taken back.
    documents = [label(source, 2) for source in UNSURE[:4]] + [label(UNSURE[0], 5, at="2026-02-01T00:00:00Z")]
    world.write_documents("labels", documents)
    with world.open() as repo:
        repo.ingest()
    planned = world.plan()
    sent = world.run()
    assert (1, 0, 2) == (planned.asks, planned.new, planned.reused)
    assert (0, 1, {UNSURE[4]: "adjust"}) == (sent.posted, sent.dropped, world.asked())
    assert (5, 2) == (world.values()[UNSURE[0]][0], world.values()[UNSURE[3]][0])

    # What was said was said, though the label system forgets it.
    world.write_documents("labels", [])
    with world.open() as repo:
        repo.ingest(full=True)
    before = world.values()
    assert (1, 0) == ((planned := world.plan()).asks, planned.new)
    assert 0 == world.run().posted
    assert before == world.values()


# --- branches, clones, datasets ---------------------------------------------------------------------------------------


def test_a_deleted_branch_takes_no_answer_along(world):
    """What was asked and answered there alone is known everywhere."""
    with world.open() as repo:
        repo.commit("rated")
        repo.switch("exp", create=True)
    world.recipe(ask="score < 0.95")
    expect_asks(world, SURE)
    world.answer("bob", dict.fromkeys(SURE[:4], 1))
    world.run()
    with world.open() as repo:
        repo.commit("more")
        repo.switch("main")
        repo.delete_branch("exp", force=True)
    world.recipe()
    expect_nothing(world)
    world.recipe(ask="score < 0.95")
    expect_asks(world, SURE[4:])  # taken back with the branch, and nobody had answered them

    assert 5 + 4 == world.n_answers()
    assert dict.fromkeys(SURE[:4], (1, "human", "final")) == {s: world.values()[s] for s in SURE[:4]}
    assert people_kept(world)


def test_a_clone_a_checkout_and_a_dataset_lose_nothing(world):
    """Going back and forth in history, with datasets that go and come, asks nobody."""
    with world.open() as repo:
        first = repo.commit("rated").id
    world.recipe(tail="")
    expect_nothing(world)
    with world.open() as repo:
        repo.commit("no dataset")
    world.recipe()
    expect_nothing(world)
    with world.open() as repo:
        repo.commit("with datasets")
        repo.checkout(first)
    expect_nothing(world)
    other = world.clone("other")
    expect_nothing(other)
    assert people_kept(world)
    assert people_kept(other)


def test_sources_that_go_and_come_again_are_not_asked_again(world):
    """Their records were removed with them; what people said of this content was not. Other content is another."""
    documents = dict(world.models), dict(world.etags)
    world.models, world.etags = {}, {}
    world.deliver({source: documents[0][source][:2] for source in SURE})
    with world.open() as repo:
        repo.ingest(full=True)
    expect_nothing(world)
    assert set(SURE) == set(world.values())
    world.deliver({source: documents[0][source][:2] for source in UNSURE})
    assert 5 == expect_nothing(world).reused
    assert people_kept(world)

    changed = {UNSURE[0]: "e1", SURE[0]: "e1"}
    world.etags |= changed
    world.deliver({source: documents[0][source][:2] for source in changed})
    assert 0 == expect_asks(world, UNSURE[:1]).reused
    world.etags |= dict.fromkeys(changed, "e0")
    world.deliver({source: documents[0][source][:2] for source in changed})
    assert 0 == world.plan().new
    assert 0 == world.run().posted
    assert people_kept(world)


def test_removing_a_task_and_adding_it_again_asks_nothing(world):
    """Its signal went with it; what people said stayed."""
    text = (world.path / "dsvc.toml").read_text()
    (world.path / "dsvc.toml").write_text(text[: text.index("[task.kind]")])
    with world.open() as repo:
        repo.run()
        assert "kind" not in repo.view("@draft").signals
    (world.path / "dsvc.toml").write_text(text)
    expect_nothing(world)
    assert people_kept(world)


def test_a_task_of_another_name_is_another_question(world):
    """Its name is part of what is asked, as the plan warns before; under the old name nobody is asked again."""
    text = (world.path / "dsvc.toml").read_text()
    (world.path / "dsvc.toml").write_text(text.replace("task.kind", "task.sort").replace('"kind', '"sort'))
    with world.open() as repo:
        [planned], [warning] = repo.plan().tasks, repo.plan().warnings
    told = "a task's name is part of what is asked, and answers to kind do not count for it"
    assert f"task sort is new: {told}" == warning
    assert ("sort", 5, 5, 0) == (planned.name, planned.asks, planned.new, planned.reused)
    (world.path / "dsvc.toml").write_text(text)
    expect_nothing(world)


def test_a_condition_decides_what_is_asked_and_not_what_is_kept(world):
    """A final answer stays when its source no longer matches; a condition edited back asks nothing."""
    before = world.values()
    world.recipe(ask="score > 0.8")
    expect_asks(world, SURE)
    assert people_kept(world)
    world.answer("bob", dict.fromkeys(SURE[:2], 5))
    world.run()
    world.recipe()
    expect_nothing(world)
    after = world.values()
    assert {s: after[s] for s in ALL if s not in SURE[:2]} == {s: before[s] for s in ALL if s not in SURE[:2]}
    assert dict.fromkeys(SURE[:2], (5, "human", "final")) == {s: after[s] for s in SURE[:2]}


# --- what is on its way -----------------------------------------------------------------------------------------------


def test_nothing_is_planned_that_is_on_its_way(world):
    """A condition that is edited and edited back before anybody could answer: the questions are still out there."""
    world.recipe(ask="score < 0.95")
    expect_asks(world, SURE)
    world.recipe()
    with world.open() as repo:
        repo.run()  # alone: nothing is sent, and nothing taken back
    world.recipe(ask="score < 0.95")
    planned = world.plan()
    sent = world.run()

    assert (7, 0, 0, 7) == (planned.asks, planned.new, planned.shared, planned.answers)
    assert (0, 0) == (sent.new, sent.posted)


def test_work_is_counted_in_missing_answers_at_the_measured_time(world):
    """Two people each, of whom one has answered some; hours and days follow, and are there for programs."""
    world.recipe(ask="score < 0.95", more="overlap = { min = 2, max = 2 }")
    planned = world.plan()
    world.run()
    world.answer("ann", dict.fromkeys(SURE[:3], 4), seconds=60)
    later = world.plan()
    world.run()
    with world.open() as repo:
        told = repo.plan().to_json()["tasks"]
        _, [platform] = repo.annotate_status()

    assert (12, 19, 19 * 20.0) == (planned.asks, planned.answers, planned.seconds)
    assert planned.days == pytest.approx(19 * 20 / 86_400 / 1.0)
    assert (12, 19) == (later.asks, later.answers)  # what nobody took in is not known
    [found] = told
    assert (12, 0, 16, 16 * 20.0) == (found["asks"], found["new"], found["answers"], found["seconds"])
    assert found["days"] == pytest.approx(16 * 20 / 86_400 / platform.pace)
    assert list(found) == list(json.loads(json.dumps(found)))


def test_a_class_that_is_added_asks_no_answered_source_again(tmp_path):
    """Questions that are out do not offer it: they are asked anew. Answers are still classes, and stay."""
    world = Keeping.init(tmp_path, "class(cat, dog)")
    world.recipe()
    world.deliver(dict.fromkeys(UNSURE, ("cat", 0.2)) | dict.fromkeys(SURE, ("dog", 0.9)))
    world.run()
    world.answer("ann", dict.fromkeys(UNSURE[:3], "dog"))
    world.run()
    before = world.values()
    world.type = "class(cat, dog, eel)"
    world.recipe()
    with world.open() as repo:
        repo.ingest()
    planned = world.plan()
    sent = world.run()

    assert (2, 2, 3) == (planned.asks, planned.new, planned.reused)
    assert (2, 2, 2) == (sent.new, sent.posted, sent.dropped)
    assert dict.fromkeys(UNSURE[3:], "adjust") == world.asked()
    assert before == world.values()
