"""Which values a lot is judged without."""

import json

import pytest

from dsvc.annotation.keeping.ledger import read_ledger
from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.engine.planning.voids import find_void
from tests.people.world import World

AUDIT = """
[task.faces.audit]
sample    = 0.5
max_error = 0.01
on_fail   = "found"
lot       = { size = 100, close_after = "2d" }
"""


@pytest.fixture(name="world")
def make_world(tmp_path):
    """Twelve images, of which eight are audited: four of them by a sample."""
    world = World(tmp_path, audit=AUDIT, wrong=1000)
    world.sync()
    return world


def look(world, branch=None):
    """Return why each source would be taken out, by an op store that remembers nothing, when nothing more comes."""
    with world.open() as repo:
        (people,) = repo._people()
        others = list(repo._people(repo.view(branch))) if branch else []
        ledger = read_ledger(repo.store)
        found = find_void(people, lambda: others, ledger, MemoryOpStore(), (), world.clock(), nothing_more=True)
        return {source: {m.void for m in evidence.members} for source, evidence in found.items()}


def audited(repo):
    """Return the asks of auditors, by source."""
    return {one.ask.source: one.ask for one in repo.asks() if one.ask.mode == "audit"}


def test_who_is_asked_is_in_the_lot(world):
    """Nobody is taken out, without an op store too."""
    assert {} == look(world)


def test_who_is_cancelled_is_taken_out_for_that(world):
    """It is known by the ledger alone."""
    with world.open() as repo:
        ask = next(iter(audited(repo).values()))
        repo.cancel([ask.ask_id.hex()])

    assert {ask.source: {"cancelled"}} == look(world)


def test_what_another_branch_asks_is_not_withdrawn(world):
    """The draft has other boxes by now; those of a commit are asked about all the same."""
    with world.open() as repo:
        sampled = set(audited(repo))
        repo.commit("as it is")
    documents = world.path / "documents" / "1.jsonl"
    lines = [json.loads(line) for line in documents.read_text().splitlines()]
    for line in lines:
        line["boxes"] = [{**box, "x": box["x"] + 60} for box in line["boxes"]]
    documents.unlink()
    (world.path / "documents" / "2.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with world.open() as repo:
        repo.ingest()
        repo.run()

    assert {source: {"nobody asks it any more"} for source in sampled} == look(world)
    assert {} == look(world, "main")
