"""What people would be asked about a few sources."""

import pytest

from dsvc.errors import SourceNotFoundError, UserError
from tests.people.world import World


@pytest.fixture(name="world")
def make_world(tmp_path):
    """Twelve images; of the first four the model is unsure."""
    return World(tmp_path, image="pointer")


def test_what_is_tried_is_what_a_pass_asks(world):
    """And nothing is asked by trying it."""
    with world.open() as repo:
        tried = {row.source: row for row in repo.try_step("faces").rows}
    asked = {source for source, row in tried.items() if row.verdict == "asked"}
    nobody_asked = world.questions() == []
    with world.open() as repo:
        repo.annotate_sync()
        wanted = {one.ask.source for one in repo.asks()}

    assert (12, wanted, True) == (len(tried), asked, nobody_asked)
    assert {"adjust, round 0, 1 more"} == {tried[source].asks for source in asked}
    assert {"unaudited"} == {row.verdict for source, row in tried.items() if source not in asked}


def test_sources_can_be_named(world):
    """With the value as people gave it by now; one that there is not is refused."""
    world.finish()
    first = next(iter(world.model))
    with world.open() as repo:
        (row,) = repo.try_step("faces", [first]).rows
        with pytest.raises(SourceNotFoundError):
            repo.try_step("faces", ["file:///nowhere.png"])
        with pytest.raises(UserError, match="source by source"):
            repo.try_step("faces", where="true")

    assert ("final", "") == (row.verdict, row.asks)
    assert world.truth[first] == [{name: box[name] for name in "xywh"} for box in row.value]


def test_without_anything_to_judge_that_is_said(tmp_path):
    """With what makes it."""
    world = World(tmp_path, image="pointer", n=0)
    with world.open() as repo, pytest.raises(UserError, match="no model"):
        repo.try_step("faces")
