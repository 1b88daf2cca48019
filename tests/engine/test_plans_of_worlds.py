"""What is said before a run, against the run: stories, trials and the records of a plan, of random repositories.

`DSVC_ORACLE_EXAMPLES` sets how many are played, as in `test_oracle.py`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsvc.engine.planning.story import tell_story
from dsvc.engine.planning.trying import try_step
from tests.engine.models import PLUGINS
from tests.engine.test_oracle import BASE, EXAMPLES, SOURCES, VALUES, edit, put, steps
from tests.engine.world import World

COUNT = max(8, EXAMPLES // 5)


def worlds(draw: Any, path: Path, *, n_rounds: int = 3):
    """Yield a world again and again: after random edits, and with everything run before them."""
    world = World(path)
    world.branch.steps = draw(steps(at_most=4))
    for signal in BASE:
        put(world, signal, draw(st.dictionaries(st.sampled_from(SOURCES), VALUES[signal], max_size=10)), "w@1")
    for number in range(n_rounds):
        for _ in range(draw(st.integers(0, 2)) if number else 0):
            edit(world, draw)
        yield world
        world.evaluate(retry=False)
        world.run()


@pytest.mark.timeout(3600)
@settings(max_examples=COUNT, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_story_says_what_the_plan_says(data):
    """For each source and step: made, perhaps made, removed, or none of these."""
    with tempfile.TemporaryDirectory() as directory:
        for world in worlds(data.draw, Path(directory)):
            recipe = world.load()
            planned = {(row["step"], row["source"]): row for row in world.plan().table().to_pylist()}
            known = world.sources()
            if not known:
                continue
            for source in data.draw(st.lists(st.sampled_from(known), max_size=3, unique=True)):
                for story in tell_story(world.repo, recipe, PLUGINS, source).steps:
                    row = planned.get((story.name, source))
                    if row is None:
                        assert story.verdict in {"current", "taken", "failed", "missing-input"}
                        # What is current is there, and what cannot exist is not.
                        assert (story.verdict == "current") <= (story.record is not None)
                        assert story.verdict != "missing-input" or story.record is None
                    else:
                        assert row["action"] == story.verdict
                        assert row["action"] == "remove" or row["why"] == story.why


@pytest.mark.timeout(3600)
@settings(max_examples=COUNT, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_trial_gives_what_a_run_makes(data):
    """Values, failures and missing inputs of all sources, and what the draft holds beside; nothing is stored."""
    with tempfile.TemporaryDirectory() as directory:
        for world in worlds(data.draw, Path(directory)):
            recipe, sources = world.load(), world.sources()
            before = {name: world.read(name) for name in world.branch.steps}
            objects, refs = set(world.repo.store.objects.iter_oids()), list(world.repo.store.refs.iter_refs())
            trials = (
                {
                    name: try_step(world.repo, recipe, PLUGINS, name, sources, limit=100, everything=True)
                    for name in world.branch.steps
                }
                if sources
                else {}
            )
            assert objects == set(world.repo.store.objects.iter_oids())
            assert refs == list(world.repo.store.refs.iter_refs())

            _, derived = world.evaluate(retry=False)
            world.run()
            for name, trial in trials.items():
                assert () == trial.stale
                assert len(sources) == len(trial.rows) or not trial.rows
                for row in trial.rows:
                    assert (row.source in before[name]) == row.has_present
                    assert before[name].get(row.source) == row.present
                    failed = world.branch.failed[name].get(row.source)
                    if row.verdict == "failed":
                        assert failed == row.error
                    elif row.verdict == "missing-input":
                        assert row.source not in derived[name]
                        assert failed is None
                    else:
                        assert derived[name][row.source] == row.value
                        same = row.has_present and row.present == row.value
                        assert ("same" if same else "differs" if row.has_present else "new") == row.verdict


@pytest.mark.timeout(3600)
@settings(max_examples=COUNT, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_versions_and_removals_are_those_of_the_records(data):
    """A changed base input names its producer's versions where they differ; what loses an input is to go."""
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        world.branch.steps = {name: s for name, s in data.draw(steps()).items() if s.scope == "record"}
        names = set(world.branch.steps)
        world.branch.steps = {
            name: s
            for name, s in world.branch.steps.items()
            if s.kind != "pixels" and all(p.partition(".")[0] in {*BASE, *names} for p in s.depends)
        }
        for signal in BASE:
            put(world, signal, data.draw(st.dictionaries(st.sampled_from(SOURCES), VALUES[signal])), "w@1")
        base_only = {n for n, s in world.branch.steps.items() if all(p.partition(".")[0] in BASE for p in s.depends)}
        for name in [name for name in world.branch.steps if name not in base_only]:
            del world.branch.steps[name]
        world.evaluate(retry=False)
        world.run()
        was = {name: dict(records) for name, records in world.branch.records.items()}
        for _ in range(data.draw(st.integers(1, 3))):
            signal = data.draw(st.sampled_from(BASE))
            put(world, signal, data.draw(st.dictionaries(st.sampled_from(SOURCES), VALUES[signal], max_size=4)), "w@2")
            world.remove(signal, data.draw(st.lists(st.sampled_from(SOURCES), max_size=2, unique=True)))
        held = {name: world.read(name) for name in world.branch.steps}
        rows = world.plan().table().to_pylist()
        _, derived = world.evaluate(retry=False)

        for row in rows:
            by_version = not any(name in row["why"] for name in ("._state", "._origin"))
            if row["kind"] in {"input", "producer-version"} and by_version:
                signal = row["why"].removeprefix("changed ").partition(" ")[0].partition(".")[0]
                old, new = was[signal].get(row["source"]), world.branch.records[signal].get(row["source"])
                is_new = old is not None and new is not None and old[1] != new[1]
                assert ("producer-version" if is_new else "input") == row["kind"]
                assert is_new == row["why"].endswith("(version 1 -> 2)")
        for name in world.branch.steps:
            seen = {*derived[name], *world.branch.failed[name]}
            gone = {row["source"] for row in rows if row["step"] == name and row["action"] == "remove"}
            assert gone == set(held[name]) - seen
