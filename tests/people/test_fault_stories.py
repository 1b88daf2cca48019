"""Stories of a repository and its people in which anything may fail at any moment: what was promised holds throughout.

`DSVC_TEST_STORIES` says how many are told, the first being `DSVC_TEST_STORIES_FROM`.
"""

import os
import random
import shutil

import pytest

from tests.people.fault_world import FaultWorld, a_place, made_anew, signals_of

N_STORIES = int(os.environ.get("DSVC_TEST_STORIES", "8"))
FIRST = int(os.environ.get("DSVC_TEST_STORIES_FROM", "0"))
N_EVENTS = 25
PEOPLE = ("ann", "ben", "cleo", "dan")
MORE_PEOPLE = (*PEOPLE, "eva", "fay", "gus", "hal")
KINDS = {
    "turn": 6,
    "turn that crashes": 4,
    "answer": 8,
    "submit late": 2,
    "wait": 4,
    "edit the recipe": 1.5,
    "change the model": 1,
    "lose the op store": 0.7,
    "platform": 2,
    "admin deletes a task": 0.7,
    "annotator edits": 0.7,
    "source goes": 0.4,
    "copy goes": 0.5,
    "branch": 1.5,
    "cancel": 0.5,
    "revive": 0.5,
}


def tell(chance):
    """Return what happens in a story."""
    verbs = chance.choices(list(KINDS), list(KINDS.values()), k=N_EVENTS)
    return [(verb, *details(verb, chance)) for verb in verbs]


def details(verb, chance):
    """Return what an event is about."""
    number, person = chance.randrange(100), chance.choice(PEOPLE)
    how = chance.choices(["right", "wrong", "skip", "nonsense"], [6, 2, 1, 0.5])[0]
    edits = [
        (r"(\[task.faces\](?s:.)*?< )[0-9.]+", rf"\g<1>{chance.choice(['0.3', '0.8', '0.99'])}"),
        (r"(\[task.quality\](?s:.)*?< )[0-9.]+", rf"\g<1>{chance.choice(['0.3', '0.8', '0.99'])}"),
        (r"min = \d", f"min = {chance.randint(1, 2)}"),
        (r'version = "\d"', f'version = "{chance.randint(1, 3)}"'),
        (r'on_fail   = "\w+"', f'on_fail   = "{chance.choice(["lot", "found", "hold"])}"'),
        (r"sample    = [0-9.]+", f"sample    = {chance.choice(['0.2', '0.5', '1.0'])}"),
    ]
    faults = ["refused", "lost_responses", "lost_imports", "cut_imports"]
    return {
        "turn that crashes": (chance.choice([chance.randrange(12), chance.randrange(80)]),),
        "answer": (person, how, chance.choice([1, 2, 9])),
        "submit late": (number, person, how),
        "wait": (chance.choice([0.1, 1, 7, 23.5, 24, 30]),),
        "edit the recipe": chance.choice(edits),
        "change the model": (number, chance.choice([0.5, 0.95]), chance.choice([0.0, 100.0])),
        "platform": (chance.choice(faults), chance.randint(1, 3)),
        "branch": (chance.choice(["make", "switch", "switch", "delete"]),),
    }.get(verb, (number,))


def happen(world, verb, *rest):
    """Let an event happen; return the report of a pass that was one."""
    server, number = world.server, rest[0] if rest else 0
    if verb == "turn":
        return world.turn()
    if verb == "turn that crashes":
        return world.turn(crash_in=number)
    if verb == "answer":
        world.answer(*rest)
    elif verb == "submit late":
        submit_late(world, *rest)
    elif verb == "wait":
        world.wait(number)
    elif verb == "edit the recipe":
        world.edit(*rest)
    elif verb == "change the model":
        at = number % len(world.pointers)
        world.write_model(at, [{"x": 10.0 + rest[2], "y": 20.0, "w": 40.0 + at, "h": 50.0}], rest[1])
        world.repo.ingest()
    elif verb == "lose the op store":
        world.wipe()
    elif verb == "platform":
        setattr(server.faults, number, rest[1])
    elif verb == "admin deletes a task":
        free = [task for task in server.tasks.values() if not task.answers]
        if free:
            task = server.tasks.pop(free[number % len(free)].task_id)
            server.deleted_by_hand.add(task.key)
    elif verb == "annotator edits":
        edit_an_answer(world, number)
    elif verb == "source goes":
        world.image(number % len(world.pointers)).unlink(missing_ok=True)
    elif verb == "copy goes":
        for path in world.staged()[:1]:
            path.unlink()
    elif verb == "branch":
        change_branch(world, number)
    else:
        asks = [status for status in world.repo.asks() if status.state != "UNSENT"]
        if asks:
            status = asks[number % len(asks)]
            stop_or_go_on(world, status.ask.ask_id.hex(), again=verb == "revive")
    return None


def submit_late(world, number, person, how):
    """Submit to any task that somebody had open, answered or not."""
    tasks = list(world.server.tasks.values())
    if tasks:
        world.submit(tasks[number % len(tasks)], person, how)


def edit_an_answer(world, number):
    """Let somebody who has answered give another answer in its place."""
    found = [(task, answer) for task in world.server.tasks.values() for answer in task.answers.values()]
    found = [(t, a) for t, a in found if world.who(t, a.annotator) in world.acknowledged and world.look(t)]
    if found:
        task, answer = found[number % len(found)]
        world.server.edit(task.task_id, answer.answer_id, *world.say(task, world.look(task), "right"))


def change_branch(world, what):
    """Make, leave or delete the other branch."""
    here, there = world.repo.head().branch, {branch.name for branch in world.repo.branches()}
    world.repo.commit("as it is", allow_empty=True, as_is=True)
    other = "main" if here == "exp" else "exp"
    if what == "make" and "exp" not in there:
        world.repo.switch("exp", create=True)
    elif what == "switch" and other in there:
        world.repo.switch(other)
        world.repo.ingest()
    elif what == "delete" and other == "exp" and "exp" in there:
        world.repo.delete_branch("exp", force=True)


def stop_or_go_on(world, ask, *, again):
    """Cancel an ask, or want it again."""
    world.repo.cancel([ask], again=again)


def calm(world):
    """End all faults."""
    world.server.faults.__init__()
    for number in range(len(world.pointers)):
        world.draw(number)
    world.restart()
    world.wait(0.3)  # until whoever died at work is taken for dead


def end(world):
    """Let everybody answer what they are asked, until nobody is asked any more; return the last report."""
    people = list(MORE_PEOPLE)
    for _ in range(60):
        report = world.turn()
        assert [] == world.broken_promises(report)
        parked = [status.ask.ask_id.hex() for status in world.repo.asks() if status.state == "PARKED"]
        world.repo.cancel(parked, again=True)
        people.append(people.pop(0))  # or those would be asked first who have answered already
        n_answers = sum(world.answer(person) for person in people)
        world.wait(0.5)
        if not n_answers and not world.repo.asks():
            return report
    raise AssertionError([(s.ask.task, s.ask.mode, s.state, s.reason, s.want, s.by) for s in world.repo.asks()])


@pytest.mark.parametrize("seed", range(FIRST, FIRST + N_STORIES))
def test_whatever_happens_all_ends_well(seed):
    """No answer is lost or double, no copy is too old or for nothing, and values follow from the ledger alone."""
    chance = random.Random(seed)
    expiry = chance.choice(["rolling", "daily 00:00", "midnight"])
    store_expiry = chance.choice([expiry, "rolling"])
    with a_place() as place, FaultWorld(place / "a", expiry=expiry, store_expiry=store_expiry) as world:
        tell_it(world, place, chance)


def tell_it(world, place, chance):
    """Let a story happen; then all is well, and everybody answers."""
    events = tell(chance)
    for number, event in enumerate(events):
        report = happen(world, *event)
        assert [] == world.broken_promises(report), events[: number + 1]
    calm(world)
    assert world.is_whole(end(world))
    for branch in [branch.name for branch in world.repo.branches()]:
        if branch != world.repo.head().branch:
            world.repo.commit("the other one is next", allow_empty=True, as_is=True)
            world.repo.switch(branch)
            world.repo.ingest()
            assert world.is_whole(end(world))
        assert made_anew(world, place / branch, chance) == signals_of(world.repo)
        shutil.rmtree(place / branch)

    world.wait(24)
    assert [] == world.broken_promises(world.turn())
    assert [] == world.staged()
    assert [] == [task.key for task in world.server.tasks.values() if not task.answers]
