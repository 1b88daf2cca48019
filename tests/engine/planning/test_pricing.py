"""Tests of what a raised version of a task would cost: just what the plan says once it is raised."""

from itertools import product

import msgspec
import pytest

from dsvc.engine.planning.pricing import price_version
from dsvc.errors import UserError
from dsvc.recipe.versions import VersionRange
from tests.engine.office import AUDIT, NAMES, Office, recipe


@pytest.fixture
def office(tmp_path):
    """Ten labelled images, three of them to be asked about, of which two are answered."""
    made = Office(tmp_path / "faces")
    made.put("label", {f"s{i}": NAMES[i % 2] for i in range(10)})
    made.put("score", {f"s{i}": i for i in range(10)})
    made.write(recipe())
    made.run()
    asks = made.asks("kind")
    made.answer(asks["s0"], "eel", lead_s=10.0)
    made.answer(asks["s1"], "dog", lead_s=30.0)
    made.run()
    return made


def price(office, version, accept=None):
    """Return what another version would cost."""
    range_ = None if accept is None else VersionRange.parse(accept)
    return price_version(office.repo, office.recipe, office.plugins, "kind", version, accept=range_)


@pytest.mark.parametrize(("accept", "more", "audit"), [*product(("==2", ">=1"), ("", "resample = 0.4"), ("", AUDIT))])
def test_the_price_is_what_the_plan_says_afterwards(office, accept, more, audit):
    """In every figure, and a run asks no more and no less."""
    accepting = f'accept = "{accept}"\n{more}'
    office.write(recipe(more=f'accept = ">=1"\n{more}', audit=audit))
    office.run()
    cost = price(office, "2", accept)
    office.write(recipe(version="2", more=accepting, audit=audit))
    [planned] = office.plan().tasks
    report = office.run()
    asks = {ask.ask_id for ask in office.asks("kind").values()}

    assert msgspec.to_builtins(planned) == msgspec.to_builtins(cost)
    assert (cost.asks, cost.new) == (len(asks), len(asks))
    assert cost.seconds == 20.0 * (cost.answers + cost.audits)
    assert 10 == report.steps[0].ran


def test_what_counts_decides_what_is_asked(office):
    """Nothing that was said does unless said so; what was said before the price is asked is reused."""
    strict, mild = price(office, "2"), price(office, "2", ">=1")

    assert (3, 3, 0) == (strict.asks, strict.new, strict.reused)
    assert (1, 1, 2) == (mild.asks, mild.new, mild.reused)


def test_the_present_version_costs_nothing(office):
    """It is asked already."""
    cost = price(office, "1")

    assert (1, 0, 0) == (cost.asks, cost.new, cost.reused)


def test_nothing_is_written(office):
    """Neither an object nor a ref."""
    before = dict(office.repo.store.refs.iter_refs()), set(office.repo.store.objects.iter_oids())
    price(office, "2")

    assert before == (dict(office.repo.store.refs.iter_refs()), set(office.repo.store.objects.iter_oids()))


def test_what_stands_before_the_task_is_planned_too(office):
    """Where it has to run first, the price is what is known."""
    office.write(recipe(ask="twice < 6") + '[step.twice]\nsql = "SELECT 2 * score AS twice"')
    assert not price(office, "2").is_exact
    office.run()

    assert (3, True) == (price(office, "2").asks, price(office, "2").is_exact)


def test_an_unknown_task_has_no_price(office):
    """It is refused."""
    with pytest.raises(UserError, match="no task"):
        price_version(office.repo, office.recipe, office.plugins, "nothing", "2")
