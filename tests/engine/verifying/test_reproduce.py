"""Versions made again: equal where everything is deterministic, and told where not."""

from __future__ import annotations

import os
from functools import partial

import pytest

from dsvc.engine.run import run
from dsvc.engine.verifying import rederive
from dsvc.engine.verifying.reproduce import reproduce
from dsvc.errors import DatasetNotFoundError, NotReproducibleError, UserError
from dsvc.feeds.files import FilesFeed
from dsvc.plugins.contracts import Outcome, Transform
from dsvc.repo.divergences import read_divergences
from tests.engine.reproducing import Study

RECIPE = """
[step.twice]
python = "steps:double"
inputs = ["x"]

[step.random]
python = "steps:count"
inputs = ["twice"]

[step.after]
sql = "SELECT random + 1 AS after"

[dataset.some]
where = "twice > 2"
columns = { twice = "twice" }

[dataset.odd]
where = "random > 1"
columns = { x = "x" }
"""
EVEN = RECIPE.replace("steps:count", "steps:double")


@pytest.fixture
def study(tmp_path):
    """A repository with a signal of three sources."""
    study = Study(tmp_path / "study")
    study.put("x", [1, 2, 3])
    return study


def again(study, revision="HEAD", dataset=None, **more):
    """Reproduce a version."""
    return reproduce(study.repo, study.repo.plugins, revision, dataset, **more)


def refs_of(study):
    """What the repository's refs hold, but for the log of divergences."""
    refs = study.repo.store.refs.iter_refs()
    return [(name, value) for name, value in refs if not name.startswith("divergences/")]


def test_a_deterministic_version_comes_out_equal(study):
    """With the same root, every record executed, and not an object or a ref more in the repository."""
    root = study.make(EVEN)
    before = refs_of(study), set(study.repo.store.objects.iter_oids())

    found = again(study)

    assert (True, root) == (found.is_equal, found.made_root.hex())
    assert [("twice", 3), ("random", 3), ("after", 3), ("some", 3), ("odd", 3)] == [
        (part.name, part.ran) for part in found.parts
    ]
    assert before == (refs_of(study), set(study.repo.store.objects.iter_oids()))
    assert [] == read_divergences(study.repo.store.refs)


def test_the_step_that_differs_is_named_and_hides_nothing(study):
    """What is after it is made from the stored values, and comes out equal; the stored values stay."""
    study.make(RECIPE)
    stored = study.read("random", "HEAD")
    objects = set(study.repo.store.objects.iter_oids())

    found = again(study, rows=2)

    assert {"random": "differs"} | dict.fromkeys(["twice", "after", "some", "odd"], "equal") == {
        part.name: part.status for part in found.parts
    }
    (random,) = found.differing
    assert (3, 3) == (random.compared.changed, random.compared.total)
    (rows,) = random.compared.rows
    assert [
        {"source": "a", "op": "~", "kept": 1, "made": 4, "why": None},
        {"source": "b", "op": "~", "kept": 2, "made": 5, "why": None},
    ] == rows.to_pylist()
    assert found.made_root not in (None, found.root)
    assert stored == study.read("random", "HEAD")
    assert objects == set(study.repo.store.objects.iter_oids())


def test_a_divergence_is_noted(study):
    """With both value ids and the first records."""
    study.make(RECIPE)

    (random,) = again(study).differing

    (noted,) = read_divergences(study.repo.store.refs)
    assert ("reproduce", "step", "random", 3) == (noted.command, noted.what, noted.name, noted.records)
    assert (random.kept_value, random.made_value) == (noted.kept, noted.found)
    assert ("a", "1", "4") == (noted.rows[0].source, noted.rows[0].kept, noted.rows[0].found)


def test_of_a_dataset_only_what_it_needs(study):
    """The steps that its expressions reach; `global` is every step; a tag names its dataset's version."""
    study.make(RECIPE)
    study.repo.tag("some@1")

    assert ["twice", "some"] == [part.name for part in again(study, "some@1", "some").parts]
    assert ["twice", "random", "odd"] == [part.name for part in again(study, dataset="odd").parts]
    assert ["twice", "random", "after"] == [part.name for part in again(study, dataset="global").parts]
    assert again(study, dataset="some").is_equal
    with pytest.raises(DatasetNotFoundError):
        again(study, dataset="none")


def test_a_dataset_of_a_dataset_needs_both(study):
    """And what the other needs; of each of them the sample and the parts."""
    more = """
[split.halves]
by = "after"
parts = { one = 0.5, two = 0.5 }

[dataset.less]
from = "odd"
where = "x > 1"
split = "halves"
sample = { share = 0.9 }
"""
    study.make(EVEN + more)

    found = again(study, dataset="less")

    assert ["twice", "random", "after", "odd", "less"] == [part.name for part in found.parts]
    assert found.is_equal


def test_an_old_version_is_made_by_its_own_recipe(study):
    """Whatever lies in the directory now, and whatever traces were kept."""
    root = study.make(EVEN)
    study.make(
        RECIPE.replace("twice > 2", "twice > 4"),
        "def double(x) -> int:\n    return 3 * x\n\ndef count(x) -> int:\n    return x\n",
    )

    found = again(study, "HEAD~1")

    assert (True, root) == (found.is_equal, found.made_root.hex())


def test_two_steps_of_one_transform_are_both_executed(study):
    """Neither answers for the other."""
    study.make("".join(f'[step.{name}]\npython = "steps:count"\ninputs = ["x"]\n' for name in ("one", "two")))

    found = again(study)

    assert [("one", 3), ("two", 3)] == [(part.name, part.ran) for part in found.parts]
    assert 2 == len(found.differing)


FAILING = """
from pathlib import Path

def count(x) -> int:
    if Path({state!r}).exists() and x == {bad}:
        raise ValueError("down")
    return x
"""


def test_failures_differ_as_records_do(study):
    """A record that fails now, or that failed then, is told with its error."""
    recipe = '[step.s]\npython = "steps:count"\ninputs = ["x"]\n'
    study.make(recipe, FAILING.format(state=str(study.state), bad=2))
    study.state.write_text("")

    (now,) = again(study).differing
    study.put("x", [1, 2, 4])
    study.put("x", [1, 2, 3], "w@2")
    study.make(recipe, FAILING.format(state=str(study.state), bad=3))
    study.state.unlink()
    (then,) = again(study).differing

    assert [{"source": "b", "op": "-", "kept": 2, "made": None, "why": "ValueError: down"}] == now.compared.rows[
        0
    ].to_pylist()
    assert [{"source": "c", "op": "+", "kept": None, "made": 3, "why": "ValueError: down"}] == then.compared.rows[
        0
    ].to_pylist()
    assert (1, 1) == (now.compared.removed, then.compared.added)


def test_what_was_committed_stale_is_told_apart(study):
    """It differs because nobody made it, not because it came out otherwise."""
    study.make(EVEN)
    study.put("x", [1, 2, 7])
    study.repo.commit("as it is", as_is=True)
    study.write(EVEN.replace('inputs = ["twice"]', 'inputs = ["x"]').replace("[dataset.odd]", "[dataset.new]"))
    study.repo.commit("as it is", as_is=True)

    first, second = again(study, "HEAD~1"), again(study)

    assert {"twice": "its inputs have changed since it was made"} == {
        part.name: part.why for part in first.left_out if part.status == "stale"
    }
    assert {
        "odd": "the recipe it was committed with has it no more",
        "twice": "its inputs have changed since it was made",
        "random": "it was made otherwise: inputs twice -> x",
        "new": "it has not been made yet",
    } == {part.name: part.why for part in second.left_out}
    assert (False, None) == (second.is_equal, second.made_root)


def test_a_dataset_that_the_recipe_has_no_more_is_told(study):
    """Nothing of it being compared is not everything being equal."""
    study.make(EVEN)
    study.write(EVEN.partition("[dataset.odd]")[0])
    study.repo.commit("as it is", as_is=True)

    found = again(study, dataset="odd")

    assert [("odd", "stale")] == [(part.name, part.status) for part in found.parts]


class Version1(Transform):
    """Gives 1."""

    version, output, inputs = "1", "int64", {"x": None}

    def __call__(self, batch, pixels=None):
        return Outcome([1] * batch.num_rows)


class Version2(Version1):
    """Says that it is another."""

    version = "2"


def test_a_transform_that_is_not_there_is_named(study, monkeypatch):
    """Missing, or of another version: the others are compared all the same."""
    plugins = study.repo.plugins
    offered = {"one": Version1}

    def offer(kind):
        return {name: [("test", item)] for name, item in offered.items()} if kind == "transform" else {}

    monkeypatch.setattr(plugins, "_offered", offer)
    study.make('[step.one]\ntransform = "one"\ninputs = ["x"]\n[step.twice]\npython = "steps:double"\ninputs = ["x"]')
    whole = again(study)
    offered["one"] = Version2
    other = again(study)
    offered.clear()
    missing = again(study)

    assert whole.is_equal
    assert {"one": "it was made otherwise: version 1 -> 2"} == {part.name: part.why for part in other.left_out}
    assert ["refused"] == [part.status for part in missing.left_out]
    assert "'one'" in missing.left_out[0].why
    assert ["equal", "equal"] == [part.status for found in (other, missing) for part in found.parts if part.ran]


def test_a_feed_need_not_be_installed(study, monkeypatch):
    """What was made of its documents is made of them without it."""
    plugins = study.repo.plugins
    offered = {"lake": FilesFeed}

    def offer(kind):
        return {name: [("test", item)] for name, item in offered.items()} if kind == "feed" else {}

    monkeypatch.setattr(plugins, "_offered", offer)
    study.make('[feed.images]\nplugin = "lake"\npath = "a.jsonl"\npointer = "uri"\n' + EVEN)
    offered.clear()

    assert again(study).is_equal


def test_a_declared_file_is_found_where_it_lies(study):
    """No commit keeps it; if it changed since, the step is another."""
    recipe = '[step.s]\npython = "steps:double"\ninputs = ["x"]\nfiles = ["table.txt"]\n'
    (study.path / "table.txt").write_text("1")
    study.make(recipe)
    same = again(study)
    (study.path / "table.txt").write_text("2")

    assert same.is_equal
    assert ["refused"] == [part.status for part in again(study).parts]


def test_versions_that_cannot_be_reproduced(study):
    """A draft has no recipe of its own; signals that were put need none."""
    study.repo.commit("put")

    assert (True, ()) == (again(study).is_equal, again(study).parts)
    with pytest.raises(UserError, match="draft") as caught:
        again(study, "@draft")
    assert "run --check" in str(caught.value.hint)


def test_a_version_without_its_recipe_is_refused(study):
    """What was derived cannot be derived again."""
    study.write(EVEN)
    study.repo.run()
    for name in ("dsvc.toml", "steps.py"):
        (study.path / name).unlink()
    study.repo.commit("no recipe", as_is=True)

    with pytest.raises(NotReproducibleError, match="HEAD cannot be reproduced: it was committed without a recipe"):
        again(study)


PID = """
import os
from pathlib import Path

def double(x) -> int:
    with Path({state!r}).open("a") as pids:
        pids.write(f"{{os.getpid()}} ")
    return {value}
"""


def test_worker_processes_load_the_recipe_of_the_version(study, monkeypatch):
    """Not the one that lies in the directory now."""
    recipe = '[step.s]\npython = "steps:double"\ninputs = ["x"]\n'
    study.make(recipe, PID.format(state=str(study.state), value=5))
    study.write(recipe, PID.format(state=str(study.state), value=6))
    study.state.unlink()
    monkeypatch.setattr(rederive, "run", partial(run, worth_s=0.0, workers=1))
    here = again(study)
    monkeypatch.setattr(rederive, "run", partial(run, worth_s=0.0, workers=2))
    there = again(study)

    pids = study.state.read_text().split()
    assert (True, True, 6) == (here.is_equal, there.is_equal, len(pids))
    assert {os.getpid()} == {int(pid) for pid in pids[:3]}
    assert os.getpid() not in {int(pid) for pid in pids[3:]}
