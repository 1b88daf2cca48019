"""A new version of a detector asks only what its values make necessary; counted against an account in plain Python.

Of every image exactly one thing becomes: nothing, since nothing of it changed; a verdict or a person's value covers
what the detector says now; it is judged again in a new lot; a person is asked.
"""

import pytest

from tests.people.keeping_world import DATASETS, Keeping

AUDIT = """
[task.kind.audit]
sample    = 0.5
max_error = 0.1
agree     = { iou = 0.9 }
lot       = { size = 100 }
"""
N, N_UNSURE, N_CORRECTED = 24, 8, 4
NEAR, FAR = 2, 60
"""Pixels: so far off is nearly the same, within 0.9 of the overlap, and so far is not."""


def name(number):
    """Return the pointer of an image."""
    return f"s3://faces/{number:02}.jpg"


def box(x, w=100):
    """Return one box."""
    return [{"x": float(x), "y": 10.0, "w": float(w), "h": 100.0}]


def is_near(first, second):
    """Tell whether two boxes of equal height overlap by 0.9, in plain Python."""
    [a], [b] = first, second
    inner = max(0.0, min(a["x"] + a["w"], b["x"] + b["w"]) - max(a["x"], b["x"]))
    return inner / (a["w"] + b["w"] - inner) >= 0.9


def half(size):
    """Return how many of a lot are looked at, as `sample` says."""
    return (size + 1) // 2


def first_version():
    """Return what version 1 says: source -> (boxes, score)."""
    return {name(i): (box(10 * i), 0.2 if i < N_UNSURE else 0.9) for i in range(N)}


def second_version():
    """Return what version 2 says: a third as before, a third nearly, a third elsewhere; some sure, some not."""
    found = {}
    for i in range(N):
        shift = (0, NEAR, FAR)[i % 3]
        found[name(i)] = box(10 * i + shift), 0.3 if i // 3 % 4 == 3 else 0.9
    return found | {name(N): (box(5), 0.1), name(N + 1): (box(6), 0.95)}


CORRECTED = {name(i): box(10 * i + 30, 50) for i in range(N_CORRECTED)}


class Detected(Keeping):
    """People corrected four of the eight boxes that the detector was unsure of, and a lot of the others has passed."""

    sampled: frozenset[str]

    def look(self):
        """Let version 1 be judged to the end."""
        self.recipe(more="same = { iou = 0.9 }", tail=AUDIT + DATASETS)
        self.deliver(first_version())
        self.run()
        shown = {name(i): box(10 * i) for i in range(N_UNSURE)}
        assert N_UNSURE == self.answer("ann", shown | CORRECTED)
        self.run(close_lots=True)
        self.sampled = frozenset(self.asked())
        assert len(self.sampled) == self.answer("cleo") == half(N - N_UNSURE)
        self.finish()

    def finish(self):
        """Let the platform forget what is done."""
        self.run(close_lots=True)
        self.wait(1)
        self.run(close_lots=True)
        assert {} == self.questions()

    def boxes(self):
        """Return source -> (boxes, origin, standing), without what a box has no value of."""
        return {
            source: ([{side: one[side] for side in "xywh"} for one in found], origin, standing)
            for source, (found, origin, standing) in self.values().items()
        }


def account(world, old, new):
    """Return what becomes of every image: (source -> what, source -> (boxes, origin, standing))."""
    becomes, values = {}, {}
    for source, (now, score) in new.items():
        was, score_was = old.get(source, (None, None))
        by_person = source in old and int(source[-6:-4]) < N_UNSURE
        near = was is not None and is_near(was, now)
        if by_person:
            values[source] = CORRECTED.get(source, was), "human", "final"
        elif source in world.sampled:
            values[source] = (now, "model", "final") if near else (was, "human", "final")
        elif score >= 0.5:
            values[source] = now, "model", "final" if near else "unaudited"
        if source not in values:
            becomes[source] = "asked"
        elif (was, score_was) == (now, score):
            becomes[source] = "untouched"
        else:
            becomes[source] = "judged again" if values[source][2] == "unaudited" else "covered"
    return becomes, values


def of(becomes, what):
    """Return the images that something becomes of."""
    return {source for source, found in becomes.items() if found == what}


@pytest.fixture(name="world")
def make_world(tmp_path):
    """Images of which version 1 is judged."""
    made = Detected.init(tmp_path, "boxes")
    made.look()
    return made


def test_what_a_new_version_makes_necessary_is_asked_and_nothing_else(world):
    """The plan says so before; each image is executed for a reason; a verdict that covers more is told."""
    before = len(world.posted)
    becomes, values = account(world, first_version(), second_version())
    assert {"untouched", "covered", "judged again", "asked"} == set(becomes.values())
    world.deliver(second_version(), "2")
    planned = world.plan()
    sent = world.run()

    asked, audited = of(becomes, "asked"), of(becomes, "judged again")
    touched = len(becomes) - len(of(becomes, "untouched"))
    n_audits = half(len(audited))
    kept = {s for s in of(becomes, "covered") if values[s][1] == "human"}
    assert (len(asked), len(asked), 0) == (planned.asks, planned.new, planned.shared)
    assert (n_audits, len(kept)) == (planned.audits, planned.reused)
    assert 20.0 * (len(asked) + n_audits) == planned.seconds
    assert touched == world.ran["kind"]
    assert (len(asked), len(asked)) == (sent.new, sent.posted)
    assert dict.fromkeys(asked, "adjust") == world.asked()
    assert values == world.boxes()

    sent = world.run(close_lots=True)
    assert (n_audits, n_audits) == (sent.new, sent.posted)
    assert before + len(asked) + n_audits == len(world.posted)
    moved = {s for s in of(becomes, "covered") - kept if second_version()[s][0] != first_version()[s][0]}
    with world.open() as repo:
        told = {source: repo.blame_task("kind", source, "@draft") for source in moved}
    assert moved
    for source, story in told.items():
        [lot] = story.lots
        assert (lot.state, "final") == ("passed", story.standing)
        assert lot.value != story.value
        assert story.judged == story.value, source


def test_the_old_version_asks_nothing_again(world):
    """Neither at once, when nothing is even executed, nor after version 2 was judged to the end."""
    before = world.boxes()
    world.deliver(second_version(), "2")
    world.run()
    world.deliver(first_version(), "1")
    planned = world.plan()
    sent = world.run()
    new = {name(N): "adjust"}  # version 1 says nothing of the two new images: what version 2 says stays

    assert (new, 0, 0) == (world.asked(), planned.new, sent.posted)
    assert before == {source: found for source, found in world.boxes().items() if source in before}
    world.deliver(second_version(), "2")
    world.run(close_lots=True)
    world.answer("ann")
    world.finish()
    n_posted, n_answers = len(world.posted), world.n_answers()
    world.deliver(first_version(), "1")
    planned = world.plan()
    sent = world.run(close_lots=True)

    assert (0, 0, 0, 0) == (planned.asks, planned.audits, sent.posted, sent.lots)
    assert (n_posted, n_answers) == (len(world.posted), world.n_answers())
    assert {"final"} == {standing for _, _, standing in world.values().values()}


def test_a_version_that_says_the_same_executes_nothing(world):
    """Its number alone is nobody's work."""
    world.deliver(first_version(), "2")
    planned = world.plan()
    sent = world.run(close_lots=True)

    assert (0, 0, 0) == (planned.asks, planned.audits, planned.reused)
    assert (0, 0, 0) == (world.ran["kind"], sent.posted, sent.lots)
