"""What `dsvc plan` says of people, `dsvc run` and `dsvc annotate sync` do, typed as users type it."""

import json
import shutil
from pathlib import Path

import pytest

from tests.commands.conftest import Shell

N, N_UNSURE = 8, 3
RECIPE = """
[feed.images]
plugin  = "files"
path    = "documents.jsonl"
pointer = "uri"

[signal.guess]
from  = "images"
type  = "rating(5)"
value = "guess"

[platform.team]
plugin = "files"

[task.quality]
type      = "rating(5)"
of        = "guess"
ask       = "guess < 3"
guideline = "guide.md"
"""
DATASETS = "".join(
    f'\n[dataset.d{i}]\nwhere = "quality > {i}"\ncolumns = {{ quality = "quality" }}\n' for i in range(3)
)


@pytest.fixture(name="shell")
def make_shell(capsys, tmp_path, monkeypatch):
    """A shell in a repository with rated images, three datasets of the ratings, and nobody asked yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DSVC_AUTHOR", "Ada <ada@example.org>")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    shell = Shell(capsys)
    shell("init")
    rows = [{"uri": f"s3://faces/{i}.jpg", "guess": 1 if i < N_UNSURE else 4} for i in range(N)]
    Path("documents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("dsvc.toml").write_text(RECIPE + DATASETS)
    Path("guide.md").write_text("look wel")
    shell("ingest")
    return shell


def planned(shell, *words):
    """Return what a plan says of people: (asks, new, shared, reused)."""
    [task] = [item for item in shell.json("plan", *words) if item["type"] in ("planned-task", "priced-task")]
    return task["asks"], task["new"], task["shared"], task["reused"]


def done(shell, *words):
    """Return what a command that does a pass did: (new, shared, posted)."""
    found = shell.json(*words)
    passes = [item for item in found if item["type"] == "annotation-pass"]
    turns = [item for item in found if item["type"] == "platform-turn"]
    return sum(p["new"] for p in passes), sum(p["shared"] for p in passes), sum(t["posted"] for t in turns)


def answer(value=5):
    """Let somebody answer all that is out."""
    folder = Path("annotation/quality@1")
    keys = [json.loads(line)["key"] for line in (folder / "asks.jsonl").read_text().splitlines()]
    lines = (json.dumps({"key": key, "value": value, "seconds": 30}) + "\n" for key in keys)
    (folder / "answers" / "ann.jsonl").write_text("".join(lines))
    return len(keys)


def test_people_see_each_image_once_whatever_is_typed(shell):
    """Three datasets, two branches, an op store that is deleted, a draft that is thrown away, a branch that goes."""
    assert (N_UNSURE, N_UNSURE, 0, 0) == planned(shell)
    assert (N_UNSURE, 0, N_UNSURE) == done(shell, "run", "-m", "asked")
    assert (N_UNSURE, 0, 0, 0) == planned(shell)
    shell("switch", "--create", "exp")
    assert (0, N_UNSURE, 0) == done(shell, "annotate", "sync")
    shutil.rmtree(".dsvc/annotation")
    assert (N_UNSURE, 0, 0, 0) == planned(shell)
    assert 0 == done(shell, "annotate", "sync")[2]

    assert N_UNSURE == answer()
    assert (0, 0, 0) == done(shell, "run")
    values = shell.json("sql", "SELECT * FROM quality ORDER BY source", "--at", "@draft")
    shell("switch", "main", "--discard")  # what was made of the answers is thrown away
    shell("branch", "--delete", "exp", "--force")
    assert (0, 0, 0, N_UNSURE) == planned(shell)
    assert (0, 0, 0) == done(shell, "run", "-m", "answered")
    assert values == shell.json("sql", "SELECT * FROM quality ORDER BY source")
    assert N_UNSURE == sum(item["answers"] for item in shell.json("annotate", "cost") if item["type"] == "task-cost")


def test_datasets_that_go_and_come_ask_nothing(shell):
    """They want what is there."""
    done(shell, "run")
    answer()
    done(shell, "run", "-m", "answered")
    for text in (RECIPE, RECIPE + DATASETS):
        Path("dsvc.toml").write_text(text)
        assert (0, 0, 0, 0) == planned(shell)
        assert (0, 0, 0) == done(shell, "run", "-m", "datasets")


def test_an_edited_guideline_is_told_of_everywhere(shell):
    """In plan, status, check and the figures; it asks nothing."""
    done(shell, "run")
    answer()
    done(shell, "run", "-m", "answered")
    told = "guideline edited since answers of version 1: raise `version`, or nothing is asked again"
    assert told not in shell("plan").err
    Path("guide.md").write_text("look well")

    assert f"Warning: task quality: {told}" in shell("plan").err.splitlines()
    assert f"task quality: {told}" in shell("status").lines
    [edited] = [item for item in shell.json("status") if item["type"] == "edited-guideline"]
    assert ("quality", "1") == (edited["task"], edited["version"])
    [checked] = shell.json("annotate", "check")
    assert [f"2 words, {told.removeprefix('guideline ')}"] == [
        finding["found"] for finding in checked["findings"] if finding["what"] == "guideline of quality"
    ]
    [work] = [item for item in shell.json("annotate", "status") if item["type"] == "task-work"]
    assert work["is_guideline_edited"]
    assert (0, 0, 0, 0) == planned(shell)
    assert (0, 0, 0) == done(shell, "run")


def test_a_raised_version_asks_what_was_said_of_it(shell):
    """With hours and days, for people and for programs."""
    done(shell, "run")
    answer()
    done(shell, "run", "-m", "answered")
    price = planned(shell, "--as-version", "quality=2")
    [told] = shell("plan", "--as-version", "quality=2").lines
    Path("dsvc.toml").write_text(RECIPE + 'version = "2"\n' + DATASETS)

    assert (N_UNSURE, N_UNSURE, 0, 0) == price == planned(shell)
    assert f"task quality as version 2: {N_UNSURE} new asks, about 90 s of work, done in " in told
    assert (N_UNSURE, 0, N_UNSURE) == done(shell, "run")
