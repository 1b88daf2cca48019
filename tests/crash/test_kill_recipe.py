"""Killed at any moment of ingest, run or commit, a repository with a recipe holds each of them whole or not at all."""

import random
from dataclasses import dataclass, field

import pytest

import dsvc
from dsvc.objects.oid import Oid
from tests.crash import recipe_model
from tests.crash.process import N_KILLS, iter_victims
from tests.crash.reachable import read_content, verify_reachable

LONGEST_OPERATION_S = 0.2


@dataclass
class Campaign:
    """One repository and how many operations it holds."""

    path: str
    next_number: int = 0
    verified: set[Oid] = field(default_factory=set)
    n_in_flight_kept: int = 0
    n_in_flight_lost: int = 0

    def check(self, begun: int | None, done: int | None) -> None:
        """Check the repository after a kill, and take over what it holds."""
        acknowledged = self.next_number if done is None else done + 1
        with dsvc.open(self.path) as repo:
            verify_reachable(repo.store, self.verified)
            found = Found.read(repo)
        if found == Found.expected(acknowledged):
            self.n_in_flight_lost += begun is not None and begun >= acknowledged
            self.next_number = acknowledged
            return
        assert begun is not None, "nothing was begun and yet the repository changed"
        assert begun == acknowledged
        if recipe_model.split_number(begun)[1] == "run" and found != Found.expected(begun + 1):
            # A run moves the draft step by step: each signal is as before it, or as after it.
            assert found.is_between(Found.expected(begun), Found.expected(begun + 1))
            self.n_in_flight_lost += 1
            self.next_number = begun
            return
        assert Found.expected(begun + 1) == found
        self.n_in_flight_kept += 1
        self.next_number = begun + 1


@dataclass(frozen=True)
class Found:
    """The signals and the dataset of the draft, and the messages of the commits, oldest first."""

    scores: dict[str, int]
    doubled: dict[str, int]
    labels: dict[str, str]
    selected: frozenset[str]
    messages: tuple[str, ...]

    @classmethod
    def read(cls, repo: dsvc.Repository) -> "Found":
        """Return what a repository holds."""
        content = read_content(repo, "@draft")
        messages = tuple(info.message for info in reversed(repo.log())) if repo.head().commit else ()
        signals = [content.get(name, {}) for name in ("score", "doubled", "label")]
        has_dataset = "odd" in repo.view("@draft").datasets
        rows = repo.read("@draft", dataset="odd")["source"].to_pylist() if has_dataset else []
        return cls(*signals, frozenset(rows), messages)

    @classmethod
    def expected(cls, n_done: int) -> "Found":
        """Return what a repository holds after so many operations."""
        cycle, place = divmod(n_done, len(recipe_model.VERBS))
        scores = recipe_model.scores_after(cycle + (place >= 1))
        used = scores if place != 1 else recipe_model.scores_after(cycle)
        selected = frozenset(uri for uri, score in used.items() if score % 2)
        return cls(scores, *recipe_model.derived_from(used), selected, tuple(f"cycle {i}" for i in range(cycle)))

    def is_between(self, before: "Found", after: "Found") -> bool:
        """Tell whether each derived signal and the dataset are as in one of two states, and all else as in both."""
        return (
            (self.scores, self.messages) == (before.scores, before.messages) == (after.scores, after.messages)
            and self.doubled in (before.doubled, after.doubled)
            and self.labels in (before.labels, after.labels)
            and self.selected in (before.selected, after.selected)
        )


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_ingest_run_and_commit_lose_nothing_acknowledged(tmp_path):
    """After a kill all objects verify and every signal is whole; in the end the root is that of a fresh repository."""
    rng = random.Random(3)
    campaign = Campaign(str(tmp_path / "repo"))
    dsvc.init(campaign.path).close()
    recipe_model.write_recipe(tmp_path / "repo")
    for victim in iter_victims("tests.crash.recipe_worker", N_KILLS // 2):
        line = f"{campaign.path} {campaign.next_number}"
        begun, done = victim.work(line, rng.randint(0, 3), rng.uniform(0, LONGEST_OPERATION_S))
        campaign.check(begun, done)

    assert campaign.n_in_flight_lost > 0, "no process was killed at work"
    cycle = campaign.next_number // len(recipe_model.VERBS)
    assert derive_afresh(tmp_path / "fresh", cycle) == catch_up(campaign.path, cycle)


def catch_up(path, cycle: int) -> str:
    """Take in everything up to a cycle and return the root."""
    with dsvc.open(path) as repo:
        verify_reachable(repo.store, set())
        recipe_model.write_documents(repo.path, cycle)
        return derive(repo)


def derive_afresh(path, cycle: int) -> str:
    """Return the root of a repository that takes in the documents of all cycles at once."""
    with dsvc.init(path) as repo:
        recipe_model.write_recipe(path)
        for each in range(cycle + 1):
            recipe_model.write_documents(path, each)
        return derive(repo)


def derive(repo: dsvc.Repository) -> str:
    """Ingest, run and commit, and return the root."""
    repo.ingest()
    repo.run()
    return repo.commit("all", allow_empty=True).root
