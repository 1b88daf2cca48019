"""Passes that end in the middle, meet each other, or find no room: through a repository, on stores on disk."""

import os
import threading
from unittest.mock import patch

import pytest

from dsvc.annotation import outfit
from dsvc.annotation.opstores.lmdb import LmdbOpStore
from dsvc.annotation.overview import iter_requests
from dsvc.errors import StoreFullError
from tests.people.fault_world import FaultWorld, a_place, open_repository

EVERY = max(1, int(os.environ.get("DSVC_TEST_EVERY_WRITE", "8")))
"""Of the writes of a pass each so-many-th is the one at which it ends; 1 tries all."""


@pytest.fixture(name="world")
def _world():
    """Six images, two tasks, and a platform with people."""
    with a_place() as place, FaultWorld(place / "a") as world:
        yield world


def something_to_do(world):
    """Let there be answers, values to judge and asks that expire, again and again."""
    for score in (0.5, 0.95):
        world.add_image(score)
    world.repo.ingest()
    for person in ("ann", "ben"):
        world.answer(person, limit=3)
    world.wait(9)


def test_a_pass_may_end_at_any_write(world):
    """Of the op store, the ledger or the draft: nothing is lost, and the next pass goes on as if nothing had been."""
    n_ended = 0
    for write in range(0, 80, EVERY):
        something_to_do(world)
        n_ended += world.turn(crash_in=write) is None
        assert [] == world.broken_promises(), write
        world.wait(0.3)
        report = world.turn()
        assert world.is_whole(report)
        assert [] == world.broken_promises(report), write

    assert n_ended * EVERY >= 40


def test_two_who_collect_from_one_cursor_keep_each_answer_once(world):
    """Each with an op store of their own, as two clones have: both read all that is new, and it is there once."""
    names = ("one", "other")
    places = {name: world.path / name for name in names}

    def own_ops(path, *_):
        return LmdbOpStore(places.get(threading.current_thread().name, path))

    failed = []

    def collect(barrier):
        try:
            with open_repository(world.path, world.clock) as repo:
                barrier.wait()
                repo.annotate_sync()
        except BaseException as err:
            failed.append(err)
            raise

    with patch.object(outfit, "open_ops", own_ops):
        for _ in range(3):
            world.turn()
            for person in ("ann", "ben"):
                world.answer(person)
            barrier = threading.Barrier(2)
            threads = [threading.Thread(target=collect, args=(barrier,), name=name) for name in names]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            something_to_do(world)
    world.wipe()  # what this one knew, before the others came
    report = world.turn()

    assert [] == failed
    assert len(world.acknowledged) >= 8
    assert [] == world.broken_promises(report)


def test_two_passes_at_once_are_one(world):
    """The other finds that somebody is at work, or does what is left; each ask is one question."""
    barrier, reports = threading.Barrier(3), []

    def run():
        with open_repository(world.path, world.clock) as repo:
            barrier.wait()
            reports.append(repo.annotate_sync())

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.turn(close_lots=False)

    assert 3 == len(reports)
    assert 6 == len(world.server.tasks) == sum(report.posted for report in reports)


def test_a_branch_that_wants_the_same_causes_no_second_question(world):
    """Though the first pass ended before it had posted anything, and the next before it knew what it had posted."""
    world.turn(crash_in=25, close_lots=False)
    world.repo.commit("as it is", allow_empty=True, as_is=True)
    world.repo.switch("exp", create=True)
    world.wait(0.3)
    world.server.faults.lost_imports = 2
    world.turn(close_lots=False)
    world.wait(0.3)
    report = world.turn(close_lots=False)
    with world.ops() as ops:
        subscribers = {request.subscribers for request in iter_requests(ops)}

    assert [] == world.broken_promises(report)
    assert 6 == len(world.server.tasks)
    assert {("exp", "main")} == subscribers


def test_who_wants_an_ask_no_more_leaves_it_to_the_others(world):
    """One branch stops wanting it: it stays. The last one does: it goes, unless somebody has answered it meanwhile."""
    world.turn(close_lots=False)
    world.repo.commit("as it is", allow_empty=True, as_is=True)
    world.repo.switch("exp", create=True)
    world.turn(close_lots=False)
    for task in ("faces", "quality"):
        world.edit(rf"(\[task.{task}\](?s:.)*?< )[0-9.]+", r"\g<1>0.3")
    world.turn(close_lots=False)
    with_main = len(world.server.tasks)
    world.repo.commit("less is asked", allow_empty=True, as_is=True)
    world.repo.switch("main")
    for task in ("faces", "quality"):
        world.edit(rf"(\[task.{task}\](?s:.)*?< )[0-9.]+", r"\g<1>0.3")
    world.answer("ann", limit=1)
    report = world.turn(close_lots=False)

    assert 6 == with_main
    assert [] == world.broken_promises(report)
    assert [1] == [len(task.answers) for task in world.server.tasks.values()]
    assert [] == world.staged()
    assert world.acknowledged == world.held()


def test_a_disk_without_room_loses_nothing(world):
    """The pass says so and ends, whatever it was about to write; with room again it is made up for."""
    for write in range(0, 60, EVERY + 3):
        something_to_do(world)
        world.fuse.error = StoreFullError(store="the disk", reason="there is no room left")
        with pytest.raises(StoreFullError):
            world.turn(crash_in=write)
        assert [] == world.broken_promises(), write
        world.restart()
        world.wait(0.3)
        report = world.turn()
        assert world.is_whole(report)
        assert [] == world.broken_promises(report), write


def test_the_op_store_may_be_lost_before_any_pass(world):
    """What is asked, staged and answered is found again; the end is the same as without."""
    for number in range(8):
        world.wipe()
        report = world.turn()
        assert [] == world.broken_promises(report), number
        world.answer(("ann", "ben", "cleo")[number % 3], limit=3)
        world.wait(1)
    report = world.turn()

    assert [] == world.broken_promises(report)
    assert {"final": 6} == world.values("faces")[1]
    assert len(world.acknowledged) == sum(map(len, world.answered().values()))
