"""Passes of the loop cost what changed: neither how many sources there are, nor how many answers, nor how many lots."""

import json
from collections import Counter

import pyarrow as pa
import pytest

from dsvc.annotation.answers import evidence
from dsvc.annotation.answers.evidence import Answered
from dsvc.annotation.answers.records import make_answer, make_ask
from dsvc.annotation.judging import rounds
from dsvc.annotation.keeping.ledger import Addition, append
from dsvc.annotation.opstores import lmdb as opstore_lmdb
from dsvc.annotation.opstores.lmdb import LmdbOpStore
from dsvc.annotation.staging.expiry import HOUR_US
from dsvc.annotation.turns.controller import Policy
from dsvc.engine.making import task_items
from dsvc.engine.reading import facts
from dsvc.repository import Repository
from tests.people.world import START_US

FEW, MANY = 3_000, 12_000
NAMES = ("cat", "dog")
TYPE = "class(cat, dog, eel)"
ASKED = 12
SLACK = {"objects read": 150, "objects written": 10, "documents read": 100, "documents written": 10}
SLACK |= {"sources resolved": 10, "evidence read": 20}
RECIPE = f"""
[platform.team]
plugin = "files"

[task.kind]
type = "{TYPE}"
of   = "label"
ask  = "number < {ASKED}"

[task.kind.audit]
sample    = 0.05
max_error = 0.1
lot       = {{ size = 100 }}

[dataset.cats]
where   = "kind = 'cat'"
columns = {{ kind = "kind" }}
"""


class Big:
    """A repository of many labelled images: of a tenth people have said what they are, and all others are audited."""

    def __init__(self, path, n):
        self.path, self.now_us, self.n = path, START_US, n
        self.counts = Counter()
        self.repo = Repository.init(path, author="Ada", clock=lambda: self.now_us)
        self.repo.annotation_policy = Policy(lead_us=HOUR_US // 30)  # few are shown at once, whoever waits
        sources = [self.source(i) for i in range(n)]
        columns = {"label": [NAMES[i % 2] for i in range(n)], "number": list(range(n))}
        for name, values in columns.items():
            self.repo.put(name, pa.table({"source": sources, name: values}), producer="w@1")
        (path / "dsvc.toml").write_text(RECIPE)
        answered = [self.said(i) for i in range(ASKED, n // 10)]
        append(self.repo.store, {"kind": Addition(answered)})
        self.repo.run()
        for _ in range(3):
            self.sync()

    def source(self, number):
        return f"s3://bucket/{number:06d}"

    def said(self, number):
        """Return what somebody said before anybody asked."""
        names = {"task": "kind", "version": "1", "type": TYPE, "content_id": "", "round": 0}
        ask = make_ask(source=self.source(number), mode="label", form="label", **names)
        answer = make_answer(ask, annotator="p", submitted_us=number, outcome="value", payload='"dog"', lead_s=8.0)
        return Answered(ask, answer)

    def sync(self):
        self.now_us += 60_000_000
        return self.repo.annotate_sync()

    def answer(self, n_answers):
        """Let somebody answer questions that are out."""
        folder = self.path / "annotation" / "kind@1"
        questions = [json.loads(line) for line in (folder / "asks.jsonl").read_text().splitlines()]
        done = [
            json.loads(line)["key"] for file in (folder / "answers").iterdir() for line in file.read_text().splitlines()
        ]
        keys = [question["key"] for question in questions if question["key"] not in done][:n_answers]
        with (folder / "answers" / "ann.jsonl").open("a") as file:
            for key in keys:
                file.write(json.dumps({"key": key, "value": "dog", "seconds": 8, "at": self.now_us}) + "\n")
        assert n_answers == len(keys)

    def count(self, do):
        """Return what something gives, and how many objects and documents it reads and writes."""
        self.counts.clear()
        return do(), dict(self.counts)


def tally(patch, worlds, owner, name, what):
    """Count the calls of a function, whichever of the worlds they are for: one of them is at work at a time."""
    called = getattr(owner, name)

    def call(*args, **kwargs):
        for world in worlds:
            world.counts[what] += 1
        return called(*args, **kwargs)

    patch.setattr(owner, name, call)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """A small one, and one that is four times as large, with counters."""
    with pytest.MonkeyPatch.context() as patch:
        made = [Big(tmp_path_factory.mktemp("scale") / str(n), n) for n in (FEW, MANY)]
        for world in made:
            objects = world.repo.store.objects

            def counting(method, name, size, counts=world.counts):
                def call(first, *rest):
                    counts[name] += size(first)
                    return method(first, *rest)

                return call

            patch.setattr(objects, "get", counting(objects.get, "objects read", lambda _: 1))
            patch.setattr(objects, "get_many", counting(objects.get_many, "objects read", len))
            patch.setattr(objects, "put_frames", counting(objects.put_frames, "objects written", len))

            def move(changes, *, move=world.repo.store.refs.update, counts=world.counts, **more):
                counts["objects written"] += len(more.get("objects", ()))
                return move(changes, **more)

            patch.setattr(world.repo.store.refs, "update", move)
        tally(patch, made, LmdbOpStore, "_place", "documents written")
        tally(patch, made, opstore_lmdb, "_read", "documents read")
        tally(patch, made, rounds._Walk, "run", "sources resolved")
        for module in (evidence, facts, task_items):
            tally(patch, made, module, "from_row", "evidence read")
        yield made
        for world in made:
            world.repo.close()


def compare(worlds, do):
    """Do something in both worlds; return what came of it and what it touched."""
    return zip(*(world.count(lambda world=world: do(world)) for world in worlds), strict=True)


def expect_alike(touched):
    """Both touched as much, but for the few more nodes and chunks that are on the way in a larger tree."""
    few, many = touched
    for name in {*few, *many}:
        assert many.get(name, 0) <= 1.5 * few.get(name, 0) + SLACK[name], (name, few, many)


def test_a_pass_with_nothing_new_touches_as_much_whatever_there_is(worlds):
    """No signal, no ledger, no list of what is wanted is gone through."""
    reports, touched = compare(worlds, Big.sync)
    assert all(report.did_nothing for report in reports)
    expect_alike(touched)


@pytest.mark.parametrize("n_answers", [1, 5])
def test_a_pass_with_answers_touches_what_they_touch(worlds, n_answers):
    """Their sources, and the lots that they decide."""
    for world in worlds:
        world.answer(n_answers)
    reports, touched = compare(worlds, Big.sync)
    assert [n_answers] * 2 == [report.answers for report in reports]
    expect_alike(touched)


def test_plan_run_and_status_with_nothing_to_do_touch_as_much_whatever_there_is(worlds):
    """They compare ids."""
    for what in (lambda world: world.repo.plan(), lambda world: world.repo.run(), lambda world: world.repo.status()):
        _, touched = compare(worlds, what)
        expect_alike(touched)


def test_a_judged_value_that_changed_touches_its_source(worlds):
    """Plan and run, of a value in a lot."""

    def change(world):
        world.repo.put("label", pa.table({"source": [world.source(world.n - 5)], "label": ["eel"]}), producer="w@2")
        planned = world.repo.plan()
        return planned.run.lower, [step.ran for step in world.repo.run().steps]

    results, touched = compare(worlds, change)
    assert [(1, [1])] * 2 == list(results)
    expect_alike(touched)


def test_an_answer_is_appended_at_the_cost_of_its_source(worlds):
    """However much the ledger holds."""
    _, touched = compare(worlds, lambda world: append(world.repo.store, {"kind": Addition([world.said(world.n - 9)])}))
    expect_alike(touched)
    for world, counts in zip(worlds, touched, strict=True):
        assert 0 < counts["objects written"] < 20
        world.repo.run()
