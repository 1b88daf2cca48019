"""Turns: what is wanted goes to people and comes back."""

from dsvc.annotation.opstores.lease import take_lease
from dsvc.annotation.staging.expiry import DAY_US, Expiry
from dsvc.annotation.turns.controller import Policy
from dsvc.annotation.turns.dispatch import TurnReport
from dsvc.errors import PlatformError, PlatformUnavailableError
from dsvc.testing.annotation_lab import AnnotationLab


def make_lab(**fields):
    """Return a lab of four people."""
    return AnnotationLab(**{"policy": Policy(people=4.0), **fields})


def test_an_ask_goes_out_and_comes_back():
    """Staged, posted, answered, its copy deleted, its task discarded, and nothing remembered."""
    lab = make_lab()
    lab.want(1)
    report = lab.turn()
    assert (1, 1, 1) == (report.n_released, report.n_uploaded, report.n_posted)
    assert {"OPEN": 1} == lab.states()
    assert 1 == len(lab.store.keys)

    assert lab.answer("ada")
    report = lab.turn()
    assert (1, 1) == (report.taken.n_answers, report.n_closed)
    assert {"CLOSED": 1} == lab.states()
    assert set() == lab.store.keys

    lab.wait(1)
    lab.turn()
    assert {} == lab.states()
    assert {} == lab.server.tasks
    assert 1 == len(lab.log.answers)
    assert [] == lab.broken_promises(is_quiet=True)


def test_subscribers_share_an_ask():
    """Three datasets cause one question; what one no longer wants stays for the others."""
    lab = make_lab()
    for name in ("detector", "spoof", "quality"):
        lab.want(1, name)
    lab.turn()
    assert 1 == lab.server.n_posted
    key = lab.ask(1).ask_id.hex()
    for name in ("detector", "spoof"):
        lab.dispatcher.requests.unsubscribe(key, name)
    lab.turn()
    assert {"OPEN": 1} == lab.states()

    lab.dispatcher.requests.unsubscribe(key, "quality")
    assert 1 == lab.turn().n_cancelled
    assert ({}, {}, set()) == (lab.states(), lab.server.tasks, lab.store.keys)


def test_what_the_ledger_has_is_not_asked():
    """A second clone, a later run, another branch."""
    lab = make_lab()
    lab.want(1)
    lab.turn()
    lab.answer("ada")
    lab.turn()
    lab.wipe()
    lab.want(1)

    assert {} == lab.states()
    lab.want(1, want=2)
    lab.turn()
    assert {"PARTIAL": 1} == lab.states()


def test_an_expired_ask_is_issued_again_for_what_is_missing():
    """Of three answers one is there; two are asked for, with a copy of its own."""
    lab = make_lab()
    lab.want(1, want=3)
    lab.turn()
    lab.answer("ada")
    lab.wait(24)
    report = lab.turn()

    assert (1, 1, 1) == (report.n_expired, report.n_uploaded, report.n_posted)
    assert [3, 2] == [task.question.want for task in lab.server.tasks.values()]
    assert [] == lab.broken_promises(is_quiet=True)
    for person in ("bob", "eve"):
        [task] = [task for task in lab.server.tasks.values() if task.question.want == 2]
        lab.server.submit(task.task_id, person, "value", 4)
    assert 1 == lab.turn().n_closed


def test_after_so_many_attempts_an_ask_is_parked():
    """And says why; asking for it again revives it."""
    lab = make_lab(n_attempts=2)
    lab.want(1)
    for _ in range(4):
        lab.turn()
        lab.wait(24)
    assert {"PARKED": 1} == lab.states()
    key = lab.ask(1).ask_id.hex()
    assert "2 times" in lab.dispatcher.requests.get(key).reason
    assert {} == lab.server.tasks

    lab.dispatcher.requests.revive(key)
    lab.turn()
    assert {"OPEN": 1} == lab.states()


def test_a_late_answer_is_evidence():
    """One for the first attempt, given while the second is open, counts once and closes the ask."""
    lab = make_lab()
    lab.want(1, want=2)
    lab.turn()
    first = next(iter(lab.server.tasks))
    lab.answer("ada")
    lab.wait(24)
    lab.turn()
    lab.server.submit(first, "bob", "value", 2)
    lab.server.submit(first, "ada", "value", 5)

    assert 1 == lab.turn().n_closed
    assert {"p-ada", "p-bob"} == {answer.annotator for answer in lab.log.answers.values()}


def test_an_answer_in_the_second_of_expiry_counts():
    """The platform is read once more before anything is asked again."""
    lab = make_lab()
    lab.want(1)
    lab.turn()
    real, done = lab.platform.withdraw, []

    def late(form, task_id):
        lab.server.submit(int(task_id), "ada", "value", 2)
        done.append(task_id)
        return real(form, task_id)

    lab.platform.withdraw = late
    lab.wait(24)
    report = lab.turn()

    assert (1, 0) == (len(done), report.n_posted)
    assert [] == lab.broken_promises()
    assert set(lab.states()) <= {"ANSWERED", "CLOSED"}
    assert 1 == len(lab.log.answers)


def test_a_source_that_is_gone_is_never_asked_about():
    """It is parked, with the reason, and nothing is left behind."""
    lab = make_lab()
    lab.gone_sources.add(lab.ask(1).source)
    lab.want(1)
    report = lab.turn()

    assert (1, 0) == (report.n_parked, report.n_posted)
    assert "no such object" in lab.dispatcher.requests.get(lab.ask(1).ask_id.hex()).reason
    assert set() == lab.store.keys
    assert [] == lab.ops.scan("stages")


def test_a_budget_holds_what_is_beyond_it():
    """Until it is raised."""
    lab = make_lab()
    lab.left = 2
    lab.restart()
    for number in range(5):
        lab.want(number)
    lab.turn()
    assert {"OPEN": 2, "HELD": 3} == lab.states()

    lab.left = 4
    lab.restart()
    lab.turn()
    assert {"OPEN": 4, "HELD": 1} == lab.states()


def test_audits_and_adjudication_come_first():
    """Whatever is worth more among new questions."""
    lab = make_lab(policy=Policy(people=0.02))
    for number in range(40):
        lab.want(number, level=15)
    lab.want(100, need="audit", level=0)
    lab.want(101, need="adjudicate", level=0)
    lab.turn()

    posted = [task.question.key.partition("#")[0] for task in lab.server.tasks.values()]
    assert {lab.ask(100).ask_id.hex(), lab.ask(101).ask_id.hex()} <= set(posted)
    assert len(posted) < 20


def test_what_is_worth_more_is_released_first():
    """Of one need, by level; of one level what was wanted first."""
    lab = make_lab(policy=Policy(people=0.01))
    for number in range(10):
        lab.want(number, level=number % 3)
        lab.now_us += 1
    lab.turn()

    posted = {task.question.key.partition("#")[0] for task in lab.server.tasks.values()}
    assert {lab.ask(number).ask_id.hex() for number in (2, 5, 8)} == posted


def test_a_day_of_silence_first_removes_what_is_overdue():
    """Also when platform and ledger do not answer, and the store's own rule is late."""
    lab = make_lab(store_expiry=Expiry("lifecycle"))
    for number in range(5):
        lab.want(number)
    lab.turn()
    lab.wait(30)
    lab.server.faults.refused = 99
    report = lab.turn()

    assert 5 == report.reaped.n_overdue
    assert set() == lab.store.keys
    assert report.notes
    lab.server.faults.refused = 0
    lab.turn()
    assert [] == lab.broken_promises(is_quiet=True)


def test_a_lost_op_store_costs_uploads_alone():
    """What is at the platform is adopted, and no question is shown twice; answers are where they were."""
    lab = make_lab()
    for number in range(6):
        lab.want(number)
    lab.turn()
    lab.answer("ada")
    lab.wipe()
    for number in range(6):
        lab.want(number)
    lab.turn()

    assert 6 == lab.server.n_posted
    assert 1 == len(lab.log.answers)
    assert {"OPEN": 5, "CLOSED": 1} == lab.states()
    lab.wait(24)
    lab.turn()
    assert 11 == lab.server.n_posted
    assert all(age < DAY_US for age in lab.store.ages_us)


def test_a_task_deleted_at_the_platform_is_asked_again():
    """By an admin, who did not ask us."""
    lab = make_lab()
    lab.want(1)
    lab.turn()
    lab.server.tasks.clear()
    lab.wait(1)
    lab.turn()

    assert {"OPEN": 1} == lab.states()
    assert 1 == len(lab.server.tasks)


def test_an_answer_that_does_not_fit_is_kept_aside():
    """It counts for nothing, is not lost, and stops nothing."""
    lab = make_lab()
    lab.want(1)
    lab.turn()
    [task] = lab.server.tasks.values()
    lab.server.submit(task.task_id, "ada", "value", 77)
    report = lab.turn()

    assert (1, 0) == (report.taken.n_quarantined, report.taken.n_answers)
    assert {"OPEN": 1} == lab.states()
    assert ["quarantined"] == [record.doc["state"] for record in lab.ops.scan("inbox")]


def test_an_answer_to_what_nobody_knows_waits():
    """Until somebody does."""
    lab = make_lab()
    lab.want(1)
    lab.turn()
    lab.wipe()
    ask = lab.asks.pop(lab.ask(1).ask_id)
    lab.answer("ada")
    assert 1 == lab.turn().taken.n_unknown

    lab.asks[ask.ask_id] = ask
    lab.restart()
    assert 1 == lab.turn().taken.n_answers
    assert 0 == len(lab.ops.scan("inbox"))


def test_two_turns_at_once_are_one():
    """A lease keeps them apart, and ends by itself."""
    lab = make_lab()
    lab.want(1)
    take_lease(lab.ops, "fake", "somebody", lab.now_us)

    assert lab.turn().is_busy
    lab.wait(1)
    assert not lab.turn().is_busy


def test_collecting_is_the_first_part_of_a_turn():
    """What is overdue goes and answers come in; the turn that follows counts both once."""
    lab = make_lab(store_expiry=Expiry("lifecycle"))
    for number in range(3):
        lab.want(number)
    lab.turn()
    lab.answer("ada")
    lab.wait(24)
    report = lab.dispatcher.collect()
    assert (1, 3, 0) == (report.taken.n_answers, report.reaped.n_overdue, report.n_posted)
    assert set() == lab.store.keys

    report = lab.turn()
    assert (1, 3, 2) == (report.taken.n_answers, report.reaped.n_overdue, report.n_posted)
    assert 0 == lab.turn().taken.n_answers


def test_a_sweep_that_nobody_declared_is_learned():
    """Copies are put so that people get to them before it comes, once it was seen on two days."""
    lab = AnnotationLab(Expiry(), store_expiry=Expiry("daily sweep", 10 * 60), policy=Policy(people=4.0), n_attempts=99)
    for number in range(900):
        lab.want(number)
    lost = []
    for _ in range(6):
        expired = 0
        for _ in range(48):
            expired += lab.turn().n_expired
            for person in ("ada", "bob", "eve"):
                lab.answer(person)
            lab.wait(0.5)
        lost.append(expired)

    assert "daily sweep" == lab.dispatcher.stages.expiry.model
    assert (28, True) == (lost[1], sum(lost[2:]) <= 5)
    assert 820 < len(lab.log.answers) <= 864  # three each half an hour, but for the hour before it


def test_a_refusal_is_told_once_and_an_outage_is_no_failure():
    """Who refuses does so again: somebody should look. Who is away is asked again by the next turn."""
    lab = AnnotationLab()
    lab.want(1)
    lab.server.faults.refused = 20
    refused = lab.turn()
    lab.server.faults.refused = 0
    report = TurnReport()
    for _ in range(3):
        report.note(PlatformUnavailableError(platform="team", reason="it is away"))

    assert (len(set(refused.notes)), True) == (len(refused.notes), bool(refused.notes))
    assert (["platform 'team': it is away"], False) == (report.notes, report.is_broken)
    report.note(PlatformError(platform="team", reason="the token is not taken"))
    assert report.is_broken
