"""Passes of the annotation loop are disturbed in a loop: at the end nothing is missing, double, or staged too long."""

import random
import shutil

import pytest

from tests.crash.disturbances import N_DISTURBANCES, PEOPLE, broken, datasets, deliver, disturb, given
from tests.people.world import World


def tell(path, chance=None):
    """Let images come, and people answer all that they are asked; return the datasets of the end.

    Args:
        path: Of the repository. It takes part in what is sampled, so that stories are told in the same place.
        chance: What disturbs it; None tells it undisturbed.
    """
    path.mkdir()
    world = World(path, n=6)
    for number in range(N_DISTURBANCES):
        if chance is not None:
            disturb(world, chance)
            world.wait(0.3)  # until whoever was killed at work is taken for dead
            world.sync()
        world.sync()
        assert [] == broken(world, given(world)), number
        deliver(world, number)
        world.answer(PEOPLE[number % len(PEOPLE)])
        world.wait(0 if chance is None else chance.choice([0, 2, 11, 24, 30]))
    world.finish(PEOPLE[::-1])
    found = datasets(world)

    assert [] == broken(world, given(world))
    world.wait(24)  # of copies that nobody remembers, since the op store was lost, only their age is known
    world.sync()
    assert [] == world.staged()
    shutil.rmtree(path)
    return found


@pytest.mark.slow
def test_disturbed_passes_lose_and_double_nothing(tmp_path):
    """Killed, two at once, without the op store, while people answer: the datasets are those of an undisturbed run."""
    expected = tell(tmp_path / "a")
    disturbed = tell(tmp_path / "a", random.Random(7))

    assert expected == disturbed
    assert 6 + 3 * N_DISTURBANCES == len(expected["detector"])
