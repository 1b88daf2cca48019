"""What is staged and when it goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.annotation.opstores.base import iter_scan
from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.annotation.staging.expiry import DAY_US, HOUR_US, Expiry
from dsvc.annotation.staging.rendering import Rendered
from dsvc.annotation.staging.stages import EPOCH_US, SPACE, Stages
from dsvc.errors import StagingError, StorePermissionError, StoreUnavailableError
from dsvc.testing.staging import MemoryStaging


class Lab:
    """Stages in memory on a clock."""

    def __init__(self, model="rolling", store_model=None):
        self.now = 1_772_000_000_000_000
        self.ops = MemoryOpStore()
        self.store = MemoryStaging(lambda: self.now, Expiry(store_model or model))
        self.expiry = Expiry(model)
        self.n_rendered = 0
        self.open()

    def open(self):
        self.stages = Stages(self.ops, self.store, self.expiry, lambda: self.now)

    def render(self):
        self.n_rendered += 1
        return Rendered(b"pixels", 6, 4, 1, 2, 3)

    def join(self, name=b"face 1", ref="a", least_us=HOUR_US):
        return self.stages.join(name, ref, self.render, "image/png", least_us)

    @property
    def records(self):
        return {record.id: record.doc for record in iter_scan(self.ops, SPACE)}


def test_asks_about_one_rendering_share_a_copy():
    """It is put once, and deleted when the last has left."""
    lab = Lab()
    first, second, other = lab.join(ref="a"), lab.join(ref="b"), lab.join(b"face 2", ref="c")

    assert (True, False) == (first.is_fresh, second.is_fresh)
    assert first.key == second.key != other.key
    assert (6, 4, 1, 2, 3) == (second.width, second.height, second.left, second.top, second.factor)
    assert 2 == lab.n_rendered == lab.store.n_puts
    assert not lab.stages.leave(first.key, "a")
    assert lab.stages.leave(first.key, "b")
    assert not lab.stages.leave(first.key, "b")
    assert {other.key} == lab.store.keys == set(lab.records)


def test_keys_tell_nothing():
    """Neither the name nor anything that could be guessed; in another week, or elsewhere, one has another key."""
    lab, elsewhere = Lab(), Lab()
    key = lab.join().key
    lab.stages.leave(key, "a")
    lab.now += EPOCH_US

    assert key.isalnum()
    assert b"face" not in key.encode()
    assert 3 == len({key, lab.join().key, elsewhere.join().key})
    lab.now += 2 * EPOCH_US
    lab.stages.survey()
    assert [] == lab.ops.scan("secrets")


def test_a_copy_that_will_not_live_long_enough_is_not_joined():
    """A new one is put beside it."""
    lab = Lab()
    first = lab.join(ref="a")
    lab.now += 20 * HOUR_US
    second = lab.join(ref="b", least_us=10 * HOUR_US)

    assert first.key != second.key
    assert {first.key, second.key} == lab.store.keys


@pytest.mark.parametrize("model", ["rolling", "daily sweep", "lifecycle"])
def test_nothing_is_older_than_a_day(model):
    """Also where the store's own rule is late, and whatever still wants it."""
    lab = Lab(model, store_model="lifecycle")
    lab.join()
    lab.now += lab.expiry.limit_us
    report = lab.stages.reap()

    assert 1 == report.n_overdue
    assert set() == lab.store.keys
    assert {} == lab.records


def test_a_copy_without_a_record_goes_when_it_is_due():
    """The op store was deleted: the list of the store is enough; until then it may be another clone's."""
    lab = Lab(store_model="lifecycle")
    lab.join()
    lab.ops = MemoryOpStore()
    lab.open()

    assert 1 == lab.stages.survey().n_unknown
    lab.now += DAY_US
    assert 1 == lab.stages.survey().n_overdue
    assert set() == lab.store.keys


def test_what_dsvc_did_not_put_is_never_deleted():
    """However old it is; and nothing is put beside it."""
    lab = Lab()
    for key in ("face.jpg", "0a" * 20, "dsvc.toml"):
        lab.store.put(key, b"theirs", "image/png")
    lab.now += DAY_US - 1  # more than our limit, and less than that of the store's own rule
    report = lab.stages.survey()

    assert (0, 0) == (report.n_overdue, report.n_unknown)
    assert {"face.jpg", "0a" * 20, "dsvc.toml"} == lab.store.keys
    for _ in range(2):  # as the survey saw it, and as one finds it who has not looked yet
        with pytest.raises(StagingError, match="holds other things") as caught:
            lab.stages.require_fit()
        assert "of its own" in str(caught.value.hint)
        lab.open()


def test_two_stores_share_one_op_store():
    """One picture has a copy in each; neither looks for, counts or deletes what is in the other."""
    one, two = Lab(), Lab()
    two.ops = one.ops
    two.open()
    here, there = one.join(), two.join()

    assert here.key != there.key
    assert ({here.key}, {there.key}) == (one.store.keys, two.store.keys)
    one.now += 2 * HOUR_US
    report = one.stages.survey()
    one.stages.drop_refs(lambda key, ref: False)
    assert ([], 0) == (report.lost, report.n_left)
    assert (set(), {there.key}) == (one.store.keys, two.store.keys)
    assert {there.key} == set(one.records)

    one.now += DAY_US
    assert 0 == one.stages.reap().n_overdue
    assert not one.stages.leave(there.key, "a")  # a platform that staged there before
    assert {"going"} == {doc["state"] for doc in one.records.values()}
    two.stages.survey()
    assert (set(), {}) == (two.store.keys, two.records)


def test_a_put_that_failed_is_taken_up_again():
    """The claim stays, without a copy or with one whose answer was lost."""
    for fault in ("fail_next", "lose_next"):
        lab = Lab()
        setattr(lab.store, fault, 1)
        with pytest.raises(StoreUnavailableError):
            lab.join()
        assert ["putting"] == [doc["state"] for doc in lab.records.values()]

        stage = lab.join()
        assert {stage.key} == lab.store.keys == set(lab.records)


def test_a_claim_that_was_cut_short_is_given_up_after_its_hour():
    """The copy may be there all the same: it goes with the claim, and the ask has another."""
    lab = Lab()
    lab.store.lose_next = 1
    with pytest.raises(StoreUnavailableError):
        lab.join()
    [old] = lab.records
    lab.now += HOUR_US
    stage = lab.join()

    assert old != stage.key
    assert {stage.key} == lab.store.keys == set(lab.records)


def test_a_copy_with_too_little_life_is_left_by_who_joins_another():
    """Whoever put it was cut short, and came back later: there is one copy for the ask."""
    lab = Lab()
    old = lab.join()
    lab.join(ref="b")
    lab.now += 2 * HOUR_US
    both = lab.records[old.key]["refs"]
    fresh = [lab.join(ref=ref, least_us=23 * HOUR_US) for ref in "ab"]

    assert ["a", "b"] == both
    assert {fresh[0].key} == {stage.key for stage in fresh} == lab.store.keys == set(lab.records)


def test_a_delete_that_failed_is_made_again():
    """Nobody joins what is going, and the next look deletes it."""
    lab = Lab()
    first = lab.join()
    lab.store.fail_next = 1
    with pytest.raises(StoreUnavailableError):
        lab.stages.leave(first.key, "a")
    second = lab.join(ref="b")

    assert first.key != second.key
    assert lab.stages.find(first.key) is None
    assert 1 == lab.stages.survey().n_left
    assert {second.key} == lab.store.keys


def test_only_what_went_is_counted_as_deleted():
    """A store that refuses is told with what it said; its copies are counted once they go."""
    lab = Lab(store_model="lifecycle")
    keys = {lab.join(b"face %d" % n, "a").key for n in range(5)}
    lab.now += DAY_US - 1

    def refuse(key):
        raise StorePermissionError(store="memory", reason="AccessDenied")

    delete, lab.store.delete = lab.store.delete, refuse
    report = lab.stages.survey()
    assert (0, keys) == (report.n_overdue, set(report.failed))
    assert {"store memory: AccessDenied"} == set(report.failed.values())
    lab.store.delete = delete
    assert (5, {}) == ((again := lab.stages.survey()).n_overdue, again.failed)


def test_a_store_that_does_not_answer_is_asked_a_few_times():
    """A look at a thousand copies would take hours otherwise; what was not tried failed like the others."""
    lab = Lab(store_model="lifecycle")
    for n in range(9):
        lab.join(b"face %d" % n, "a")
    lab.now += DAY_US - 1
    lab.store.fail_next = 9
    report = lab.stages.reap()

    assert (0, 9, 6) == (report.n_overdue, len(report.failed), lab.store.fail_next)
    assert 1 == len(set(report.failed.values()))


def test_a_copy_that_went_early_is_seen():
    """With what it shows of the store's rule."""
    lab = Lab("rolling", store_model="daily sweep")
    stage = lab.join()
    lab.now += 60_000_001
    lab.stages.survey()
    before = lab.now
    lab.now = lab.store._expiry.store_expires(before)
    report = lab.stages.survey()

    assert [stage.key] == report.lost
    assert [(before, lab.now)] == [(life.alive_us, life.gone_us) for life in report.lives]
    assert {} == lab.records


_EVENTS = st.tuples(
    st.sampled_from(["join", "leave", "reap", "survey", "wait", "fail", "lose", "wipe"]),
    st.sampled_from([b"x", b"y"]),
    st.sampled_from(["a", "b", "c"]),
)


@given(st.lists(_EVENTS, max_size=40), st.sampled_from(["rolling", "daily sweep", "lifecycle"]))
def test_whatever_happens_copies_are_joined_or_go(events, model):
    """After any events and faults a quiet look leaves only copies that somebody joined, none of them a day old."""
    lab = Lab(model)
    joined = {}
    for verb, name, ref in events:
        try:
            if verb == "join":
                joined[name, ref] = lab.join(name, ref).key
            elif verb == "leave" and (name, ref) in joined:
                lab.stages.leave(joined[name, ref], ref)
                del joined[name, ref]
            elif verb in {"reap", "survey"}:
                getattr(lab.stages, verb)()
            elif verb == "wait":
                lab.now += 3 * HOUR_US
            elif verb == "wipe":
                lab.ops = MemoryOpStore()
                lab.open()
            elif verb in {"fail", "lose"}:
                setattr(lab.store, f"{verb}_next", 1)
        except StoreUnavailableError:
            pass
        # Between two looks at most three hours pass here; the looks of a day are taken below.
        if verb == "wait":
            lab.store.fail_next = lab.store.lose_next = 0
            lab.stages.survey()
            assert all(age < DAY_US for age in lab.store.ages_us)
    lab.store.fail_next = lab.store.lose_next = 0
    report = lab.stages.survey()

    assert {} == report.failed
    records = lab.records
    assert all(doc["refs"] and doc["state"] in {"there", "putting"} for doc in records.values())
    assert report.n_unknown == len(lab.store.keys - set(records))
    lab.now += DAY_US
    lab.stages.survey()
    assert set() == lab.store.keys
    assert {} == lab.records
