"""No lot stays open for somebody who cannot be asked: it is judged without, by an exact plan all the same."""

import json
import shutil
from pathlib import Path

import pytest

from dsvc.annotation.keeping.ledger import read_ledger
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
    """Twelve images, of which eight are audited, half of them by a sample; the model is right about these."""
    return World(tmp_path, audit=AUDIT, wrong=1000)


def audited(world):
    """Return the sources that a sample was drawn of, with the question of each."""
    with world.open() as repo:
        return {one.ask.source: one.ask.ask_id.hex() for one in repo.asks() if one.ask.mode == "audit"}


def lots(world):
    """Return how many lots are in each state."""
    with world.open() as repo:
        (task,), _ = repo.annotate_status()
    return dict(task.lots)


def void(world):
    """Return why each source was taken out of a lot."""
    with world.open() as repo:
        found = read_ledger(repo.store).iter_evidence("faces")
        return {source: m.void for source, known in found for m in known.members if m.void}


def test_a_lot_is_judged_without_an_image_that_is_gone(world):
    """Another member is looked at in its place; what nobody could look at stays unaudited, the rest is final."""
    world.sync()
    gone = next(iter(audited(world)))
    Path(gone.removeprefix("file://")).unlink()
    world.wait(30)  # the copies expire, and the image cannot be staged again
    world.finish()

    assert [gone] == list(void(world))
    assert {"passed": 1} == lots(world)
    with world.open() as repo:
        ((task,), _) = repo.annotate_status()
    assert {"final": 11, "unaudited": 1} == dict(task.standings)
    assert 4 == task.audits


def test_a_cancelled_audit_holds_no_lot_up_also_without_the_op_store(world):
    """Who is cancelled is replaced, by the same one in every repository."""
    world.sync()
    source, ask = next(iter(audited(world).items()))
    with world.open() as repo:
        repo.cancel([ask])
    shutil.rmtree(world.path / ".dsvc" / "annotation")
    world.sync()
    drawn = audited(world)
    world.finish()

    assert {source: "cancelled"} == void(world)
    assert (4, False) == (len(drawn), source in drawn)
    assert {"pending"} & set(lots(world)) == set()


def test_a_lot_ends_whose_values_another_model_replaced(world):
    """Of what is looked at, nothing is as it was: once that has lasted, the lot is judged by those that are left."""
    world.sync()
    first = set(audited(world))
    documents = world.path / "documents" / "1.jsonl"
    lines = [json.loads(line) for line in documents.read_text().splitlines()]
    for line in lines:
        if line["uri"] in first:
            line["boxes"] = [{**box, "x": box["x"] + 60} for box in line["boxes"]]
    documents.unlink()
    (world.path / "documents" / "2.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with world.open() as repo:
        repo.ingest()
        repo.annotate_sync()
        early = repo.annotate_sync().void
        world.wait(49)
        late = repo.annotate_sync().void
    world.finish()

    assert (0, 4) == (early, late)
    assert first == set(void(world))
    assert 0 == lots(world).get("pending", 0)


def test_a_model_that_is_rolled_back_has_its_values_judged(world):
    """They were taken out of their lots meanwhile, and go into others, so that nothing stays unaudited."""
    world.sync()
    documents = world.path / "documents" / "1.jsonl"
    text = documents.read_text()
    for number, shift in enumerate((60, 0), 2):
        lines = [json.loads(line) for line in text.splitlines()]
        for line in lines:
            line["boxes"] = [{**box, "x": box["x"] + shift} for box in line["boxes"]]
        documents.unlink()
        documents = world.path / "documents" / f"{number}.jsonl"
        documents.write_text("".join(json.dumps(line) + "\n" for line in lines))
        with world.open() as repo:
            repo.ingest()
            repo.annotate_sync()
            world.wait(49)
            repo.annotate_sync()
    world.finish()

    assert 0 == lots(world).get("pending", 0)
    with world.open() as repo:
        ((task,), _) = repo.annotate_status()
    assert {"final": 12} == dict(task.standings)


def test_what_is_withdrawn_for_an_hour_stays_in_its_lot(world):
    """Somebody tries another condition, and takes it back."""
    world.sync()
    before = audited(world)
    recipe = world.path / "dsvc.toml"
    text = recipe.read_text()
    recipe.write_text(text.replace('ask  = "list_min([b.score for b in model]) < 0.8"', 'ask  = "true"'))
    with world.open() as repo:
        repo.annotate_sync()
    recipe.write_text(text)
    with world.open() as repo:
        repo.annotate_sync()

    assert before == audited(world)
    assert {} == void(world)
