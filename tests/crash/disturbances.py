"""What the loop with people is disturbed by, and how its end is looked at."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

from PIL import Image

from dsvc.annotation.staging.expiry import DAY_US
from tests.crash.process import N_KILLS, PROJECT
from tests.people.world import World

N_DISTURBANCES = max(6, N_KILLS // 10)
"""Of a campaign; a thorough one takes DSVC_TEST_KILLS=500."""
LONGEST_S = 0.4
PEOPLE = tuple(f"person {number}" for number in range(20))
"""Enough that there is always somebody who had no part in what is to be judged."""


@contextmanager
def passes(world: World, **environ: str):
    """Let another process do passes, which is killed in the end if it is still there."""
    command = [sys.executable, "-m", "tests.crash.sync_worker", str(world.path), str(world.now_us)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, env={**os.environ, **environ})
    try:
        assert "ready\n" == process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def deliver(world: World, number: int) -> None:
    """Let there be three more images: of some the model is unsure, and of every second it is wrong."""
    lines = []
    for image in range(100 + 3 * number, 103 + 3 * number):
        path = world.path / "images" / f"{image}.png"
        Image.new("RGB", (200, 200), (image % 256, number % 256, 9)).save(path)
        pointer, box = f"file://{path}", {"x": 10.0, "y": 20.0, "w": 40.0 + image % 7, "h": 50.0}
        world.truth[pointer] = [box]
        world.model[pointer] = [box if image % 2 else {**box, "x": 120.0}]
        score = 0.5 if image % 3 == 0 else 0.95
        said = {"uri": pointer, "boxes": [{**one, "score": score} for one in world.model[pointer]]}
        lines.append(json.dumps(said) + "\n")
    (world.path / "documents" / f"{number:04}.jsonl").write_text("".join(lines))
    with world.open() as repo:
        repo.ingest()


def forget(world: World) -> None:
    """Lose the op store."""
    shutil.rmtree(world.path / ".dsvc" / "annotation", ignore_errors=True)


def disturb(world: World, chance: random.Random) -> None:
    """Kill a pass at some moment, or two that meet, or lose the op store before, after or in the middle of one."""
    kind = chance.choice(["kill", "two", "two", "lose", "lose in the middle"])
    if kind == "lose":
        forget(world)
    with passes(world):
        if kind == "two":
            with passes(world):
                time.sleep(chance.uniform(0.0, LONGEST_S))
        time.sleep(chance.uniform(0.0, LONGEST_S))
        if kind == "lose in the middle":
            forget(world)
            time.sleep(chance.uniform(0.0, LONGEST_S))
    if kind != "kill" and chance.random() < 0.5:
        forget(world)


def given(world: World) -> set[tuple[str, str]]:
    """Return (question, person) of all that people gave through files."""
    files = (world.folder / "answers").glob("*.jsonl")
    return {(json.loads(line)["key"], path.stem) for path in files for line in path.read_text().splitlines()}


def broken(world: World, acknowledged: set[tuple[str, str]]) -> list[str]:
    """Return what must hold after a pass that nothing disturbed, and does not.

    Args:
        world: What is looked at.
        acknowledged: (question, person) of all answers that people were told are there.
    """
    said = [(answer.ask_id, answer.annotator) for answer in world.answers()]
    done = {key for key, _ in acknowledged}  # the ask may need somebody else all the same
    keys = [question["key"].partition("#")[0] for question in world.questions() if question["key"] not in done]
    ages_us = [world.now_us - path.stat().st_mtime_ns // 1000 for path in world.staged()]
    n_missing = len({(key.partition("#")[0], who) for key, who in acknowledged}) - len(said)
    found = [f"a copy is {age / DAY_US:.2f} days old" for age in ages_us if age >= DAY_US]
    found += ["an answer is there twice"] if len(said) != len(set(said)) else []
    found += ["an ask is shown twice"] if len(keys) != len(set(keys)) else []
    found += [f"{n_missing} answers are missing"] if n_missing else []
    return found


def datasets(world: World) -> dict[str, list]:
    """Return the rows of the datasets, after a run."""
    with world.open() as repo:
        repo.run()
        repo.commit("all of it")
        return {
            name: repo.sql(f"SELECT * FROM {name} ORDER BY ALL", "HEAD").to_pylist() for name in ("detector", "spoof")
        }
