"""Comparing what the platform holds with what the op store says."""

import contextlib
import dataclasses

import pytest

from dsvc.annotation.opstores.lease import LEASE_US
from dsvc.annotation.staging.stages import Stages
from dsvc.annotation.turns.dispatch import Dispatcher, Served
from dsvc.annotation.turns.showing import read_key
from dsvc.testing.annotation_lab import FORM, AnnotationLab, CrashError
from dsvc.testing.fake_platform import FakePlatform


def test_a_question_of_an_attempt_that_is_over_is_withdrawn():
    """It was posted, the answer was lost, and the copy has gone meanwhile."""
    lab = AnnotationLab()
    lab.want(1)
    lab.server.faults.lost_imports = 1
    lab.turn()
    lab.server.faults.refused = 99
    lab.wait(24)
    lab.turn()
    lab.server.faults.refused = 0
    lab.restart()
    lab.turn()

    assert {"OPEN": 1} == lab.states()
    assert 1 == len(lab.server.tasks)


def test_what_another_clone_posted_is_left_to_it():
    """Until it is a day too old; then it is nobody's."""
    lab = AnnotationLab()
    lab.want(1)
    lab.turn()
    lab.wipe()
    lab.turn()
    assert 1 == len(lab.server.tasks)

    lab.wait(47)
    lab.turn()
    assert 1 == len(lab.server.tasks)
    lab.wait(2)
    lab.turn()
    assert {} == lab.server.tasks


def test_a_second_clone_asks_nothing_again():
    """What is shown already is adopted, and its answer counts for both."""
    lab = AnnotationLab()
    lab.want(1)
    lab.turn()
    lab.wipe()
    lab.want(1)
    lab.turn()

    assert 1 == lab.server.n_posted
    assert {"OPEN": 1} == lab.states()
    lab.answer("ada")
    assert 1 == lab.turn().n_closed


def test_tasks_made_by_hand_are_left_alone():
    """They are none of ours."""
    lab = AnnotationLab()
    lab.want(1)
    lab.turn()
    [task] = lab.server.tasks.values()
    lab.server.import_tasks(FORM.project, [type(task.question)("by hand", "label", "x")])
    lab.wait(80)
    lab.restart()
    lab.turn()

    assert "by hand" in {one.key for one in lab.server.tasks.values()}


def test_a_question_with_no_place_for_anybody_new_is_asked_again():
    """Its only answer fits nothing, and the platform gives it to nobody else."""
    lab = AnnotationLab()
    lab.want(1)
    lab.turn()
    [task] = lab.server.tasks.values()
    lab.server.submit(task.task_id, "ada", "value", 99)
    lab.wait(1)
    lab.turn()

    assert 2 == lab.server.n_posted
    assert {"OPEN": 1} == lab.states()


def test_a_copy_that_no_ask_uses_goes():
    """Its ask was cut short after it had joined, and is wanted no more."""
    lab = AnnotationLab()
    lab.dispatcher.stages.join(b"x", "nobody", lambda: lab.picture(lab.ask(9)).render(), "image/png", 1)
    assert 1 == len(lab.store.keys)
    lab.turn()

    assert set() == lab.store.keys


def test_what_is_cancelled_before_its_posting_was_heard_of_is_taken_back():
    """The platform is asked whether it has it; where it does not answer, the next look finds it."""
    lab = AnnotationLab()
    lab.want(1)
    lab.server.faults.lost_imports = 1
    lab.turn()
    request = lab.dispatcher.requests.get(lab.ask(1).ask_id.hex())

    assert ("STAGED", "", 1) == (request.state, request.task_id, len(lab.server.tasks))
    lab.dispatcher.end(request, "cancelled")
    assert {} == lab.server.tasks
    assert set() == lab.store.keys


def clone_of(lab):
    """Return another clone: an op store of its own, before the same platform, staging store, ledger and clock."""
    other = AnnotationLab(platform=FakePlatform(lab.server))
    other.clock, other.store, other.server, other.log = lab.clock, lab.store, lab.server, lab.log
    other.wipe()
    return other


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("state", ["OPEN", "STAGED"])
def test_two_clones_that_posted_at_once_go_on_with_one_question(first, state):
    """Whoever looks first, they agree on which stands: it is posted no more, and one copy is left till it is done."""
    lab = AnnotationLab()
    both = lab, clone_of(lab)
    both[0].want(1)
    both[0].turn()
    lab.wait(0.1)
    there, lab.server.tasks = lab.server.tasks, {}
    both[1].want(1)
    lab.server.faults.lost_imports = int(state == "STAGED")
    both[1].turn()
    lab.server.tasks |= there
    assert ({state: 1}, 2) == (both[1].states(), len(lab.server.tasks))
    for turn in range(6):
        lab.wait(1.1)
        both[(first + turn) % 2].turn()

    assert (2, 1, 1) == (lab.server.n_posted, len(lab.server.tasks), len(lab.store.keys))
    assert [{"OPEN": 1}] * 2 == [one.states() for one in both]
    lab.answer("ada")
    for one in both * 2:
        one.turn()
        lab.wait(0.6)  # who has not taken the answer in finds it in the ledger within an hour
    assert (1, set()) == (len(lab.log.answers), set(lab.store.keys))
    assert {} == lab.server.tasks


def test_the_next_attempt_of_one_clone_is_that_of_all():
    """The copy expires for both; who comes first asks again, and the other goes on with that."""
    lab = AnnotationLab()
    both = lab, clone_of(lab)
    for one in both:
        one.want(1)
        one.turn()
    assert 1 == lab.server.n_posted
    for n_posted in (2, 3, 4):
        lab.wait(24.5)
        for one in both * 2:
            one.turn()
        assert (n_posted, 1) == (lab.server.n_posted, len(lab.server.tasks))


def second(lab):
    """Return another process over the same op store."""
    served = [Served(FORM, lab.picture, 30.0, 5, None)]
    return Dispatcher(
        lab.ops,
        FakePlatform(lab.server),
        lab.log,
        lab.clock,
        served,
        stages=Stages(lab.ops, lab.store, lab.expiry, lab.clock),
        pseudonym=lambda name: f"p-{name}",
        find_ask=lab.asks.get,
        policy=lab.policy,
        owner="second",
    )


def keys_of(lab):
    """Return the keys of what is shown, sorted."""
    return sorted(task.key for task in lab.server.tasks.values())


def test_of_a_question_that_is_there_twice_one_is_withdrawn():
    """Two turns posted at once, one of them slower than its lease; the one that was answered stays."""
    lab = AnnotationLab()
    for number in range(3):
        lab.want(number)
    post, is_second = lab.server.import_tasks, []

    def slow(project, questions):
        if not is_second:
            is_second.append(True)
            lab.now_us += LEASE_US + 1
            second(lab).turn()
        return post(project, questions)

    lab.server.import_tasks = slow
    lab.turn()
    twice = keys_of(lab)
    assert 6 == len(twice)
    later = [task for task in lab.server.tasks.values() if task.key == twice[0]][-1]
    lab.server.submit(later.task_id, "ada", "value", 4, lead_s=30.0)
    lab.wait(1)
    lab.restart()
    lab.turn()

    assert twice[::2] == keys_of(lab)
    assert {"OPEN": 2, "CLOSED": 1} == lab.states()
    assert later.task_id in lab.server.tasks


def test_a_turn_that_is_at_work_keeps_its_lease():
    """However long it takes, another one leaves the platform to it as long as it goes on."""
    lab = AnnotationLab()
    lab.platform = FakePlatform(lab.server, capabilities=dataclasses.replace(lab.platform.capabilities, batch=1))
    lab.restart()
    for number in range(6):
        lab.want(number)
    post, busy = lab.server.import_tasks, []

    def slow(project, questions):
        lab.now_us += LEASE_US // 2
        busy.append(second(lab).turn().is_busy)
        return post(project, questions)

    lab.server.import_tasks = slow
    lab.turn()

    assert [True] * 6 == busy
    assert 6 == len(set(keys_of(lab))) == len(keys_of(lab))


def crash_after_posting():
    """Return a lab whose process ended when a question was out and nobody here was told."""
    for n_writes in range(100):
        lab = AnnotationLab()
        lab.want(1)
        lab.ops.crash_in = n_writes
        with contextlib.suppress(CrashError):
            lab.turn()
        lab.restart()
        if lab.server.tasks and {"STAGED": 1} == lab.states():
            return lab
    raise AssertionError("there is no such moment")


def test_what_nobody_heard_of_is_withdrawn_when_its_copy_goes():
    """It was posted, the process ended, and a day passed: the ask is out once, under its next attempt."""
    lab = crash_after_posting()
    lab.wait(23.9)
    lab.turn()

    assert [lab.ask(1).ask_id.hex()] == [task.key.partition("#")[0] for task in lab.server.tasks.values()]
    assert {"OPEN": 1} == lab.states()


def test_a_question_that_was_answered_elsewhere_is_taken_up_when_more_is_wanted():
    """Somebody answered under another attempt, and the ask was closed; then a second answer is wanted: one is shown."""
    lab = AnnotationLab()
    lab.want(1)
    lab.turn()
    (ours,) = lab.server.tasks.values()
    key = dataclasses.replace(read_key(ours.key), attempt=0).key
    (other,) = lab.server.import_tasks(FORM.project, [dataclasses.replace(ours.question, key=key)])
    lab.server.submit(other, "ada", "value", 3)
    lab.turn()
    closed = lab.states()
    lab.want(1, want=2)
    lab.restart()
    lab.turn()

    assert {"CLOSED": 1} == closed
    assert {"PARTIAL": 1} == lab.states()
    assert [ours.task_id] == [task.task_id for task in lab.server.tasks.values() if not task.answers]
