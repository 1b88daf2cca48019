"""Passes of the annotation loop are killed at any moment: at the end nothing is missing, double, or staged too long."""

import random
import subprocess
import sys
import time

from tests.crash.process import PROJECT
from tests.people.world import World

N_KILLS = 8


def kill_a_pass(world: World, delay_s: float) -> None:
    """Start passes in another process, and kill it some time after it began."""
    command = [sys.executable, "-m", "tests.crash.sync_worker", str(world.path), str(world.now_us)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    try:
        assert "ready\n" == process.stdout.readline()
        time.sleep(delay_s)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_killed_passes_lose_and_double_nothing(tmp_path):
    """Killed in a loop while people answer; the outcome is that of the oracle, and every answer is there once."""
    world, chance, n_given = World(tmp_path), random.Random(7), 0
    for kill in range(N_KILLS):
        kill_a_pass(world, chance.uniform(0.0, 0.4))
        n_given += world.answer(("ann", "ben", "cleo")[kill % 3], limit=3)
        world.wait(2)
    world.finish()
    said = [(answer.ask_id, answer.annotator) for answer in world.answers()]
    keys = [question["key"].partition("#")[0] for question in world.questions()]

    assert world.expected() == world.boxes()
    assert len(said) == len(set(said)) >= n_given
    assert len(keys) == len(set(keys))
    assert [] == world.staged()
