"""Work in progress in figures."""

import msgspec

from dsvc.annotation.keeping.ledger import read_ledger
from dsvc.annotation.opstores.base import update
from dsvc.annotation.overview import iter_requests, task_costs
from dsvc.annotation.staging.expiry import HOUR_US, Life
from tests.people.world import World


def test_costs_are_told_apart_by_round_and_mode(tmp_path):
    """First answers, audits and rework, each with its seconds."""
    world = World(tmp_path, image="pointer", wrong=1)  # of all, so that any sample finds it
    n_answers = world.finish()
    with world.open() as repo:
        costs = task_costs(read_ledger(repo.store), "faces")

    assert n_answers == sum(cost.answers for cost in costs)
    assert 12.0 * n_answers == sum(cost.seconds for cost in costs)
    assert {(0, "adjust"), (0, "audit"), (1, "adjust")} <= {(cost.round, cost.mode) for cost in costs}


def test_staged_copies_are_shown_with_their_ages(tmp_path):
    """Each says how old it is, when it goes, and for how many asks it is there."""
    world = World(tmp_path, audit="")
    world.sync()
    world.wait(3)
    with world.open() as repo:
        _, (platform,) = repo.annotate_status()
        with repo._desk(None) as desk:
            n_requests = len(list(iter_requests(desk.ops)))

    assert [3 * 3600.0] * 4 == [copy.age_s for copy in platform.staged]
    assert {1} == {copy.asks for copy in platform.staged}
    assert 4 == n_requests
    assert platform.oldest_s == 3 * 3600.0


def test_copies_of_another_store_are_another_platform_s(tmp_path):
    """Those in the directory that the recipe named before are not counted in the one that it names now."""
    world = World(tmp_path, audit="")
    world.sync()
    recipe = tmp_path / "dsvc.toml"
    recipe.write_text(recipe.read_text().replace('staging  = "staging"', 'staging  = "other"'))
    with world.open() as repo:
        _, (platform,) = repo.annotate_status()

    assert (4, ()) == (len(world.staged()), platform.staged)


def test_a_store_that_deletes_too_early_is_told_of(tmp_path):
    """By status and by check, with what to declare, from what turns remember of it."""
    world = World(tmp_path, audit="")
    world.sync()
    hours = [(day + put, day + 17, day + 18) for day in (-48, -24) for put in range(4)]
    lives = [Life(*(world.now_us + hour * HOUR_US for hour in one)) for one in hours]
    with world.open() as repo:
        with repo._desk(None) as desk:
            update(desk.ops, "control", "team", lambda doc: {**doc, "lives": msgspec.to_builtins(lives)})
        _, (platform,) = repo.annotate_status()
        (checked,) = repo.annotate_check(environ={})
    (finding,) = (finding for finding in checked.findings if finding.what == "when copies go")

    assert ("swept daily at 02:01", 8) == (platform.expiry, platform.gone_early)
    assert (False, 'declare it: expiry = "daily 02:01"') == (finding.is_well, finding.advice)
    assert "rolling, 24 h each" in finding.found
