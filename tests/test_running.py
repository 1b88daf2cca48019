"""A repository runs its recipe, one run at a time."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import dsvc
from dsvc.errors import PluginNotFoundError, RunningError, UserError

RECIPE = """
[step.a]
sql = "SELECT x + 1 AS a"
[step.b]
sql = "SELECT a + 1 AS b"
[step.c]
sql = "SELECT b + 1 AS c"
"""


@pytest.fixture(name="repo")
def make_repo(tmp_path):
    """A repository with three steps in a row."""
    with dsvc.init(tmp_path / "faces") as repo:
        repo.put("x", pa.table({"source": ["s3://b/1", "s3://b/2"], "x": [1, 2]}), producer="w@1")
        Path(repo.path, "dsvc.toml").write_text(RECIPE)
        yield repo


def ran(report):
    """Return the steps that a run made."""
    return [step.name for step in report.steps if step.status == "made"]


def test_names_with_what_they_need_and_what_follows(repo):
    """A name alone is made of what there is."""
    assert [] == ran(repo.run(only=["b"]))
    assert ["a", "b"] == ran(repo.run(only=["b"], upstream=True))
    assert ["c"] == ran(repo.run(only=["a"], downstream=True))
    assert {"a", "b", "c"} == repo.chosen(["b"], upstream=True, downstream=True)


def test_unknown_names_are_refused(repo):
    """As on the command line, and nothing runs."""
    with pytest.raises(UserError, match="no step, task or dataset 'bb'"):
        repo.run(only=["bb"])
    with pytest.raises(PluginNotFoundError, match="executor"):
        repo.run(executor="nobody")

    assert ["a", "b", "c"] == ran(repo.run())


def test_a_limit_stops_a_run(repo):
    """What is made is kept for the next."""
    stopped = repo.run(limit=3)
    rest = repo.run()

    assert [("a", "made", 2), ("b", "stopped", 1)] == [(step.name, step.status, step.ran) for step in stopped.steps]
    assert stopped.is_stopped
    assert [0, 1, 2] == [step.ran for step in rest.steps]


def test_one_run_at_a_time(repo):
    """Another of the same repository is refused if it is not to wait; a run inside is part of the one outside."""
    with dsvc.open(repo.path) as other, repo.running("dsvc run"):
        with pytest.raises(RunningError, match="dsvc run"):
            other.run(waits=False)
        assert ["a", "b", "c"] == ran(repo.run(waits=False))
    with dsvc.open(repo.path) as other:
        assert other.run(waits=False).did_nothing


def test_executor_and_workers_can_be_configured(repo):
    """In the settings of this repository on this machine."""
    config = Path(repo.path, ".dsvc/config.toml")
    config.write_text('executor = "nobody"\nworkers = 3\n')

    with dsvc.open(repo.path) as again, pytest.raises(PluginNotFoundError, match="'nobody'"):
        again.run()
    with dsvc.open(repo.path) as again:
        assert ["a", "b", "c"] == ran(again.run(executor="local", workers=1))
