"""A dataset that does not pass its check: what a nightly run and a tag do."""

from pathlib import Path

import pytest

RECIPE = """
[feed.images]
plugin  = "files"
path    = "documents/*.jsonl"
pointer = "uri"

[signal.quality]
from  = "images"
value = "class"

[dataset.good]
where   = "quality >= 3"
columns = { quality = "quality" }
check   = { min_rows = 2, max_loss = 0.5 }
"""


@pytest.fixture
def nightly(repo):
    """A shell in a repository with two good sources, committed by a nightly run."""
    Path("dsvc.toml").write_text(RECIPE)
    Path("documents").mkdir()
    write(1, [4, 5, 1])
    repo("run", "--ingest", "-m", "nightly")
    return repo


def write(number, qualities):
    """Write a file of documents about sources from 0 on."""
    lines = (f'{{"uri": "s3://f/{i}", "class": {quality}}}\n' for i, quality in enumerate(qualities))
    Path(f"documents/{number}.jsonl").write_text("".join(lines))


def test_a_nightly_run_that_fails_a_check_keeps_its_work(nightly):
    """Nothing is committed, the status says so, and the draft has all of it; a person may commit it all the same."""
    write(2, [1])

    failed = nightly("run", "--ingest", "-m", "nightly", expect=3)

    assert "min_rows: expected at least 2 rows, found 1" in failed.out
    assert "Not committed, 1 check failed" in failed.err
    assert 1 == len(nightly.json("log"))
    assert 1 == len(nightly.json("read", "@draft", "-d", "good"))
    nightly("run", "--ingest", "-m", "nightly", expect=3)  # and so again, until someone looks
    nightly("commit", "-m", "accepted")
    assert "Nothing new" in nightly("run", "--ingest", "-m", "nightly").err


def test_what_comes_back_is_committed(nightly):
    """The next night everything is in one commit."""
    write(2, [1])
    nightly("run", "--ingest", "-m", "nightly", expect=3)
    write(3, [3])

    nightly("run", "--ingest", "-m", "nightly")

    assert ["nightly"] * len(nightly.json("log")) == [item["message"] for item in nightly.json("log")]
    assert {} == {item["dataset"]: item for item in nightly.json("status") if item["type"] == "failed-check"}


def test_a_run_by_hand_commits(nightly):
    """Who names a message without `--ingest` looks at what it makes."""
    write(2, [1])
    nightly("ingest")

    nightly("run", "-m", "by hand")

    assert "by hand" == nightly.json("log")[0]["message"]


def test_failed_checks_for_programs(nightly):
    """One object for each."""
    write(2, [1, 1])

    found = [item for item in nightly.json("run", "--ingest", "-m", "n", expect=3) if item["type"] == "failed-check"]

    expected = {
        "type": "failed-check",
        "dataset": "good",
        "check": "min_rows",
        "expected": "at least 2 rows",
        "found": "0",
    }
    assert expected == found[0]
    assert ["min_rows", "max_loss"] == [item["check"] for item in found]


def test_a_tag_is_refused(nightly):
    """With what was expected and found, what to do, and the status of a failed check."""
    write(2, [1])
    nightly("ingest")
    nightly("run", "-m", "by hand")

    refused = nightly("tag", "good@v1", expect=3)

    assert "dataset 'good' fails its check at HEAD: min_rows: expected at least 2 rows, found 1" in refused.err
    assert "edit its `check`" in refused.err
    assert [] == nightly.json("tag")
    nightly("tag", "good@v0", "HEAD~1")
    assert ["good@v0"] == [tag["name"] for tag in nightly.json("tag")]


def test_a_tagged_dataset_is_named_by_its_tag(nightly):
    """In checkout, diff, read and show."""
    nightly("tag", "good@v1")
    write(2, [1, 5, 5])
    nightly("run", "--ingest", "-m", "nightly")
    nightly("tag", "good@v2")

    assert [4, 5] == [row["quality"] for row in nightly.json("read", "good@v1")]
    assert [5, 5] == [row["quality"] for row in nightly.json("read", "good@v2")]
    nightly("checkout", "good@v1", "--to", "out", "--format", "jsonl")
    assert 2 == sum(len(path.read_text().splitlines()) for path in Path("out").glob("*.jsonl"))
    assert "nightly" in nightly("show", "good@v1").out
    changed = [item for item in nightly.json("diff", "good@v1..good@v2") if item.get("signal") == "quality"]
    assert ["s3://f/0", "s3://f/2"] == [item["source"] for item in changed]
