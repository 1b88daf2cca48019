"""Parts of a version made again beside the repository, which does not notice."""

from __future__ import annotations

import pytest

from dsvc.engine.verifying import rederive
from dsvc.engine.verifying.rederive import Rederiving
from dsvc.store.overlay import OverlayStore
from tests.engine.reproducing import Study

RECIPE = """
[step.twice]
python = "steps:double"
inputs = ["x"]

[step.random]
python = "steps:count"
inputs = ["twice"]

[dataset.some]
where = "random > 1"
columns = { x = "x" }
"""


@pytest.fixture
def study(tmp_path):
    """A repository in which everything is made and nothing is committed."""
    study = Study(tmp_path / "study")
    study.put("x", [1, 2, 3])
    study.write(RECIPE)
    study.repo.run()
    return study


def made_again(study, steps=(), datasets=(), **more):
    """Make parts of the draft again."""
    work = Rederiving(study.repo, study.repo.view("@draft"), study.repo.recipe(), study.repo.plugins, 5, **more)
    return list(work.iter_all(steps, datasets))


def test_parts_are_made_in_the_order_asked_from_what_is_stored(study):
    """Steps, then datasets, also before the first commit."""
    told = []

    parts = made_again(study, ["random", "twice"], ["some"], progress=lambda *now: told.append(now[0]))

    assert [("random", "differs"), ("twice", "equal"), ("some", "equal")] == [(p.name, p.status) for p in parts]
    assert {"random", "twice"} <= set(told)
    assert parts[1].kept == parts[1].made == study.repo.view("@draft").signals["twice"]
    assert all(part.seconds >= 0 for part in parts)


def test_a_step_that_cannot_run_stops_no_other(study):
    """It is told why, with the hint of the error."""
    study.write(RECIPE.replace("steps:count", "steps:gone").replace('inputs = ["twice"]', 'inputs = ["x"]'))

    gone, twice = made_again(study, ["random", "twice"])

    assert ("refused", "equal") == (gone.status, twice.status)
    assert "step.random" in gone.why


def test_what_was_never_made_is_stale(study):
    """Of a step that could have records, and of a dataset."""
    study.write(RECIPE.replace("step.twice", "step.other").replace('["twice"]', '["other"]').replace(".some", ".any"))

    parts = made_again(study, ["other"], ["any"])

    assert [("stale", "it has not been made yet")] * 2 == [(part.status, part.why) for part in parts]


def test_what_differs_more_than_memory_holds_goes_to_disk(study, monkeypatch):
    """And is gone from there when it has been compared."""
    stores = []

    def tiny(base, directory):
        stores.append(OverlayStore(base, directory, held_bytes=0))
        return stores[-1]

    monkeypatch.setattr(rederive, "OverlayStore", tiny)
    wrote = []
    monkeypatch.setattr(
        OverlayStore, "close", lambda self: (wrote.append(self.objects.is_on_disk), self.objects.close())
    )

    (random,) = made_again(study, ["random"])

    assert (3, [True]) == (random.compared.changed, wrote)
    assert [] == list(study.repo.layout.tmp.iterdir())
