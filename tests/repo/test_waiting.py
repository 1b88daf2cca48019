"""The sources that wait for a current record."""

import pytest

from dsvc.repo.waiting import WaitingSource, iter_waiting
from dsvc.repository import Repository

RECIPE = """
[feed.images]
plugin  = "files"
path    = "documents.jsonl"
pointer = "uri"

[signal.quality]
from    = "images"
value   = "quality"
version = "version"
accept  = "<2"

[step.inverse]
python = "steps:inverse"
inputs = ["quality"]
"""


@pytest.fixture(name="repo")
def make_repository(tmp_path):
    """A repository in which one value is held and one record failed."""
    with Repository.init(tmp_path, author="Ada") as repo:
        (tmp_path / "dsvc.toml").write_text(RECIPE)
        (tmp_path / "steps.py").write_text("def inverse(quality) -> float:\n    return 1 / quality\n")
        (tmp_path / "documents.jsonl").write_text(
            '{"uri": "s3://f/1", "quality": 0, "version": "1"}\n{"uri": "s3://f/2", "quality": 3, "version": "2"}\n'
        )
        repo.ingest(environ={})
        repo.run()
        yield repo


def test_waiting_sources_come_with_their_reason(repo):
    """By signal and source: what a transform raised, and the whole of what is held."""
    failed, held = iter_waiting(repo.view("@draft"))

    assert WaitingSource("inverse", "s3://f/1", "failed", "ZeroDivisionError: division by zero") == failed
    assert ("quality", "s3://f/2", "held") == (held.signal, held.source, held.reason)
    assert '"value":3' in held.detail.replace(" ", "")


def test_waiting_sources_of_one_signal(repo):
    """Only those of the signal asked for."""
    assert ["inverse"] == [item.signal for item in iter_waiting(repo.view("@draft"), "inverse")]


def test_nothing_waits_in_an_empty_repository(tmp_path):
    """No state, nothing waiting."""
    with Repository.init(tmp_path / "empty", author="Ada") as repo:
        assert [] == list(iter_waiting(repo.view("@draft")))
