"""Who is asked: nobody about what they made."""

import pytest

from tests.people.world import World

AUDIT = """
[task.faces.audit]
sample    = 1.0
max_error = 0.5
on_fail   = "found"
rounds    = 3
lot       = { size = 100 }
"""


@pytest.fixture(name="world")
def make_world(tmp_path):
    """Twelve images, of which eight are audited; the model is wrong about the half of them."""
    return World(tmp_path, audit=AUDIT, image="pointer", wrong=2)


def test_a_correction_is_audited_by_somebody_else(world):
    """The question names who made it. They are asked no more; if they answer all the same, somebody else is asked."""
    world.sync()
    first = {question["key"] for question in world.questions()}
    world.answer("ann")
    world.sync()
    second = [question for question in world.questions() if question["key"] not in first]
    world.answer("ann")
    world.sync()
    third = [question for question in world.questions() if question not in second and question["key"] not in first]
    world.wait(1)
    world.answer("ben")
    world.sync()
    with world.open() as repo:
        (task,), _ = repo.annotate_status()
    asks, again = ({question["key"].partition("#")[0] for question in found} for found in (second, third))

    assert [(1, ["ann"])] * 4 == [(question["round"], question["avoid"]) for question in second]
    assert (4, asks) == (len(third), again)
    assert {"final": 12} == dict(task.standings)
    assert world.truth == world.boxes()
