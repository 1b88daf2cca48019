"""The desk: who wants what, and what is forgotten with the op store."""

import msgspec
import pytest

from dsvc.annotation.answers.pseudonyms import Pseudonyms
from dsvc.annotation.answers.records import make_ask
from dsvc.annotation.desk import Desk
from dsvc.annotation.judging.asks import Wanted
from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.annotation.outfit import outfits
from dsvc.annotation.turns.clones import Clones
from dsvc.annotation.turns.requests import Requests
from dsvc.errors import StagingError
from dsvc.plugins.manager import Plugins
from dsvc.recipe.load import load_recipe
from dsvc.store.memory import MemoryStore

RECIPE = """
[platform.team]
plugin = "files"

[task.quality]
type     = "rating(5)"
priority = 2

[task.kind]
type = "class(cat, dog)"
"""


def make(number, task="quality"):
    """Return an ask of a task."""
    types = {"quality": "rating(5)", "kind": "class(cat, dog)"}
    return make_ask(
        source=f"s3://f/{number}",
        content_id="",
        task=task,
        version="1",
        type=types[task],
        mode="label",
        form="label",
        round=0,
    )


@pytest.fixture(name="desk")
def make_desk(tmp_path):
    """A desk with the platform `files`, and everything else in memory."""
    (tmp_path / "dsvc.toml").write_text(RECIPE)
    plugins = Plugins()
    recipe = load_recipe(tmp_path, plugins=plugins)
    desk = Desk(outfits(recipe, plugins, {}), MemoryStore(), MemoryOpStore(), lambda: 10**15, pseudonym=Pseudonyms())
    yield desk
    desk.close()


def want(desk, numbers, who="main", others=()):
    """Let somebody want the ratings of some sources."""
    return desk.want({"quality": [Wanted(make(n), 1) for n in numbers]}, who, others, {})


def test_what_is_wanted_is_subscribed_to_once(desk):
    """Wanting it again changes nothing."""
    first, second = want(desk, range(3)), want(desk, range(3))

    assert (3, 0) == (first.new, first.shared)
    assert (0, 0, 0) == (second.new, second.shared, second.dropped)


def test_what_is_wanted_no_more_is_let_go(desk):
    """Unless somebody else wants it too."""
    want(desk, [1, 2], "main", ["exp"])
    shared = want(desk, [2], "exp", ["main"])
    gone = want(desk, [], "main", ["exp"])
    requests = Requests(desk.ops, desk.clock)

    assert (1, 2) == (shared.shared, gone.dropped)
    assert requests.get(make(1).ask_id.hex()) is None
    assert ("exp",) == requests.get(make(2).ask_id.hex()).subscribers


def test_who_is_gone_wants_nothing(desk):
    """A branch that was deleted."""
    want(desk, [1], "exp", ["main"])
    want(desk, [], "main", [])

    assert desk.requests.get(make(1).ask_id.hex()) is None


def test_what_another_clone_wants_is_left_alone(desk):
    """Its branches have the names that ours have; only what both want no more is gone."""
    theirs = Clones(desk.ops, "theirs", desk.clock)
    theirs.note_pass(desk.clock())
    desk.clones = Clones(desk.ops, "ours", desk.clock)
    want(desk, [1])
    desk.requests.subscribe(make(1), "team", theirs.subscriber("main"))
    dropped = want(desk, []).dropped

    assert 1 == dropped
    assert ("theirs:main",) == desk.requests.get(make(1).ask_id.hex()).subscribers


def test_a_higher_priority_is_worth_more(desk):
    """Tasks that wait for the same number of datasets are told apart by it."""
    desk.want({"quality": [Wanted(make(1), 1)], "kind": [Wanted(make(1, "kind"), 1)]}, "main", (), {})
    levels = [desk.requests.get(make(1, task).ask_id.hex()).level for task in ("kind", "quality")]

    assert 2 == levels[1] - levels[0]


def test_a_turn_posts_and_answers_come_in(desk):
    """The question is out after a turn; its answer is taken in by the next, also by a desk that remembers nothing."""
    want(desk, [1])
    desk.turn()
    platform = desk.outfits["team"].platform
    form = desk.outfits["team"].form(desk.outfits["team"].tasks[0])
    (task,) = platform.iter_tasks(form)
    (platform.folder(form) / "answers" / "ann.jsonl").write_bytes(
        msgspec.json.encode({"key": task.key, "value": 4}) + b"\n"
    )
    report = desk.collect()["team"]

    assert (1, 1) == (report.taken.n_read, report.taken.n_answers)
    assert "ANSWERED" == desk.requests.get(make(1).ask_id.hex()).state
    assert make(1).ask_id == desk.find_ask(make(1).ask_id).ask_id


def test_what_the_model_is_unsure_of_goes_first(desk):
    """Among asks of one task; what was wanted first only decides between equals."""
    wanted = [Wanted(make(n), 1, doubt=doubt) for n, doubt in enumerate((0.2, 0.9, 0.5, 0.9))]
    desk.want({"quality": wanted}, "main", (), {})
    order = [request.ask.source for request in desk.requests.iter_need("team", "new")]

    assert {"s3://f/1", "s3://f/3"} == set(order[:2])
    assert ["s3://f/2", "s3://f/0"] == order[2:]


STAGED = """
[platform.one]
plugin  = "files"
path    = "one"
image   = "url"
staging = "here"
{rule}

[platform.two]
plugin = "files"
path   = "two"

[task.quality]
type     = "rating(5)"
platform = "one"

[task.kind]
type     = "class(cat, dog)"
platform = "two"
"""


@pytest.fixture(name="two")
def make_two(tmp_path):
    """What makes a desk with two platforms, of which the first stages copies."""
    desks = []

    def make_desk(rule=""):
        (tmp_path / "dsvc.toml").write_text(STAGED.format(rule=rule))
        plugins = Plugins()
        made = outfits(load_recipe(tmp_path, plugins=plugins), plugins, {})
        desks.append(Desk(made, MemoryStore(), MemoryOpStore(), lambda: 10**15, pseudonym=Pseudonyms()))
        desks[-1].want({"quality": [Wanted(make(1), 1)], "kind": [Wanted(make(1, "kind"), 1)]}, "main", (), {})
        return desks[-1]

    yield make_desk
    for desk in desks:
        desk.close()


def states(desk):
    """Return in which state the asks of the two platforms are."""
    return [desk.requests.get(make(1, task).ask_id.hex()).state for task in ("quality", "kind")]


def test_a_store_that_is_refused_ends_the_pass_once_all_had_their_turn(two):
    """Nothing sets out where copies would stay; what needs no copies is sent."""
    desk = two()
    with pytest.raises(StagingError, match="expiry rule"):
        desk.turn()

    assert ["WANTED", "OPEN"] == states(desk)


@pytest.mark.parametrize("work", ["collect", "turn"])
def test_a_bug_ends_the_turn_of_one_platform(two, monkeypatch, work):
    """It is told by its type and place, and the other platform goes on; an interrupt ends everything."""
    desk = two('expiry = "rolling"')
    error = RuntimeError("a secret")

    def broken(*args, **kwargs):
        raise error

    monkeypatch.setattr(desk.dispatcher("one"), work, broken)
    reports = getattr(desk, work)()
    assert [True, False] == [reports[name].is_broken for name in ("one", "two")]
    [note] = reports["one"].notes
    assert "RuntimeError in test_desk.py, line " in note
    assert "secret" not in note
    assert work == "collect" or ["WANTED", "OPEN"] == states(desk)

    error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        getattr(desk, work)()
