"""The same question is one ask, whoever wants it: datasets, branches, clones. Counted is what people see."""

import shutil

import pytest

from tests.people.keeping_world import DATASETS, Keeping
from tests.people.world import World

N = 12
UNSURE = [f"s3://faces/{i:02}.jpg" for i in range(5)]
SURE = [f"s3://faces/{i:02}.jpg" for i in range(5, N)]


def deliver(world, version="1"):
    """Let a model rate all images, of which it is unsure about some."""
    world.deliver(dict.fromkeys(UNSURE, (3, 0.2)) | dict.fromkeys(SURE, (4, 0.9)), version)


@pytest.fixture(name="world")
def make_world(tmp_path):
    """Images that a model rated, three datasets that want the ratings, and nobody asked yet."""
    made = Keeping.init(tmp_path)
    made.recipe()
    deliver(made)
    return made


def figures(task):
    """Return what a plan says of a task's asks."""
    return {"asks": task.asks, "new": task.new, "shared": task.shared, "reused": task.reused, "answers": task.answers}


def switch(world, name, **kwargs):
    """Commit what there is, and go to another branch."""
    with world.open() as repo:
        repo.commit("so far", allow_empty=True, as_is=True)
        repo.switch(name, **kwargs)


def test_three_datasets_and_two_branches_cause_one_ask_an_image(world):
    """The plan says so before, a run does just that, and people see each image once."""
    first = world.plan()
    sent = world.run()
    switch(world, "exp", create=True)
    world.recipe(tail=DATASETS.replace("dataset.", "dataset.my_"))
    second = world.plan()
    again = world.run()
    with world.open() as repo:
        costs, [effects] = repo.annotation_cost()
        asks = repo.asks()

    assert {"asks": 5, "new": 5, "shared": 0, "reused": 0, "answers": 5} == figures(first)
    assert (5, 0, 5) == (sent.new, sent.shared, sent.posted)
    assert {"asks": 5, "new": 0, "shared": 0, "reused": 0, "answers": 5} == figures(second)  # its draft waits already
    assert (0, 5, 0) == (again.new, again.shared, again.posted)
    assert (5, 5, []) == (len(world.questions()), effects.issues, costs)
    assert UNSURE == [status.ask.source for status in asks]
    assert {("exp", "main")} == {status.subscribers for status in asks}


def test_a_branch_that_comes_to_want_the_same_shares_it(world):
    """It asked nobody before: the plan counts what others wait for, and the run sends the rest alone."""
    world.recipe(ask="score < 0")
    world.run()
    switch(world, "exp", create=True)
    world.recipe()
    assert {"asks": 5, "new": 5} == {name: figures(world.plan())[name] for name in ("asks", "new")}
    world.run()
    switch(world, "main")
    world.recipe(ask="score < 0.5 OR score > 0.8")
    planned = world.plan()
    sent = world.run()

    assert {"asks": N, "new": N - 5, "shared": 5, "reused": 0, "answers": N} == figures(planned)
    assert (N - 5, 5, N - 5) == (sent.new, sent.shared, sent.posted)
    assert N == len(world.questions()) == len(world.posted)


def test_an_answer_serves_all_who_wanted_it(world):
    """One person answers each image once; the other branch takes the values without a question."""
    world.run()
    switch(world, "exp", create=True)
    world.run()
    assert 5 == world.answer("ann", dict.fromkeys(UNSURE, 1))
    world.run()
    on_exp = world.values()
    switch(world, "main")
    planned = world.plan()
    sent = world.run()

    assert {"asks": 0, "new": 0, "shared": 0, "reused": 5, "answers": 0} == figures(planned)
    assert (0, 0, 0) == (sent.new, sent.shared, sent.posted)
    assert on_exp == world.values()
    assert {(1, "human", "final")} == {world.values()[source] for source in UNSURE}
    assert (5, 5) == (world.n_answers(), len(world.posted))


def test_two_tasks_are_two_questions(world):
    """What they mean may be the same today: their names are part of the question, and of the plan."""
    other = '[task.other]\ntype = "rating(5)"\nof = "guess"\nask = "score < 0.5"\n'
    world.recipe(tail=DATASETS + other)
    with world.open() as repo:
        planned = {task.name: task.new for task in repo.plan().tasks}
    sent = world.run()

    assert {"kind": 5, "other": 5} == planned
    assert (10, 10) == (sent.new, sent.posted)


# --- clones -----------------------------------------------------------------------------------------------------------


def test_a_copied_repository_asks_nothing_again(world):
    """Its op store is gone, its platform is not: what is out there is adopted, and answers come to both."""
    world.run()
    other = world.clone("other")
    planned = other.plan()
    sent = other.run()
    assert {"asks": 5, "new": 0, "shared": 0, "reused": 0, "answers": 5} == figures(planned)
    assert 0 == sent.posted
    assert 5 == world.answer("ann", dict.fromkeys(UNSURE, 2))
    for clone in (world, other):
        report = clone.run()
        assert (5, 0) == (report.answers, report.posted)

    assert world.values() == other.values()
    assert (5, 5) == (world.n_answers(), other.n_answers())
    assert 5 == len({*world.posted, *other.posted})


def test_a_clone_that_comes_late_asks_nothing_that_its_ledger_holds(world):
    """The platform has forgotten the questions by then; the copied ledger has the answers."""
    world.run()
    world.answer("ann", dict.fromkeys(UNSURE, 2))
    world.run()
    world.wait(2)
    world.run()
    assert {} == world.questions()
    other = world.clone("other")
    with other.open() as repo:
        before = repo.view("@draft").root_id

    assert {"asks": 0, "new": 0, "shared": 0, "reused": 0, "answers": 0} == figures(other.plan())
    assert other.run().did_nothing
    with other.open() as repo:
        assert before == repo.view("@draft").root_id


def test_two_op_stores_over_one_ledger_ask_each_image_once(tmp_path):
    """Work goes on with one and the other in turn; each question is posted once, each copy is staged once."""
    world = World(tmp_path, audit="")
    recipe = tmp_path / "dsvc.toml"
    recipe.write_text(recipe.read_text().replace("< 0.8", "< 0.99"))
    ours, theirs, unused = world.path / ".dsvc" / "annotation", tmp_path / "theirs", tmp_path / "unused"
    posted = uploaded = 0
    for _ in range(N + 4):
        report = world.sync()
        posted += report.posted
        uploaded += sum(item.uploaded for item in report.platforms)
        world.answer("ann", limit=1)
        world.wait(0.5)
        ours.rename(unused)
        if theirs.exists():
            theirs.rename(ours)
        unused.rename(theirs)

    assert world.truth == world.boxes()
    assert (N, N, N) == (len(world.answers()), posted, uploaded)
    assert ([], []) == (world.questions(), world.staged())


def test_two_op_stores_that_ask_at_once_go_on_with_one_question(tmp_path):
    """Neither could see the other's; from then on nothing is posted or staged any more, whoever is at work."""
    world = World(tmp_path, audit="")
    ours, theirs, unused = world.path / ".dsvc" / "annotation", tmp_path / "theirs", tmp_path / "unused"
    world.sync()
    asks = world.folder / "asks.jsonl"
    first = asks.read_text()
    asks.unlink()
    world.wait(0.1)
    ours.rename(theirs)
    assert 4 == world.sync().posted
    asks.write_text(first + asks.read_text())
    for _ in range(4):
        ours.rename(unused)
        theirs.rename(ours)
        unused.rename(theirs)
        world.wait(0.3)
        report = world.sync()
        assert (0, 0) == (report.posted, sum(item.uploaded for item in report.platforms))

    assert (4, 4) == (len(world.questions()), len(world.staged()))
    world.answer("ann")
    world.sync()
    assert world.expected() == world.boxes()
    assert 4 == len(world.answers())


def test_three_datasets_and_two_branches_cause_one_copy_an_image(tmp_path):
    """Staged once, whoever wants it; and gone once it is answered."""
    world = World(tmp_path, audit="")
    first = world.sync()
    with world.open() as repo:
        repo.commit("boxes")
        repo.switch("exp", create=True)
    second = world.sync()
    copies = world.staged()
    shutil.rmtree(world.path / ".dsvc" / "annotation")
    third = world.sync()

    assert ([4, 0, 0], 4) == ([sum(t.uploaded for t in r.platforms) for r in (first, second, third)], len(copies))
    assert [4, 0, 0] == [report.posted for report in (first, second, third)]
    assert copies == world.staged()
    world.answer("ann")
    world.sync()
    assert 4 == len(world.answers())
