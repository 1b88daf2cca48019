"""A command line run in this process, in a repository of its own."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from dsvc.cli import main


@dataclass(frozen=True)
class Result:
    """What one command line did."""

    status: int
    out: str
    err: str

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def objects(self):
        return [json.loads(line) for line in self.lines]


class Shell:
    """Runs command lines where it was made, and looks at what they print."""

    def __init__(self, capsys):
        self._capsys = capsys

    def __call__(self, *words, expect=0):
        """Run `dsvc` with these words; the exit status must be `expect`."""
        self._capsys.readouterr()
        status = main([str(word) for word in words])
        result = Result(status, *self._capsys.readouterr())
        assert expect == result.status, f"dsvc {' '.join(map(str, words))}\n{result.out}{result.err}"
        return result

    def json(self, *words, **kwargs):
        """Run with `--json` and return the objects."""
        return self(*words, "--json", **kwargs).objects

    def put(self, signal, values, *, producer="test@1"):
        """Put values by source, through a file of JSON lines."""
        path = Path(f"{signal}.jsonl")
        rows = ({"source": source, signal: value} for source, value in values.items())
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return self("put", signal, path, "--producer", producer)


@pytest.fixture(name="shell")
def make_shell(capsys, tmp_path, monkeypatch):
    """A shell in an empty directory, with an author and without a git work tree around."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DSVC_AUTHOR", "Ada <ada@example.org>")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("COLUMNS", "100")
    return Shell(capsys)


@pytest.fixture(name="repo")
def make_repository(shell):
    """A shell in a repository without records."""
    shell("init")
    return shell


@pytest.fixture(name="scores")
def make_scores(repo):
    """A shell in a repository with two commits of one signal: 1, 2, 3, then 2 changed, 3 gone, 4 new."""
    repo.put("spoof_score", {"s3://f/1": 0.1, "s3://f/2": 0.2, "s3://f/3": 0.3}, producer="spoof@1")
    repo("commit", "-m", "first scores")
    repo.put("spoof_score", {"s3://f/2": 0.25, "s3://f/4": 0.4}, producer="spoof@2")
    repo("remove", "spoof_score", "s3://f/3")
    repo("commit", "-m", "second scores")
    return repo


RECIPE = """\
[feed.images]
plugin  = "files"
path    = "documents/*.jsonl"
pointer = "uri"

[signal.quality]
from    = "images"
type    = "rating(5)"
value   = "class"
version = "version"
accept  = "<2"

[step.is_good]
sql = "SELECT quality >= 3 AS is_good"

[dataset.good]
where   = "is_good"
columns = { quality = "quality" }
"""

DOCUMENTS = """\
{"uri": "s3://f/1", "class": 4, "version": "1.0"}
{"uri": "s3://f/2", "class": 2, "version": "1.0"}
{"uri": "s3://f/3", "class": 5, "version": "2.0"}
"""


@pytest.fixture(name="faces")
def make_faces(repo):
    """A shell in a repository with a recipe and documents that have not been read; one of them will be held."""
    Path("dsvc.toml").write_text(RECIPE)
    Path("documents").mkdir()
    Path("documents/a.jsonl").write_text(DOCUMENTS)
    return repo


@pytest.fixture(name="made")
def make_made(faces):
    """A shell in a repository in which all that the recipe says has been made, and nothing is committed."""
    faces("ingest")
    faces("run")
    return faces
