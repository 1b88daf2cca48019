"""The steps of a turn that move single asks."""

import hashlib

from dsvc.annotation.opstores.base import update
from dsvc.annotation.staging.expiry import DAY_US
from dsvc.annotation.turns.attempts import Attempts
from dsvc.annotation.turns.dispatch import TurnReport
from dsvc.plugins.platforms import Capabilities
from dsvc.testing.annotation_lab import AnnotationLab
from dsvc.testing.fake_platform import FakePlatform
from dsvc.testing.staging import MemoryStaging


def test_a_question_carries_what_is_shown():
    """The copy's name, its size, when it goes, how many answers are wanted."""
    lab = AnnotationLab()
    lab.want(1, want=2)
    lab.turn()
    [task] = lab.server.tasks.values()
    question = task.question

    assert ("label", 2, 64, 48, None) == (question.form, question.want, question.width, question.height, question.shown)
    assert {f"memory://{key}" for key in lab.store.keys} == {question.image}
    assert lab.now_us < question.expires_us < lab.now_us + DAY_US
    assert lab.ask(1).source not in question.image


def test_an_address_is_signed_only_where_the_platform_cannot():
    """And then for as long as the copy lives, not longer."""
    lab = AnnotationLab()
    lab.platform = FakePlatform(lab.server, capabilities=Capabilities("url"))
    lab.restart()
    lab.want(1)
    lab.turn()
    [task] = lab.server.tasks.values()

    assert f"life={(task.question.expires_us - lab.now_us) // 10**6}" in task.question.image


def test_a_platform_that_shows_pointers_needs_no_copy():
    """Nothing is staged, and nothing expires."""
    lab = AnnotationLab()
    lab.platform = FakePlatform(lab.server, capabilities=Capabilities("pointer"))
    lab.restart()
    lab.dispatcher.stages = None
    lab.want(1)
    lab.turn()
    [task] = lab.server.tasks.values()

    assert (lab.ask(1).source, None) == (task.question.image, task.question.expires_us)
    assert set() == lab.store.keys
    lab.wait(48)
    lab.answer("ada")
    assert 1 == lab.turn().n_closed


def test_what_a_step_cannot_do_now_it_does_later():
    """A platform that is away keeps asks staged; a staging store that is away keeps them waiting."""
    lab = AnnotationLab()
    lab.want(1)
    lab.turn()
    lab.want(2)
    lab.server.faults.refused = 99
    assert lab.turn().notes
    assert {"OPEN": 1, "STAGED": 1} == lab.states()
    lab.server.faults.refused = 0
    lab.want(3)
    lab.store.fail_next = 1
    assert lab.turn().notes
    assert {"OPEN": 2, "STAGING": 1} == lab.states()

    assert [] == lab.turn().notes
    assert {"OPEN": 3} == lab.states()
    assert 3 == lab.server.n_posted


def test_a_copy_that_would_go_while_it_is_looked_at_is_not_shown():
    """It was staged, and the platform was away for almost its whole life."""
    lab = AnnotationLab()
    lab.want(1)
    lab.turn()
    lab.want(2)
    lab.server.faults.refused = 99
    lab.turn()
    lab.wait(23.2)
    lab.server.faults.refused = 0
    lab.turn()

    assert 1 == lab.server.n_posted
    lab.wait(1)
    lab.turn()
    assert {"OPEN": 2} == lab.states()


def test_closed_tasks_stay_until_all_know_their_answers():
    """A platform forgets nothing that is not where it must be."""
    lab = AnnotationLab()
    lab.want(1)
    lab.turn()
    lab.answer("ada")
    lab.turn()
    lab.dispatcher._known_until = lambda: 0
    lab.wait(2)
    lab.turn()
    assert 1 == len(lab.server.tasks)

    lab.dispatcher._known_until = lab.clock
    lab.turn()
    assert {} == lab.server.tasks


def test_what_came_meanwhile_is_taken_in_before_a_task_is_discarded():
    """Somebody had it open all the time and submits while the turn sends other questions."""
    lab = AnnotationLab()
    lab.want(1)
    lab.turn()
    lab.answer("ada")
    lab.turn()
    (task,) = lab.server.tasks.values()
    lab.wait(1)
    lab.want(2)
    post = lab.platform.post

    def post_late(form, questions):
        lab.server.submit(task.task_id, "eve", "value", 5)
        return post(form, questions)

    lab.platform.post = post_late
    lab.turn()

    assert task.task_id not in lab.server.tasks
    assert {"p-ada", "p-eve"} == lab.log.annotators([lab.ask(1)])[lab.ask(1).ask_id]


def test_what_the_ledger_has_lost_is_not_discarded():
    """It was brought back from a copy of yesterday: the platform's is the only one."""
    lab = AnnotationLab()
    lab.want(1)
    lab.turn()
    lab.answer("ada")
    lab.turn()
    lab.log.answers.clear()
    lab.log._people.clear()
    [name], far = lab.log.cursors, b"9999999999999999"
    lab.log.cursors[name] = far  # as if it had been read up to there by this clone: nothing comes again
    update(lab.ops, "control", f"read//{name}", lambda _: {"cursor": hashlib.sha256(far).hexdigest()})
    lab.wait(1)
    lab.turn()
    kept = len(lab.server.tasks)
    lab.log.cursors.clear()
    lab.turn()
    lab.turn()

    assert (1, 0) == (kept, len(lab.server.tasks))
    assert 1 == len(lab.log.answers)


def test_a_recount_takes_over_what_the_ledger_says():
    """Whoever wrote it there."""
    lab = AnnotationLab()
    lab.want(1)
    lab.turn()
    request = lab.dispatcher.requests.get(lab.ask(1).ask_id.hex())
    lab.log._people[lab.ask(1).ask_id] = {"p-elsewhere"}
    report = TurnReport()
    attempts = Attempts(lab.dispatcher, report)
    attempts.recount([request])
    attempts.finish()

    assert {"CLOSED": 1} == lab.states()
    assert set() == lab.store.keys


def test_nobody_is_shown_what_was_staged_in_another_place():
    """The recipe names another since, before the question was sent: a copy is put there, and that is shown."""
    lab = AnnotationLab()
    lab.want(1)
    lab.server.faults.refused = 99
    lab.turn()
    assert ({"STAGED": 1}, 1) == (lab.states(), len(lab.store.keys))
    before, lab.store = lab.store, MemoryStaging(lab.clock, lab.expiry)
    lab.server.faults.refused = 0
    lab.restart()
    for _ in range(2):
        lab.turn()

    [task] = lab.server.tasks.values()
    assert {"OPEN": 1} == lab.states()
    assert [task.question.image.rpartition("/")[2]] == list(lab.store.keys) != list(before.keys)
