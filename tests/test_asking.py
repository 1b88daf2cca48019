"""A repository asks people, and says what they said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import dsvc
from dsvc.annotation.answers.evidence import Answered
from dsvc.annotation.answers.records import make_answer
from dsvc.annotation.keeping.ledger import Addition, append
from dsvc.errors import UserError

RECIPE = """
[feed.images]
plugin  = "files"
path    = "images.jsonl"
pointer = "uri"
content_id = "etag"
[feed.labels]
plugin = "files"
path   = "labels.jsonl"
about  = {{ feed = "images", field = "uri", key = "uri" }}
[signal.guess]
from  = "images"
type  = "class(cat, dog)"
value = "guess"
[task.kind]
type    = "class(cat, dog)"
of      = "guess"
ask     = "guess = 'cat'"
answers = {{ from = "labels", value = "kind", annotator = "who" }}
version = "{version}"
{more}
[dataset.cats]
where   = "kind = 'cat'"
columns = {{ kind = "kind" }}
"""


def lines(path, documents):
    """Write documents as JSON lines."""
    Path(path).write_text("".join(json.dumps(document) + "\n" for document in documents))


def write(repo, version="1", more=""):
    """Write the recipe."""
    Path(repo.path, "dsvc.toml").write_text(RECIPE.format(version=version, more=more))


@pytest.fixture(name="repo")
def make_repo(tmp_path):
    """Three images that a model calls cats; of one, somebody said before that it is a dog."""
    with dsvc.init(tmp_path / "faces", author="tester") as repo:
        lines(repo.path / "images.jsonl", [{"uri": f"s3://b/{i}", "etag": f"e{i}", "guess": "cat"} for i in range(3)])
        lines(repo.path / "labels.jsonl", [{"uri": "s3://b/0", "kind": "dog", "who": "eve"}])
        write(repo)
        repo.ingest()
        repo.run()
        yield repo


def wanted(repo):
    """Source -> the ask that people get."""
    return {asked.item.source: asked.wanted[0].ask for asked in repo.people("kind").iter_asked()}


def answer(repo, ask, value):
    """Let somebody answer."""
    made = make_answer(ask, annotator="ann", submitted_us=1, outcome="value", payload=json.dumps(value))
    append(repo.store, {"kind": Addition([Answered(ask, made)])})


def test_day_one_asks_nothing_that_somebody_has_labelled(repo):
    """Their label is the value."""
    assert {"s3://b/1", "s3://b/2"} == set(wanted(repo))
    assert "dog" == repo.record("kind", "s3://b/0", "@draft").value.as_py()
    assert "human" == repo.record("kind", "s3://b/0", "@draft").provenance.origin


def test_people_who_have_not_answered_are_no_obstacle(repo):
    """Nor are those who have since the last run: a commit is of what the run saw."""
    first = repo.commit("pending")
    answer(repo, wanted(repo)["s3://b/1"], "cat")
    assert ["kind"] == [step.name for step in repo.plan().steps if step.status != "unchanged"]
    repo.run()
    ask = wanted(repo)["s3://b/2"]
    answer(repo, ask, "cat")
    second = repo.commit("one more")

    assert first.root != second.root
    assert repo.reproduce("HEAD~1").is_equal
    assert repo.reproduce("HEAD").is_equal
    assert repo.check().is_equal


def test_status_says_that_people_are_asked(repo):
    """By task."""
    assert [("kind", 2, "pending")] == [(w.signal, w.n_sources, w.why) for w in repo.status().waiting]


def test_new_content_is_a_new_question(repo):
    """What was said of other bytes says nothing of these."""
    images = [{"uri": f"s3://b/{i}", "etag": f"e{i}" if i else "new", "guess": "cat"} for i in range(3)]
    lines(repo.path / "images.jsonl", images)
    lines(repo.path / "labels.jsonl", [])
    repo.ingest()
    repo.run()

    assert {"s3://b/0", "s3://b/1", "s3://b/2"} == set(wanted(repo))


def test_a_version_is_priced_before_it_is_raised(repo):
    """And then asks just that."""
    assert 3 == repo.price_version("kind", "2").new
    assert 2 == repo.price_version("kind", "2", accept=">=1").new
    with pytest.raises(UserError, match="expected a range"):
        repo.price_version("kind", "2", accept="what ever")

    write(repo, "2", 'accept = ">=1"')
    assert 2 == repo.plan().tasks[0].new
    write(repo, "2")
    assert 3 == repo.plan().tasks[0].new


def test_who_had_a_part_in_a_record(repo):
    """Of the draft, and of what was committed with another recipe."""
    repo.commit("first")
    write(repo, "2")
    repo.run()

    told = repo.blame_task("kind", "s3://b/0")
    assert ["dog"] == [json.loads(said.value) for said in told.said]
    assert told.said[0].annotator.startswith("p-")
    assert ("final", True) == (told.standing, told.said[0].counts)
    assert (None, False) == (
        repo.blame_task("kind", "s3://b/0", "@draft").standing,
        repo.blame_task("kind", "s3://b/0", "@draft").said[0].counts,
    )


def test_which_signals_are_people_s(repo):
    """Told by how they were made, whatever the recipe says by now."""
    assert repo.is_task("kind", "@draft")
    assert not repo.is_task("guess", "@draft")


def test_a_task_s_signal_cannot_be_put(repo):
    """The recipe makes it."""
    assert "task.kind" == repo.find_owner("kind")


def test_a_funnel_says_who_waits_for_people(repo):
    """A source without a record is told apart by why."""
    [stage, *_] = repo.funnel("@draft", "cats").stages

    assert [("kind", "pending", 2)] == [(lack.name, lack.reason, lack.sources) for lack in stage.lacks]
