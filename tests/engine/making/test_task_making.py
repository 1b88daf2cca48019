"""Tests of making the signals of tasks, against brute force over everything that was ever said."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsvc.annotation.keeping.ledger import Addition, append, merge_ledger, read_ledger
from tests.engine.office import AUDIT, NAMES, Office, recipe

EXAMPLES = int(os.environ.get("DSVC_ORACLE_EXAMPLES", "25"))
SOURCES = [f"s{i}" for i in range(8)]
STEPS = """
[step.is_cat]
sql = "SELECT kind = 'cat' AS is_cat"
[step.state]
sql = "SELECT kind._state || ' ' || kind._origin AS state"
[dataset.cats]
where = "is_cat"
columns = { kind = "kind" }
take = ["final", "unaudited"]
"""


@pytest.fixture
def office(tmp_path):
    """Ten labelled images."""
    made = Office(tmp_path / "faces")
    made.put("label", {f"s{i}": NAMES[i % 2] for i in range(10)})
    made.put("score", {f"s{i}": i for i in range(10)})
    return made


def ran(report: Any) -> dict[str, int]:
    """Return how many records each step was called for."""
    return {step.name: step.ran for step in report.steps}


def test_a_value_that_nobody_is_asked_about_is_kept_as_it_is(office):
    """With the origin of the judged record, by the task."""
    office.write(recipe())
    office.run()

    assert {f"s{i}": NAMES[i % 2] for i in range(3, 10)} == office.read("kind")
    told = office.made_by("kind")["s5"]
    assert ("import", "kind", "1", "final") == (told.origin, told.producer, told.version, told.standing)


def test_who_is_asked_about_waits_and_the_detail_names_the_ask(office):
    """NULL asks nobody: only TRUE does."""
    office.put("score", {"s1": None})
    office.write(recipe())
    office.run()

    waits = office.waits("kind")
    assert {"s0": "pending", "s2": "pending"} == {source: reason for source, (reason, _) in waits.items()}
    ask = office.asks("kind")["s0"]
    assert {"asks": [ask.ask_id.hex()], "mode": "adjust", "people": 1, "round": 0} == waits["s0"][1]


def test_one_new_answer_touches_one_source(office):
    """And below it what that source reaches; an equal value cuts off."""
    office.write(recipe() + STEPS)
    office.run()
    office.answer_all("kind", {"s1": "eel"})

    planned = {step.name: step.run.lower for step in office.plan().steps}
    assert {"kind": 1, "is_cat": 1, "state": 1} == planned == ran(office.run())
    assert "eel" == office.read("kind")["s1"]
    assert ("human", "ann", "final") == (
        office.made_by("kind")["s1"].origin,
        office.made_by("kind")["s1"].producer,
        office.made_by("kind")["s1"].standing,
    )

    # Somebody else says the same: the record is another's, its value is not, and only what names who is touched.
    ask = office.asks("kind")["s0"]
    office.answer(ask, "cat")
    office.run()
    office.answer(ask, "cat", who="bo")
    assert {"kind": 1, "is_cat": 0, "state": 0} == ran(office.run())


def test_nothing_new_executes_nothing(office):
    """Not one record is looked at."""
    office.write(recipe() + STEPS)
    office.run()

    assert office.run().did_nothing
    assert office.plan().is_current


def test_a_closed_lot_touches_its_members_and_a_verdict_all_of_them(office):
    """One answer decides over the lot; who is not in it is not touched."""
    office.write(recipe(audit=AUDIT) + STEPS)
    office.run()
    assert {"unaudited"} == {told.standing for told in office.made_by("kind").values()}
    assert 2 == office.close_lots("kind")  # four and three

    assert 7 == ran(office.run())["kind"]
    audits = {source: ask for source, ask in office.asks("kind").items() if ask.mode == "audit"}
    assert 4 == len(audits)
    lot = office.people("kind").look(next(iter(audits))).resolution.lot
    ours = {s: a for s, a in audits.items() if office.people("kind").look(s).resolution.lot == lot}
    for source, ask in ours.items():
        office.answer(ask, office.read("kind")[source], who="aud")
    report = office.run()

    members = [s for s in office.read("kind") if office.people("kind").look(s).resolution.lot == lot]
    finals = {s for s, told in office.made_by("kind").items() if told.standing == "final"}
    assert len(members) + len(ours) >= len(finals) > len(ours)
    assert len(finals) == ran(report)["kind"]


def test_a_change_taken_back_executes_nothing(office):
    """A, B, A: what was resolved under A is taken whole, who waits included."""
    office.write(recipe())
    office.run()
    before = office.view.root_id, office.waits("kind")
    office.write(recipe(ask="score < 5"))
    office.run()
    office.write(recipe())

    assert {"kind": 0} == ran(office.run())
    assert before == (office.view.root_id, office.waits("kind"))


def test_what_a_trace_gives_is_counted_beside_who_waits(office):
    """A plan and a run of another version of the task count no source that waits as a record that was made."""
    office.write(recipe())
    office.run()
    office.write(recipe(version="2"))
    office.run()
    office.put("score", {f"s{i}": 0 for i in range(3, 9)})
    office.write(recipe())
    (planned,), (made,) = office.plan().steps, office.run().steps

    assert (6, 1, 9) == (made.ran, made.reused, made.waiting)
    assert (6, 1, 9) == (planned.run.upper, planned.reuse, planned.waiting)


def test_another_branch_executes_nothing(office):
    """What one branch has resolved, others take."""
    office.write(recipe() + STEPS)
    office.repo.commit("empty", as_is=True)
    office.repo.branch("other")
    office.run()
    office.repo.commit("resolved")
    office.repo.switch("other")

    assert {"kind": 0, "is_cat": 0, "state": 0} == ran(office.run())


def test_a_commit_says_which_answers_it_was_made_from(office):
    """It is no staler for what people say afterwards, and can be made again as it was."""
    from dsvc.engine.planning.plan import plan
    from dsvc.engine.reading.facts import PinnedFacts

    office.write(recipe())
    office.run()
    draft = office.view
    office.answer_all("kind", {"s1": "eel"})

    assert not office.plan().is_current
    assert plan(office.repo, office.recipe, office.plugins, facts=PinnedFacts(office.repo.store, draft)).is_current


def test_a_value_that_cannot_be_shown_fails_alone(office):
    """It is counted as failed, and stops no other."""
    office.put("label", {"s1": "unicorn"})
    office.write(recipe())
    report = office.run()

    assert 1 == report.failed
    assert 7 == len(office.read("kind"))


def test_a_condition_that_fails_on_a_source_fails_that_source(office):
    """As a step's record would."""
    office.put("text", {f"s{i}": "1" if i else "one" for i in range(10)})
    office.write(recipe(ask="CAST(text AS INTEGER) > 5"))
    report = office.run()

    assert 1 == report.failed
    assert set(SOURCES) - {"s0"} <= set(office.read("kind"))


def test_a_task_without_a_judged_value_asks_whom_it_selects(office):
    """Who is not selected has no record, and waits for none."""
    office.write('[task.pick]\ntype = "rating(5)"\nask = "score >= 8"')
    office.run()
    assert {"s8", "s9"} == set(office.waits("pick"))

    office.answer_all("pick", {"s9": 4})
    office.run()
    assert {"s9": 4} == office.read("pick")

    # What is asked decides nothing of what is kept.
    office.write('[task.pick]\ntype = "rating(5)"\nask = "score < 0"')
    office.run()
    assert {"s9": 4} == office.read("pick")
    assert {} == office.waits("pick")


def test_steps_and_tasks_read_each_other_in_order(office):
    """A step's signal is asked about, and what people say of it is a step's input, in one run."""
    office.write("""
        [step.coarse]
        sql  = "SELECT CASE WHEN kind = 'cat' THEN 'cat' ELSE 'dog' END AS coarse"
        [task.kind]
        type = "class(cat, dog, eel)"
        of   = "guess"
        ask  = "guess IS NULL"
        [step.guess]
        sql  = "SELECT label AS guess"
        [task.again]
        type = "class(cat, dog)"
        of   = "coarse"
        ask  = "kind._origin = 'human'"
        """)
    office.run()

    assert ["guess", "kind", "coarse", "again"] == [step.name for step in office.plan().steps]
    assert 10 == len(office.read("again"))


# --- worlds -----------------------------------------------------------------------------------------------------------


class World:
    """An office that random things happen to, and what must be by brute force."""

    def __init__(self, path: Path, *, is_deep: bool) -> None:
        self.office = Office(path)
        self.is_deep = is_deep
        """Whether a step stands between the scores and the task."""
        self.label: dict[str, str] = {}
        self.score: dict[str, int | None] = {}
        self.least, self.version, self.audit = 3, "1", ""
        self.branches: dict[str, tuple[Any, ...]] = {}
        self.put(dict.fromkeys(SOURCES, "cat"), {source: at for at, source in enumerate(SOURCES)})

    def put(self, label: dict[str, str], score: dict[str, int | None], producer: str = "w@1") -> None:
        if label:
            self.office.put("label", label, producer)
            self.label |= label
        if score:
            self.office.put("score", score, producer)
            self.score |= score

    def write(self) -> None:
        more = 'accept = ">=1"\noverlap = { min = 1, max = 2, until = 0.9 }'
        ask = f"twice < {2 * self.least}" if self.is_deep else f"score < {self.least}"
        text = recipe(ask=ask, version=self.version, audit=self.audit, more=more)
        self.office.write(text + STEPS + ('[step.twice]\nsql = "SELECT 2 * score AS twice"' if self.is_deep else ""))

    def resolved(self) -> dict[str, Any]:
        asked = [source for source, score in self.score.items() if score is not None and score < self.least]
        return self.office.resolve_all("kind", self.label, asked)

    def check(self) -> None:
        """Run, and compare with brute force."""
        self.write()
        planned = {step.name: step.run for step in self.office.plan().steps}
        [forecast] = self.office.plan().tasks
        report = self.office.run()
        resolved = self.resolved()
        values = {
            source: self.label[source] if found.origin == "judged" else found.value and found.value.strip('"')
            for source, (_, found) in resolved.items()
            if found.has_record
        }
        standings = {source: found.standing for source, (_, found) in resolved.items() if found.has_record}
        assert values == self.office.read("kind")
        assert standings == {source: told.standing for source, told in self.office.made_by("kind").items()}
        waits = self.office.expected_waits("kind", resolved)
        assert waits == self.office.waits("kind")
        assert len(waits) == forecast.asks or not forecast.is_exact
        assert {source: value == "cat" for source, value in values.items() if value} == {
            source: value for source, value in self.office.read("is_cat").items() if value is not None
        }
        taken = {source for source, standing in standings.items() if standing in ("final", "unaudited")}
        cats = {source for source, value in values.items() if value == "cat" and source in taken}
        assert cats == {source for source, part in self.office.select("cats").items() if part is not None}
        for step in report.steps:
            assert planned[step.name].lower <= step.ran <= planned[step.name].upper
        assert self.office.run().did_nothing
        assert self.office.plan().is_current

    def switch(self, name: str) -> None:
        self.office.repo.commit("go", allow_empty=True, as_is=True)
        now = str(self.office.repo.head().branch)
        self.branches[now] = dict(self.label), dict(self.score), self.least, self.version, self.audit
        if name in self.branches:
            self.office.repo.switch(name)
            label, score, self.least, self.version, self.audit = self.branches.pop(name)
            self.label, self.score = dict(label), dict(score)
        else:
            self.office.repo.switch(name, create=True)

    def happen(self, draw: Any) -> None:
        """Let something random happen."""
        kind = draw(
            st.sampled_from(
                ["answer"] * 5 + ["lots"] * 3 + ["label", "score", "ask", "version", "audit", "switch", "run"]
            )
        )
        office = self.office
        if kind == "answer":
            asks = office.asks("kind")
            for source in draw(st.lists(st.sampled_from(sorted(asks)), max_size=4)) if asks else ():
                who, outcome = (
                    draw(st.sampled_from(["ann", "bo", "cy"])),
                    draw(st.sampled_from(["value"] * 5 + ["skip"])),
                )
                value = draw(st.sampled_from(NAMES)) if outcome == "value" else None
                office.answer(asks[source], value, who=who, outcome=outcome)
        elif kind == "lots" and self.audit:
            office.close_lots("kind")
        elif kind == "label":
            found = draw(st.dictionaries(st.sampled_from([*SOURCES, "s9"]), st.sampled_from(NAMES), max_size=3))
            self.put(found, {}, draw(st.sampled_from(["w@1", "w@2"])))
        elif kind == "score":
            self.put({}, draw(st.dictionaries(st.sampled_from(SOURCES), st.none() | st.integers(0, 8), max_size=3)))
        elif kind == "ask":
            self.least = draw(st.integers(0, 6))
        elif kind == "version":
            self.version = draw(st.sampled_from(["1", "2"]))
        elif kind == "audit":
            self.audit = draw(st.sampled_from(["", AUDIT, AUDIT + 'on_fail = "found"\n']))
        elif kind == "switch":
            self.switch(draw(st.sampled_from(["main", "one", "two"])))
        elif kind == "run":
            self.check()


@given(st.data())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_run_is_what_brute_force_over_the_whole_ledger_gives(data):
    """Whatever people say, in whatever order: values, standings, who waits for which ask, and what is below them."""
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory) / "faces", is_deep=data.draw(st.booleans()))
        world.check()
        for _ in range(data.draw(st.integers(1, 8))):
            world.happen(data.draw)
        world.check()


# --- what is asked, and how often -------------------------------------------------------------------------------------


def test_three_datasets_and_two_branches_cause_one_ask_an_image(office):
    """Whoever wants the boxes wants the same asks; an answer to one serves all."""
    datasets = "".join(f'\n[dataset.d{i}]\nwhere = "kind = \'cat\'"\ncolumns = {{ kind = "kind" }}' for i in range(3))
    office.write(recipe() + datasets)
    office.run()
    office.repo.commit("main")
    asks = {ask.ask_id for ask in office.asks("kind").values()}
    office.repo.switch("other", create=True)
    office.write(recipe(more="priority = 3") + datasets)
    office.run()

    assert 3 == len(asks | {ask.ask_id for ask in office.asks("kind").values()})
    office.answer_all("kind", {"s0": "cat"})
    office.run()
    office.repo.commit("answered")
    office.repo.switch("main", discard=True)
    office.write(recipe() + datasets)
    office.run()
    assert {"s1", "s2"} == set(office.waits("kind"))


def test_a_guideline_typo_asks_nothing(office):
    """Nor does anything else that is operation and not meaning."""
    (office.path / "g.md").write_text("look wel")
    office.write(recipe(more='guideline = "g.md"\npriority = 2'))
    office.run()
    (office.path / "g.md").write_text("look well")
    office.write(recipe(more='guideline = "g.md"\npriority = 3\nbudget = "3h"'))

    assert office.plan().is_current
    assert office.run().did_nothing


def test_a_new_detector_version_asks_only_what_its_values_make_necessary(tmp_path):
    """A value near the one that was shown is covered; a source that is unsure now is asked about; the rest is not."""
    office = Office(tmp_path / "faces")
    from dsvc.objects.types import parse_type

    def box(x: float, score: float) -> list[dict[str, Any]]:
        return [{"x": x, "y": 0.0, "w": 100.0, "h": 100.0, "score": score, "label": None}]

    def place(found: dict[str, Any]) -> None:
        office.place("det", found, parse_type("boxes"))

    office.known.add("det")
    place({f"s{i}": box(10.0 * i, 0.5 if i < 4 else 0.9) for i in range(8)})
    office.write("""
        [task.boxes]
        type = "boxes"
        of   = "det"
        mode = "verify"
        ask  = "det[1].score < 0.8"
        same = { iou = 0.95 }
        """)
    office.run()
    assert {"s0", "s1", "s2", "s3"} == set(office.waits("boxes"))
    for ask in office.asks("boxes").values():
        office.answer(ask, outcome="accept")
    office.run()
    assert {} == office.waits("boxes")

    moved = {f"s{i}": box(10.0 * i, 0.5 if i < 5 else 0.9) for i in range(8)}
    moved["s0"] = box(0.5, 0.5)  # nearly as it was
    moved["s1"] = box(60.0, 0.95)  # elsewhere, and sure
    moved["s2"] = box(90.0, 0.5)  # elsewhere, and unsure
    place(moved)
    office.run()

    # s4 is unsure now. What a person has accepted stays theirs, wherever the model looks now.
    assert {"s4"} == set(office.waits("boxes"))
    assert "human" == office.made_by("boxes")["s0"].origin
    assert 0.5 == office.read("boxes")["s0"][0]["x"]
    assert 20.0 == office.read("boxes")["s2"][0]["x"]


def test_a_deleted_branch_and_undo_lose_no_answer(office):
    """Answers are facts: nothing that is done to a branch takes one back."""
    office.write(recipe())
    office.run()
    office.repo.commit("main")
    office.repo.switch("exp", create=True)
    office.answer_all("kind", {"s0": "eel", "s1": "eel"})
    office.run()
    office.repo.commit("answered")
    office.repo.switch("main")
    office.repo.delete_branch("exp", force=True)
    office.run()

    assert {"s2"} == set(office.waits("kind"))
    office.repo.commit("without")
    office.repo.switch("before", create=True)
    assert ("eel", "eel") == (office.read("kind")["s0"], office.read("kind")["s1"])


def test_a_second_clone_asks_nothing_again(office, tmp_path):
    """What either ledger holds is known to both once they are united, and each source is asked once."""
    office.write(recipe())
    office.run()
    other = Office(tmp_path / "clone")
    other.put("label", {f"s{i}": NAMES[i % 2] for i in range(10)})
    other.put("score", {f"s{i}": i for i in range(10)})
    other.write(recipe())
    other.run()
    assert office.waits("kind") == other.waits("kind")
    office.answer_all("kind", {"s0": "eel"})
    other.answer_all("kind", {"s1": "dog"})

    with other.repo.new_writer() as writer:
        reader = office.repo.store.objects
        for oid in reader.iter_oids():
            from dsvc.objects.encoding import kind_of

            data = bytes(reader.get(oid))
            writer.put(kind_of(data), [data])
        writer.flush()
    merge_ledger(other.repo.store, read_ledger(office.repo.store).id)
    other.run()

    assert {"s2"} == set(other.waits("kind"))
    assert ("eel", "dog") == (other.read("kind")["s0"], other.read("kind")["s1"])


def test_answers_arrive_while_a_run_is_at_work(office):
    """A run sees one ledger, and the next one the rest."""
    office.write(recipe() + '\n[task.two]\ntype = "class(cat, dog, eel)"\nof = "label"\nask = "score < 2"')
    office.run()
    asks = office.asks("kind"), office.asks("two")
    append(office.repo.store, {"kind": Addition()})
    office.answer(asks[0]["s0"], "dog")
    office.answer(asks[1]["s0"], "eel")
    office.run()

    assert ("dog", "eel") == (office.read("kind")["s0"], office.read("two")["s0"])
