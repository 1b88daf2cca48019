"""What a plan is told of work in progress, by an op store that may not be there."""

import pytest

from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.annotation.under_way import UnderWay, open_under_way
from dsvc.errors import StoreError
from dsvc.objects.types import parse_type
from dsvc.recipe.spec import Recipe
from dsvc.recipe.task_spec import PlatformSpec, TaskSpec
from dsvc.testing.annotation_lab import AnnotationLab

TASK = TaskSpec("quality", parse_type("rating(5)"))


def under_way(ops, clock, directory, name="fake", **platform):
    """Return what an op store says, of one task that is asked on one platform."""
    spec = PlatformSpec(name, "files", **platform)
    return UnderWay(ops, Recipe(directory, tasks={"quality": TASK}, platforms={name: spec}), clock)


def monday():
    """Return the midnight at which a Monday begins, UTC."""
    return 1_772_409_600_000_000


@pytest.fixture(name="lab")
def make_lab():
    """Ten asks that a team works on for some hours, at a pace that is measured."""
    lab = AnnotationLab()
    for number in range(600):
        lab.want(number)
    for _ in range(6):
        lab.turn()
        lab.wait(1)
        for _ in range(60):
            lab.answer("ann")
    lab.turn()
    return lab


def test_who_wants_an_ask_is_told(lab, tmp_path):
    """Those that were never sent are left out."""
    found = under_way(lab.ops, lab.clock, tmp_path)
    lab.want(599, "other")
    one, other, never = (lab.ask(number).ask_id.hex() for number in (598, 599, 601))

    assert {one: frozenset({"main"}), other: frozenset({"main", "other"})} == found.subscribers([one, other, never])


def test_days_are_those_of_the_present_pace_and_hours(lab, tmp_path):
    """Of so many people; nights and weekends pass as days do."""
    people, name = lab.dispatcher.control.pace.people, lab.platform.name
    always = under_way(lab.ops, monday, tmp_path, name)
    office = under_way(lab.ops, monday, tmp_path, name, hours="Mon-Fri 08:00-16:00")
    closed = under_way(lab.ops, monday, tmp_path, name, hours="Mon-Fri 08:00-16:00", holidays=("2026-03-02",))

    assert 2 == pytest.approx(always.days(TASK, 2 * 86_400 * people))
    assert 16 / 24 == pytest.approx(office.days(TASK, 8 * 3600 * people))
    assert 7 + 16 / 24 == pytest.approx(office.days(TASK, 6 * 8 * 3600 * people))
    assert 1 + 16 / 24 == pytest.approx(closed.days(TASK, 8 * 3600 * people))


def test_nothing_is_known_of_a_platform_that_was_never_asked(tmp_path):
    """Nor without an op store, nor of hours that are not understood."""
    for ops in (MemoryOpStore(), None):
        assert under_way(ops, monday, tmp_path).days(TASK, 60) is None
        assert {} == under_way(ops, monday, tmp_path).subscribers(["00"])
    assert under_way(MemoryOpStore(), monday, tmp_path, hours="when?").days(TASK, 60) is None


def test_a_store_that_is_out_of_reach_is_asked_once(tmp_path):
    """A plan is made all the same, and waits for it once."""

    class Gone(MemoryOpStore):
        n_asked = 0

        def get_many(self, space, keys):
            """Fail."""
            self.n_asked += 1
            raise StoreError(store="team", reason="it is gone")

    gone = Gone()
    found = under_way(gone, monday, tmp_path)

    assert ({}, {}, None) == (found.subscribers(["00"]), found.subscribers(["01"]), found.days(TASK, 60))
    assert 1 == gone.n_asked


def test_looking_makes_nothing(tmp_path):
    """Where there is no op store, none is made."""
    recipe = Recipe(tmp_path, tasks={"quality": TASK})
    with open_under_way(tmp_path, None, recipe, monday) as found:
        assert {} == found.subscribers(["00"])

    assert [] == list(tmp_path.iterdir())
