"""Answers that come late, twice, in another order, to another version, or without a look: through a repository."""

import random

import pytest

from dsvc.annotation.overview import iter_requests
from tests.people.fault_world import FaultWorld, a_place, made_anew, signals_of


@pytest.fixture(name="world")
def _world():
    """Six images of which three are asked about, and a platform with people; nothing is audited."""
    with a_place() as place, FaultWorld(place / "a", is_audited=False) as world:
        yield world


@pytest.fixture(name="audited")
def _audited():
    """The same, with lots of three of which half is looked at."""
    with a_place() as place, FaultWorld(place / "a", lot=3) as world:
        yield world


def tasks_of(world, name):
    """Return the tasks of one version at the platform."""
    return [task for task in world.server.tasks.values() if task.project == name]


def test_an_answer_in_the_second_in_which_its_copy_expires_counts(world):
    """It comes after the pass has asked the platform for news, and before that pass takes the question back."""
    world.turn()
    task = tasks_of(world, "faces@1")[0]
    source = world.look(task)
    changed, platform_calls = world.server.changed, []

    def changed_then_submitted(project, since_us):
        found = changed(project, since_us)
        if project == "faces@1" and not platform_calls:
            platform_calls.append(project)
            world.submit(task, "ann")
        return found

    world.wait(23.9)
    world.server.changed = changed_then_submitted
    report = world.turn()

    assert [] == world.broken_promises(report)
    assert world.who(task, "ann") in world.held()
    world.turn()
    assert world.expected("faces")[0][source] == world.values("faces")[0][source]
    assert [task.key] == [other.key for other in tasks_of(world, "faces@1") if world.look(other) == source]


def test_an_answer_to_the_first_attempt_counts_once_when_the_second_is_open(world):
    """Of the same person, to both: the ask is answered, and the question that is still open is taken back."""
    world.turn()
    first = tasks_of(world, "faces@1")[0]
    source = world.look(first)
    world.submit(first, "ann", "skip")  # so that the platform keeps the first attempt's task
    world.turn()
    world.wait(24)
    world.turn()
    second = next(t for t in tasks_of(world, "faces@1") if not t.answers and world.look(t) == source)
    world.submit(first, "ben")
    world.submit(second, "ben")
    world.turn()
    world.wait(0.5)
    report = world.turn()
    answers = [one for one in world.answered()["faces"] if one.answer.source == source]

    assert first.key != second.key
    assert ["skip", "value"] == sorted(one.answer.outcome for one in answers)
    assert [] == world.broken_promises(report)
    assert [] == [t for t in tasks_of(world, "faces@1") if world.look(t) == source]


def test_a_sweep_ten_minutes_after_the_upload_is_survived(tmp_path):
    """The store was believed to keep copies for a day: what it swept is staged anew, and not parked."""
    with FaultWorld(tmp_path / "a", store_expiry="daily 09:10", is_audited=False, attempts=2) as world:
        world.turn()
        n_early = len(world.staged())
        world.wait(1 / 6)
        n_swept = len(world.staged())
        for _ in range(4):
            report = world.turn()
            assert [] == world.broken_promises(report)
            world.wait(0.5)
        seen = [world.look(task) for task in world.server.tasks.values()]

        assert (3, 0, 3) == (n_early, n_swept, len(world.staged()))
        assert (6, 12) == (len(seen), len(world.server.keys))
        assert None not in seen


def test_a_version_raised_while_questions_are_open_takes_their_answers_by_its_rule(world):
    """With `accept` they count, and nobody is asked again; without, they are kept and the new version asks."""
    world.turn()
    open_tasks = tasks_of(world, "faces@1")
    seen = {task.task_id: world.look(task) for task in open_tasks}
    world.submit(open_tasks[0], "ann")
    world.edit(r'version = "1"', 'version = "2"')
    world.turn()
    for task in open_tasks[1:]:
        if task.task_id in world.server.tasks:
            world.submit(task, "ann")
    report = world.turn()
    accepted = set(world.values("faces")[0])
    asked_again = {world.look(task) for task in tasks_of(world, "faces@2")}

    assert [] == world.broken_promises(report)
    assert seen[open_tasks[0].task_id] in accepted - asked_again
    world.edit(r'accept  = ">=1"', 'accept  = ">=2"')
    report = world.turn()
    assert [] == world.broken_promises(report)
    assert set(seen.values()) == {world.look(task) for task in tasks_of(world, "faces@2")}
    assert world.acknowledged <= world.held()


def test_rounds_that_never_agree_end_with_an_expert_and_then_contested(audited):
    """Every auditor rejects what the one before gave, and the expert cannot tell: that is said, and nobody is asked."""
    for turn in range(40):
        report = audited.turn()
        assert [] == audited.broken_promises(report)
        for task in list(audited.server.tasks.values()):
            boxes = [{"x": 3.0 * turn, "y": 9.0, "w": 20.0, "h": 20.0}]
            who = f"person {turn}"
            if task.answers or audited.look(task) is None:
                continue
            if task.project.startswith("quality"):
                audited.submit(task, who)
            elif task.question.mode == "adjudicate":
                audited.submit(task, who, "skip")
            else:
                audited.server.submit(task.task_id, who, "value", boxes)
                audited.acknowledged.add(audited.who(task, who))
        audited.wait(0.5)
        if turn > 3 and not audited.repo.asks():
            break

    standings = audited.values("faces")[1]
    assert [] == audited.repo.asks()
    assert standings["contested"] >= 1
    assert {"contested", "final"} == set(standings)


def test_answers_about_a_lot_that_is_judged_change_nothing_but_their_own_value(audited):
    """It has failed and goes round; an auditor who had it open submits: it stays failed, and the item is theirs."""
    for image in range(6):
        audited.write_model(image, [{"x": 150.0, "y": 20.0, "w": 40.0, "h": 50.0}], 0.95)
    audited.repo.ingest()
    audited.repo.run()
    audited.turn()
    audits = [task for task in tasks_of(audited, "faces@1") if task.question.mode == "audit"]
    seen = {task.task_id: audited.look(task) for task in audits}
    audited.submit(audits[0], "ann")
    audited.turn()
    with audited.repo as repo:
        before = dict(repo.annotate_status()[0][0].lots)
        late = audits[1]
        audited.submit(late, "ben")
        report = audited.turn()
        after = dict(repo.annotate_status()[0][0].lots)
        assert before["failed"] >= 1
        assert after["failed"] >= before["failed"]
        assert [] == audited.broken_promises(report)
        assert audited.who(late, "ben") in audited.held()
        assert audited.truth[seen[late.task_id]][0]["x"] == boxes_of(repo, seen[late.task_id])[0]["x"]


def boxes_of(repo, source):
    """Return the boxes of one source in the draft."""
    return next(row["faces"] for row in repo.read("@draft", ["faces"]).to_pylist() if row["source"] == source)


@pytest.mark.parametrize("seed", range(2))
def test_the_order_of_arrival_takes_no_part(audited, tmp_path, seed):
    """Facts that come shuffled, doubled and in parts, with runs between, make the same bytes in another repository."""
    chance = random.Random(seed)
    for _ in range(6):
        audited.turn()
        for person in ("ann", "ben", "cleo"):
            audited.answer(person, chance.choice(["right", "wrong", "right", "skip"]), limit=2)
        audited.wait(3)
    audited.turn()
    audited.repo.run()

    assert signals_of(audited.repo) == made_anew(audited, tmp_path / "b", chance)
    assert len(audited.answered()["faces"]) > 5


def test_boxes_left_as_they_were_in_less_than_a_second_are_told_of(world):
    """What was shown is recorded with the answer, and whoever hardly looked is named by their pseudonym."""
    world.turn()
    shown = [task for task in tasks_of(world, "faces@1") if task.question.shown]
    for task in shown:
        world.server.submit(task.task_id, "ann", "value", task.question.shown, lead_s=0.4)
        world.server.submit(task.task_id, "ben", "value", task.question.shown, lead_s=12.0)
        world.acknowledged |= {world.who(task, "ann"), world.who(task, "ben")}
    world.turn()
    told = {
        one.who: (one.sources, one.near, one.hasty) for one in world.repo.agreement("faces") if one.against == "shown"
    }
    answers = [one.answer for one in world.answered()["faces"]]

    assert {(3, 3, 3), (3, 3, 0), (6, 6, 3)} == set(told.values())
    assert (3, 3, 3) == told[world.who(shown[0], "ann")[1]]
    assert all(answer.shown is not None for answer in answers)


def test_an_ask_that_nobody_answers_is_given_up_and_reported(tmp_path):
    """After so many copies that expired unseen it is parked with the reason; asked for again, it goes out again."""
    with FaultWorld(tmp_path / "a", is_audited=False, attempts=2) as world:
        for _ in range(6):
            assert [] == world.broken_promises(world.turn())
            world.wait(24)
        with world.ops() as ops:
            requests = list(iter_requests(ops))

        assert {("PARKED", 2)} == {(request.state, request.n_expired) for request in requests}
        assert all("expired" in request.reason for request in requests)
        assert [] == world.staged()
        world.repo.cancel([request.id for request in requests], again=True)
        world.turn()
        assert 6 == sum(not task.answers for task in world.server.tasks.values())
