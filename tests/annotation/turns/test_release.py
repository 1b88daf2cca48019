"""Which asks set out."""

from dsvc.annotation.turns.controller import Policy
from dsvc.testing.annotation_lab import FORM, AnnotationLab


def test_a_share_that_is_less_than_an_ask_adds_up():
    """In passes a minute apart a tenth of what is released is a few seconds: what is new gets its turn all the same."""
    lab = AnnotationLab(policy=Policy())
    for number in range(300):
        lab.want(number, need="audit")
    for number in range(300, 330):
        lab.want(number, need="new")
    new = {lab.ask(number).ask_id.hex() for number in range(300, 330)}
    given = []
    for _ in range(120):
        lab.wait(1 / 60)
        lab.turn()
        for _ in range(2):
            task = lab.server.next_task(FORM.project, "ada")
            if task is not None:
                given.append(task.key.partition("#")[0] in new)
                lab.server.submit(task.task_id, "ada", "value", 3, lead_s=30.0)

    assert 0.05 < sum(given[60:]) / len(given[60:]) < 0.3


def test_a_weekend_over_one_question_stops_nothing():
    """What an answer takes is learned from what people can have taken."""
    lab = AnnotationLab(policy=Policy())
    lab.want(0)
    lab.turn()
    task = lab.server.next_task(FORM.project, "ada")
    lab.server.submit(task.task_id, "ada", "value", 3, lead_s=70 * 3600.0)
    for number in range(1, 40):
        lab.want(number)
    for _ in range(48):
        lab.wait(1)
        lab.turn()
        while lab.answer("ada"):
            pass

    assert 40 == len(lab.log.answers)
