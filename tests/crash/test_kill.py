"""Killed at any moment, a repository holds what was acknowledged, and nothing half-done."""

import random
from dataclasses import dataclass, field

import pytest

import dsvc
from dsvc.objects.oid import Oid
from tests.crash.model import Model, digest, make_operation
from tests.crash.process import LONGEST_WAIT_S, MOST_DONE, N_KILLS, iter_victims
from tests.crash.reachable import read_content, verify_reachable


@dataclass
class Campaign:
    """One repository, what it must hold, and what happened to it."""

    path: str
    seed: int
    model: Model = field(default_factory=Model)
    next_number: int = 0
    verified: set[Oid] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)
    n_in_flight_kept: int = 0
    n_in_flight_lost: int = 0

    def check(self, begun: int | None, done: int | None) -> None:
        """Check the repository after a kill, and take over what it holds."""
        self._advance(self.next_number if done is None else done + 1)
        with dsvc.open(self.path) as repo:
            verify_reachable(repo.store, self.verified)
            found = observe(repo, self.digests)
            if found != self.model and begun is not None and begun >= self.next_number:
                self._advance(begun + 1)
                self.n_in_flight_kept += 1
            else:
                self.n_in_flight_lost += begun is not None and begun >= self.next_number

            assert self.model == found

    def _advance(self, number: int) -> None:
        for at in range(self.next_number, number):
            self.model.apply(make_operation(self.seed, at))
        self.next_number = number


def observe(repo: dsvc.Repository, digests: dict[str, str]) -> Model:
    """Return what a repository holds; `digests` remembers the content of commits that were read before."""
    commits = []
    for info in reversed(repo.log()) if repo.head().commit else []:
        if info.id not in digests:
            digests[info.id] = digest(read_content(repo, info.id))
        commits.append((info.message, digests[info.id]))
    branches = {info.name for info in repo.branches()} - {"main"}
    return Model(read_content(repo, "@draft"), commits, {info.name for info in repo.tags()}, branches)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_writer_loses_nothing_acknowledged(tmp_path):
    """After a kill all objects verify, and the content is what was done, with or without the operation in flight."""
    rng = random.Random(2)
    campaign = Campaign(str(tmp_path / "repo"), seed=rng.randrange(2**32))
    dsvc.init(campaign.path).close()
    for victim in iter_victims("tests.crash.worker", N_KILLS):
        line = f"{campaign.path} {campaign.seed} {campaign.next_number}"
        begun, done = victim.work(line, rng.randint(0, MOST_DONE), rng.uniform(0, LONGEST_WAIT_S))
        campaign.check(begun, done)

    assert campaign.n_in_flight_lost > 0, "no process was killed at work"
    with dsvc.open(campaign.path) as repo:
        verify_reachable(repo.store, set())
