"""A repository whose people answer through a folder that clones may share; all it does is done by commands' own calls.

`Keeping` counts what must not happen twice: questions that are posted, copies that are staged, answers that are given.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dsvc.annotation.keeping.ledger import read_ledger
from dsvc.annotation.syncing import SyncReport
from dsvc.engine.making.report import RunReport
from dsvc.engine.planning.task_plan import TaskPlan
from dsvc.repository import Repository

START_US = 1_772_442_000_000_000
"""A Monday, 09:00 UTC."""
HOUR_US = 3_600_000_000
FEEDS = """
[feed.images]
plugin  = "files"
path    = "images.jsonl"
pointer = "uri"
content_id = "etag"

[feed.models]
plugin  = "files"
path    = "models.jsonl"
about   = {{ feed = "images", field = "uri", key = "uri" }}

[feed.labels]
plugin  = "files"
path    = "labels.jsonl"
about   = {{ feed = "images", field = "uri", key = "uri" }}

[signal.guess]
from    = "models"
type    = "{type}"
value   = "guess"
version = "version"

[signal.score]
from    = "models"
type    = "score"
value   = "score"

[platform.team]
plugin   = "files"
path     = "{team}"
attempts = 50
"""
TASK = """
[task.kind]
type    = "{type}"
of      = "guess"
ask     = "{ask}"
version = "{version}"
{more}
"""
AUDIT = """
[task.kind.audit]
sample    = 0.5
max_error = 0.1
lot       = { size = 100 }
"""
DATASETS = """
[dataset.all]
columns = { kind = "kind" }

[dataset.sure]
where   = "score >= 0.5"
columns = { kind = "kind" }

[dataset.final]
where   = "kind._state = 'final'"
columns = { kind = "kind" }
"""


class Keeping:
    """One clone.

    Args:
        directory: Where it is.
        team: The folder through which people answer.
        type_: Of what is judged.
    """

    def __init__(self, directory: Path, team: Path, type_: str = "rating(5)") -> None:
        self.path, self.team, self.type = directory, team, type_
        self.now_us = START_US
        self.posted: set[str] = set()
        """Key of every question that was ever seen."""
        self.ran: Counter[str] = Counter()
        """Step or task -> records that the last run executed."""
        self.models: dict[str, tuple[Any, float, str]] = {}
        self.etags: dict[str, str] = {}

    @classmethod
    def init(cls, directory: Path, type_: str = "rating(5)") -> Keeping:
        """Make an empty one, with a folder of its own for people."""
        made = cls(directory / "repo", directory / "team", type_)
        made.path.mkdir(parents=True)
        Repository.init(made.path, author="Ada", clock=made.clock).close()
        made.write_documents("images", [])
        made.write_documents("labels", [])
        return made

    def clone(self, name: str) -> Keeping:
        """Copy the repository, without what is under way; people answer both through one folder."""
        other = Keeping(self.path.parent / name, self.team, self.type)
        shutil.copytree(self.path, other.path)
        other.now_us, other.models, other.etags = self.now_us, dict(self.models), dict(self.etags)
        other.forget()
        return other

    def forget(self) -> None:
        """Lose the op store."""
        shutil.rmtree(self.path / ".dsvc" / "annotation", ignore_errors=True)

    def clock(self) -> int:
        """The time."""
        return self.now_us

    def wait(self, hours: float) -> None:
        """Let time pass."""
        self.now_us += round(hours * HOUR_US)

    def open(self) -> Repository:
        """Open it, as every command does."""
        return Repository.open(self.path, author="Ada", clock=self.clock)

    # --- what goes in -----------------------------------------------------------------------------------------------

    def recipe(
        self, *, ask: str = "score < 0.5", version: str = "1", more: str = "", tail: str = DATASETS, type_: str = ""
    ) -> None:
        """Write the recipe."""
        task = TASK.format(type=type_ or self.type, ask=ask, version=version, more=more)
        (self.path / "dsvc.toml").write_text(FEEDS.format(type=self.type, team=self.team) + task + tail)

    def write_documents(self, name: str, documents: Iterable[Mapping[str, Any]]) -> None:
        """Write what a feed has."""
        (self.path / f"{name}.jsonl").write_text("".join(json.dumps(document) + "\n" for document in documents))

    def deliver(self, models: Mapping[str, tuple[Any, float]], version: str = "1", **etags: str) -> None:
        """Let a model of a version say what it thinks of some images: (guess, score); and take it in."""
        self.models |= {source: (guess, score, version) for source, (guess, score) in models.items()}
        self.etags |= {source: etags.get(source, self.etags.get(source, "e0")) for source in models} | etags
        self.write_documents("images", ({"uri": source, "etag": etag} for source, etag in self.etags.items()))
        rows = self.models.items()
        self.write_documents(
            "models", ({"uri": s, "guess": guess, "score": score, "version": of} for s, (guess, score, of) in rows)
        )
        with self.open() as repo:
            repo.ingest()

    # --- what is done -----------------------------------------------------------------------------------------------

    def plan(self) -> TaskPlan:
        """Return what `dsvc plan` says of the task."""
        with self.open() as repo:
            return next(task for task in repo.plan().tasks if task.name == "kind")

    def price(self, version: str, accept: str | None = None) -> TaskPlan:
        """Return what `dsvc plan --as-version` says."""
        with self.open() as repo:
            return repo.price_version("kind", version, accept=accept)

    def run(self, *, close_lots: bool = False) -> SyncReport:
        """Do what `dsvc run` does: take in, make, send."""
        with self.open() as repo:
            made: list[RunReport] = []
            report = repo.annotate_sync(make=lambda: made.append(repo.run()), close_lots=close_lots)
        self.ran = Counter()
        for each in made:
            self.ran.update({step.name: step.ran for step in each.steps})
        self.posted |= self.questions().keys()
        return report

    def questions(self) -> dict[str, dict[str, Any]]:
        """Return the questions that are out, by key."""
        found = {}
        for path in sorted(self.team.glob("*/asks.jsonl")):
            rows = map(json.loads, path.read_text().splitlines())
            found |= {row["key"]: {**row, "folder": path.parent} for row in rows}
        return found

    def asked(self) -> dict[str, str]:
        """Return source -> mode of the asks that are under way."""
        with self.open() as repo:
            return {status.ask.source: status.ask.mode for status in repo.asks()}

    def answer(self, who: str, values: Mapping[str, Any] | None = None, *, seconds: float = 20) -> int:
        """Let somebody answer all that is open, or some of it; with what is shown, where not said otherwise."""
        with self.open() as repo:
            sources = {status.ask.ask_id.hex(): status.ask.source for status in repo.asks()}
        n_done = 0
        for key, question in self.questions().items():
            source = sources.get(key.partition("#")[0])
            value = question["shown"] if values is None else values.get(source)
            if source is None or value is None:
                continue
            said = {"key": key, "value": value, "seconds": seconds, "at": self.now_us}
            with (question["folder"] / "answers" / f"{who}.jsonl").open("a") as file:
                file.write(json.dumps(said) + "\n")
            n_done += 1
        return n_done

    # --- what came of it --------------------------------------------------------------------------------------------

    def values(self) -> dict[str, tuple[Any, str, str]]:
        """Return source -> (value, origin, standing) of the draft."""
        with self.open() as repo:
            if "kind" not in repo.view("@draft").signals:
                return {}  # everybody waits
            rows = repo.sql("SELECT source, kind, _origin, _state FROM kind", "@draft").to_pylist()
        return {row["source"]: (row["kind"], row["_origin"], row["_state"]) for row in rows}

    def n_answers(self) -> int:
        """Return how many answers the ledger holds."""
        with self.open() as repo:
            ledger = read_ledger(repo.store)
            return sum(len(known.answers) for task in ledger.tasks for _, known in ledger.iter_evidence(task))
