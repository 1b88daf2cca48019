"""Who is who, without saying it."""

import shutil

import pytest

from dsvc.annotation.answers.evidence import Answered
from dsvc.annotation.answers.pseudonyms import Pseudonyms
from dsvc.annotation.answers.records import make_answer, make_ask
from dsvc.annotation.keeping.ledger import Addition, LedgerView, append, merge_ledger, read_ledger, unite_ledgers
from dsvc.errors import ConfigError, UserError
from dsvc.repo.config import Config, write_config
from dsvc.repo.refs import LEDGER
from dsvc.store.base import RefChange
from dsvc.store.memory import MemoryStore
from dsvc.store.writer import ObjectWriter
from tests.people.world import World

KEY = "a key that the team keeps"


@pytest.fixture(name="world")
def make_world(tmp_path):
    """Twelve images, four of which people are asked about, in a repository with a key."""
    world = World(tmp_path / "one", audit="", image="pointer")
    set_key(world, KEY)
    return world


def set_key(world, key):
    """Let a clone have a key."""
    write_config(world.path / ".dsvc" / "config.toml", Config(author="Ada", pseudonyms=key))


def test_a_person_is_the_same_everywhere_and_nobody_without_the_key():
    """Every clone that has it says the same; no key, or another, says something else."""
    one, same, other, none = Pseudonyms(KEY), Pseudonyms(KEY), Pseudonyms(KEY + "!"), Pseudonyms()

    assert one("ann") == same("ann") != one("ben")
    assert 3 == len({one("ann"), other("ann"), none("ann")})
    assert (one.fingerprint, b"") == (same.fingerprint, none.fingerprint)
    assert one.fingerprint != other.fingerprint
    assert KEY.encode() not in one.fingerprint


def test_answers_and_labels_of_before_are_of_pseudonyms_by_the_key(world):
    """And the ledger tells of the key only whether it is the same."""
    world.sync()
    world.answer("ann")
    world.sync()
    with world.open() as repo:
        known = read_ledger(repo.store).ledger.pseudonyms

    assert {Pseudonyms(KEY)("ann")} == {answer.annotator for answer in world.answers()}
    assert Pseudonyms(KEY).fingerprint == known


@pytest.mark.parametrize("key", [None, "another key of the same team"])
def test_a_clone_with_another_key_takes_nothing_in(world, tmp_path, key):
    """It would count each person twice. With the key it does, and nobody is there twice."""
    world.sync()
    world.answer("ann")
    world.sync()
    shutil.copytree(world.path, tmp_path / "two")
    before = len(world.answers())
    world.path = tmp_path / "two"
    set_key(world, key)
    shutil.rmtree(world.path / ".dsvc" / "annotation")
    with pytest.raises(UserError, match="count as two"):
        world.sync()
    set_key(world, KEY)
    world.sync()

    assert before == len(world.answers())


def test_two_that_began_with_two_keys_are_told():
    """Each had its own when nobody had answered; once their ledgers are one, one of the two is refused."""
    store, made = MemoryStore(), []
    for pseudonyms in (Pseudonyms(KEY), Pseudonyms(KEY + "!")):
        store.refs.update([RefChange(LEDGER, store.refs.get(LEDGER), None)])
        made.append(append(store, {"quality": Addition([answered(pseudonyms("ann"))])}, pseudonyms=pseudonyms).id)
    both = merge_ledger(store, made[0])
    refused = []
    for pseudonyms in (Pseudonyms(KEY), Pseudonyms(KEY + "!")):
        try:
            append(store, {"quality": Addition([answered(pseudonyms("ben"))])}, pseudonyms=pseudonyms)
        except UserError:
            refused.append(pseudonyms.fingerprint)

    assert {min(Pseudonyms(KEY).fingerprint, Pseudonyms(KEY + "!").fingerprint)} == set(refused)
    assert both.ledger.pseudonyms not in refused
    assert unite_is_even(store, *made)


def unite_is_even(store, first, second):
    """Tell whether a union knows the same whichever way round."""
    with ObjectWriter(store) as writer:
        one, other = (LedgerView(writer, unite_ledgers(writer, *pair)) for pair in ((first, second), (second, first)))
        return one.ledger.pseudonyms == other.ledger.pseudonyms and one.evidence_id("quality") == other.evidence_id(
            "quality"
        )


def answered(annotator):
    """Return an answer of somebody."""
    ask = make_ask(
        source="s", content_id="", task="quality", version="1", type="rating(5)", mode="label", form="label", round=0
    )
    return Answered(ask, make_answer(ask, annotator=annotator, submitted_us=1, outcome="value", payload="3"))


def test_a_short_key_is_refused(world):
    """It could be tried out."""
    (world.path / ".dsvc" / "config.toml").write_text('pseudonyms = "short"\n')
    with pytest.raises(ConfigError, match="16 characters"):
        world.sync()
