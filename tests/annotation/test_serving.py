"""What a platform is asked of a recipe."""

import pytest

from dsvc.annotation.answers.evidence import Answered
from dsvc.annotation.answers.pseudonyms import Pseudonyms
from dsvc.annotation.answers.records import make_answer, make_ask
from dsvc.annotation.desk import Desk
from dsvc.annotation.judging.asks import Wanted
from dsvc.annotation.keeping.ledger import Addition, append
from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.annotation.outfit import outfits
from dsvc.annotation.serving import effort_of, serve, serve_before, spent
from dsvc.annotation.turns.requests import Requests
from dsvc.plugins.manager import Plugins
from dsvc.recipe.load import load_recipe
from dsvc.store.memory import MemoryStore

RECIPE = """
[platform.team]
plugin   = "files"
attempts = 7

[task.quality]
type    = "rating(5)"
version = "2"
budget  = "60s"

[task.kind]
type = "class(cat, dog)"
"""


@pytest.fixture(name="outfit")
def make_outfit(tmp_path):
    """A platform with two tasks, of which one has a budget."""
    (tmp_path / "dsvc.toml").write_text(RECIPE)
    plugins = Plugins()
    [outfit] = outfits(load_recipe(tmp_path, plugins=plugins), plugins, {})
    return outfit


def ask(number, version="2"):
    """Return an ask of the task with a budget."""
    said = {"task": "quality", "version": version, "type": "rating(5)", "mode": "label", "form": "label", "round": 0}
    return make_ask(source=f"s3://f/{number}", content_id="", **said)


def answer(store, number, lead_s):
    """Have somebody answer."""
    asked = ask(number)
    said = {"outcome": "value", "payload": "4", "platform": "team", "platform_id": str(number), "lead_s": lead_s}
    made = make_answer(asked, annotator="p-ann", submitted_us=number, **said)
    append(store, {"quality": Addition(answered=[Answered(asked, made)])})


def test_a_budget_is_what_is_left_when_it_is_asked(outfit):
    """Answers that come after the platform was made ready are spent too; at the pace that was measured."""
    store = MemoryStore()
    quality, kind = serve(outfit, store)
    assert (None, 7, 8.0) == (kind.left, quality.n_attempts, quality.effort_s)
    assert 60 // 8 == quality.left()

    for number in range(4):
        answer(store, number, 12.0)
    assert (48.0, 4) == spent(store, "quality")
    assert (60 - 48) // 12 == quality.left()
    answer(store, 4, 30.0)
    assert 0 == quality.left()


def test_versions_before_are_served(outfit):
    """As long as anything of them may be under way: an answer to a question of version 1 is still taken in."""
    requests, store = Requests(MemoryOpStore(), lambda: 1), MemoryStore()
    assert [] == serve_before(outfit, store, requests)
    requests.subscribe(ask(1, "1"), "team", "main")
    requests.subscribe(ask(1), "team", "main")
    assert ["quality@1"] == [one.form.project for one in serve_before(outfit, store, requests)]

    append(store, {}, cursors={"team/quality@0": b"x", "team/gone@1": b"x", "other/quality@3": b"x"})
    assert ["quality@0", "quality@1"] == sorted(one.form.project for one in serve_before(outfit, store, requests))


def test_an_answer_takes_what_its_type_takes(outfit):
    """Until it was measured."""
    assert [8.0, 8.0] == [effort_of(task) for task in outfit.tasks]


def test_a_budget_is_not_overshot_by_what_came_in_last(outfit):
    """Of sixty seconds at twelve an answer there are five; three came in after the desk was opened."""
    store = MemoryStore()
    desk = Desk([outfit], store, MemoryOpStore(), lambda: 10**15, pseudonym=Pseudonyms())
    desk.want({"quality": [Wanted(ask(number), 1) for number in range(10)]}, "main", (), {})
    for number in range(3):
        answer(store, 100 + number, 12.0)
    desk.turn()

    assert (2, 8) == tuple(sum(1 for _ in desk.requests.iter_state("team", s)) for s in ("OPEN", "HELD"))
