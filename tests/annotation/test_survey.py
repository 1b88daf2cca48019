"""Comparing what the platform holds with what the op store says."""

from dsvc.testing.annotation_lab import FORM, AnnotationLab


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
