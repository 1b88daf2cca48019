"""A repository asks people: whole loops through the platform `files`, compared with what must come out."""

import json
import shutil

import pytest

from dsvc.errors import StagingError, UserError
from tests.people.world import World

NO_AUDIT = ""


@pytest.fixture(name="world")
def make_world(tmp_path):
    """Twelve images, a task with an audit."""
    return World(tmp_path)


@pytest.fixture(name="plain")
def make_plain(tmp_path):
    """The same without an audit, shown by pointers."""
    return World(tmp_path, audit=NO_AUDIT, image="pointer")


def test_loop_ends_as_a_sequential_oracle_says(tmp_path):
    """Uncertain boxes are asked, a sample is audited, a lot fails and goes round; all is final, and right."""
    world = World(tmp_path, wrong=1)  # of all images, so that any sample finds it
    world.finish()
    with world.open() as repo:
        tasks, _ = repo.annotate_status()

    assert world.expected() == world.boxes()
    assert {"final": 12} == dict(tasks[0].standings)
    assert dict(tasks[0].lots)["failed"] >= 1


def test_two_datasets_share_one_ask(plain):
    """Both want the boxes; each uncertain image is one question."""
    report = plain.sync()

    assert (4, 4, 4) == (report.new, report.posted, len(plain.questions()))
    assert plain.sync().did_nothing


def test_branches_share_one_ask(plain):
    """Another branch that wants the same adds nothing but its name."""
    plain.sync()
    with plain.open() as repo:
        repo.commit("boxes")
        repo.branch("exp")
        repo.switch("exp")
    report = plain.sync()
    with plain.open() as repo:
        asks = repo.asks()

    assert (0, 4, 0) == (report.new, report.shared, report.posted)
    assert {("exp", "main")} == {status.subscribers for status in asks}


def test_a_deleted_branch_wants_nothing(plain):
    """What it alone wanted is taken back; what others want stays."""
    plain.sync()
    with plain.open() as repo:
        repo.commit("boxes")
        repo.branch("exp")
        repo.switch("exp")
    recipe = plain.path / "dsvc.toml"
    recipe.write_text(recipe.read_text().replace("< 0.8", "< 0.99"))
    plain.sync()
    asked = len(plain.questions())
    with plain.open() as repo:
        repo.switch("main", discard=True)
        repo.delete_branch("exp", force=True)
    plain.sync()

    assert (12, 4) == (asked, len(plain.questions()))


def test_dry_run_writes_nothing(plain):
    """It says what would be asked; no question goes out."""
    report = plain.sync(dry_run=True)

    assert (4, {"faces": 4}) == (report.new, dict(report.wanted))
    assert [] == plain.questions()


def test_answers_and_only_answers_change_the_signal(plain):
    """What people said is in the draft after a pass, and nothing is asked again."""
    plain.sync()
    plain.answer("ann")
    report = plain.sync()

    assert (4, 0) == (report.answers, report.posted)
    assert plain.expected() == plain.boxes()
    assert plain.sync().did_nothing


def test_lost_state_costs_uploads_and_no_answers(world):
    """The op store is deleted at every step; the end is the same, and every answer is there once."""
    n_answers = 0
    for turn in range(14):
        shutil.rmtree(world.path / ".dsvc" / "annotation", ignore_errors=True)
        world.sync()
        n_answers += world.answer(("ann", "ben", "cleo")[turn % 3], limit=3)
        shutil.rmtree(world.path / ".dsvc" / "annotation", ignore_errors=True)
        world.wait(1)
    world.finish()
    said = [(answer.ask_id, answer.annotator) for answer in world.answers()]

    assert world.expected() == world.boxes()
    assert len(said) == len(set(said))
    assert len(said) >= n_answers


def test_no_copy_outlives_a_day(plain, tmp_path_factory):
    """Copies of unanswered asks go within 24 hours and are staged anew; with all answered none is left."""
    world = World(tmp_path_factory.mktemp("staged"), audit=NO_AUDIT)
    world.sync()
    first = world.staged()
    world.wait(30)
    report = world.sync()
    second = world.staged()
    world.answer("ann")
    world.sync()

    assert 4 == len(first) == len(second)
    assert set(first).isdisjoint(second)
    assert 4 == sum(turn.expired for turn in report.platforms)
    assert [] == world.staged()


def test_what_expired_is_asked_again_and_a_late_answer_counts(tmp_path):
    """An answer to the first attempt comes after the second began: it is one answer."""
    world = World(tmp_path, audit=NO_AUDIT)
    world.sync()
    late = world.questions()[0]
    world.wait(30)
    world.sync()
    source = world.source_of(late)
    with (world.folder / "answers" / "late.jsonl").open("w") as file:
        import json

        file.write(json.dumps({"key": late["key"], "value": world.truth[source], "at": world.now_us}) + "\n")
    world.sync()

    assert world.truth[source] == world.boxes()[source]
    assert 1 == len(world.answers())


def test_staging_without_a_rule_of_its_own_is_refused(tmp_path):
    """Before the first copy; `annotate check` says the same."""
    world = World(tmp_path, audit=NO_AUDIT)
    recipe = tmp_path / "dsvc.toml"
    recipe.write_text(recipe.read_text().replace('expiry   = "rolling"\n', ""))
    with pytest.raises(StagingError):
        world.sync()
    with world.open() as repo:
        (found,) = repo.annotate_check()

    assert [] == world.staged()
    assert not found.is_well


def test_cancelled_asks_are_not_asked_until_told(plain):
    """An ask that is cancelled goes from the platform; told so, it comes back."""
    plain.sync()
    key = plain.questions()[0]["key"].partition("#")[0]
    with plain.open() as repo:
        repo.cancel([key[:10]])
    plain.sync()
    n_cancelled = len(plain.questions())
    with plain.open() as repo:
        repo.cancel([key], again=True)
    plain.sync()

    assert (3, 4) == (n_cancelled, len(plain.questions()))


def test_asks_are_found_by_their_first_digits(plain):
    """With too few digits, or none that fit, the error says what to do."""
    plain.sync()
    with plain.open() as repo:
        status = repo.asks("faces")[0]

        assert status.ask == repo.ask(status.ask.ask_id.hex()[:12]).ask
        for wrong in ("0" * 64, "ab", "xyz!"):
            with pytest.raises(UserError):
                repo.ask(wrong)
        with pytest.raises(UserError):
            repo.asks("face")


def test_agreement_and_cost(plain):
    """People agree with what they said, not with a model that was wrong; seconds are summed."""
    plain.sync()
    plain.answer("ann")
    plain.sync()
    with plain.open() as repo:
        people = repo.agreement("faces")
        model = repo.agreement("faces", against="model")
        costs, effects = repo.annotation_cost()

    assert (4, 4) == next((item.sources, item.near) for item in people if item.against == "result")
    assert (4, 2) == (model[0].sources, model[0].near)
    assert [(4, 48.0)] == [(cost.answers, cost.seconds) for cost in costs]
    assert [4] == [effect.issues for effect in effects]


def test_status_of_what_waits(plain):
    """Backlog, open asks and a projected finish; afterwards there is nothing to do."""
    plain.sync()
    with plain.open() as repo:
        (task,), (platform,) = repo.annotate_status()

    assert (4, 4, 0) == (task.open, task.missing, task.answers)
    assert platform.backlog_s > 0
    assert platform.finish_us is not None


def test_repository_without_tasks_asks_nobody(tmp_path):
    """Nothing is opened, and nothing is said."""
    world = World(tmp_path, audit=NO_AUDIT)
    recipe = tmp_path / "dsvc.toml"
    recipe.write_text(recipe.read_text().partition("[platform")[0])

    assert world.sync().did_nothing
    assert not (tmp_path / ".dsvc" / "annotation").exists()


def test_what_is_cancelled_stays_so_without_the_op_store(plain):
    """Also in what a pass would do and in the figures; asked again, it stays so as well. A late answer counts."""
    plain.sync()
    key = plain.questions()[0]["key"]
    ask = key.partition("#")[0]
    source = plain.source_of({"key": key})
    wipe = lambda: shutil.rmtree(plain.path / ".dsvc" / "annotation")  # noqa: E731
    with plain.open() as repo:
        repo.cancel([ask])
    wipe()
    foreseen = plain.sync(dry_run=True)
    plain.sync()
    with plain.open() as repo:
        (task,), _ = repo.annotate_status()
        stopped = [(one.ask.source, one.state, one.reason) for one in repo.asks() if one.state == "PARKED"]
        repo.cancel([ask], again=True)
    n_cancelled = len(plain.questions())
    wipe()
    plain.sync()
    again = {question["key"].partition("#")[0] for question in plain.questions()}
    with plain.open() as repo:
        repo.cancel([ask])
        (after,), _ = repo.annotate_status()
    (plain.folder / "answers" / "late.jsonl").write_text(json.dumps({"key": key, "value": plain.truth[source]}) + "\n")
    plain.sync()

    assert (3, 3, 1) == (dict(foreseen.wanted)["faces"], n_cancelled, task.cancelled)
    assert [(source, "PARKED", "cancelled")] == stopped
    assert (4, True, 1) == (len(again), ask in again, after.cancelled)
    assert plain.truth[source] == plain.boxes()[source]


def test_an_ask_that_was_never_sent_can_be_cancelled(plain):
    """It is not asked then."""
    with plain.open() as repo:
        first = repo.asks()[0]
        repo.cancel([first.ask.ask_id.hex()])
    plain.sync()

    assert 3 == len(plain.questions())
    assert first.ask.ask_id.hex() not in {question["key"].partition("#")[0] for question in plain.questions()}


def write_answer(world, who, **said):
    """Append a line to somebody's answers."""
    with (world.folder / "answers" / f"{who}.jsonl").open("a") as file:
        file.write(json.dumps(said) + "\n")


def test_what_does_not_fit_is_kept_and_said_whatever_is_lost(plain):
    """Neither the op store nor the platform has it any more: it is told why, and by whom under no name of theirs."""
    plain.sync()
    key = plain.questions()[0]["key"]
    write_answer(plain, "anna", key=key, annotator="anna", value=[{"x": "left"}], at=plain.now_us)
    report = plain.sync()
    again = plain.sync()
    shutil.rmtree(plain.path / ".dsvc" / "annotation")
    (plain.folder / "answers" / "anna.jsonl").unlink()
    with plain.open() as repo:
        (task,), (platform,) = repo.annotate_status()
        (shown,) = repo.ask(key.partition("#")[0]).problems
    (problem,) = task.problems

    assert (1, 0) == (report.platforms[0].quarantined, again.platforms[0].quarantined)
    assert (1, 1) == (task.misfits, platform.quarantined)
    assert (key.partition("#")[0], shown.why, shown.raw) == (problem.ask, problem.why, problem.raw)
    assert '"left"' in problem.raw
    assert "anna" not in repr(problem)
    assert problem.why


def test_what_is_put_right_is_no_problem_any_more(plain):
    """The same person answers again, as it should be; what was wrong stays in the ledger."""
    plain.sync()
    key = plain.questions()[0]["key"]
    write_answer(plain, "anna", key=key, value=[{"x": "left"}], at=plain.now_us)
    plain.sync()
    write_answer(plain, "anna", key=key, value=[], at=plain.now_us + 1)
    plain.sync()
    with plain.open() as repo:
        (task,), _ = repo.annotate_status()

        assert (0, ()) == (task.misfits, task.problems)
        assert 1 == len(repo.ask(key.partition("#")[0]).problems)


def test_old_answers_that_cannot_be_read_are_told(plain):
    """With what the adapter says of them; they count for nothing, and are there when it is mended."""
    plain.finish()
    (plain.path / "old.py").write_text("def read(value):\n    raise ValueError('no such box')\n")
    recipe = plain.path / "dsvc.toml"
    text = recipe.read_text().replace("[task.faces]", '[task.faces]\nversion = "2"\naccept  = ">=1"\n#formats')
    recipe.write_text(text.replace("#formats", 'formats = { "<2" = "old:read" }\n'))
    with plain.open() as repo:
        (task,), _ = repo.annotate_status()

    assert (4, 4) == (task.unreadable, len(task.problems))
    assert {"1"} == {problem.version for problem in task.problems}
    assert all("no such box" in problem.why for problem in task.problems)
