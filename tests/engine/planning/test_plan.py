"""What a plan says."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from dsvc.engine.making.rates import note_rate
from dsvc.engine.planning.plan import Count
from dsvc.errors import UserError
from dsvc.objects.types import parse_type

RECIPE = """
[step.s]
sql = "SELECT x + {k} AS s"
[step.t]
sql = "SELECT s + c.f AS t"
[dataset.d]
where = "t > 3"
columns = {{ t = "t" }}
[dataset.e]
where = "y > {least}"
columns = {{ y = "y" }}
"""


@pytest.fixture
def faces(bench):
    """A current draft."""
    bench.put("x", {"a": 1, "b": 2, "c": 3})
    bench.put("y", {"a": 1, "b": 2, "c": 3})
    bench.put("c", {source: {"f": 1, "g": 1} for source in "abc"})
    bench.write(RECIPE.format(k=1, least=1))
    bench.run()
    return bench


def reasons(plan):
    """Return the reasons of each step."""
    return {step.name: {reason.why: reason.records for reason in step.reasons} for step in plan.steps}


def statuses(plan):
    """Return the status of each step and dataset."""
    return {entry.name: entry.status for entry in (*plan.steps, *plan.datasets)}


def test_nothing_to_do(faces):
    """Everything is unchanged, and a plan says so."""
    plan = faces.plan()

    assert plan.is_current
    assert {"unchanged"} == set(statuses(plan).values())
    assert [] == list(plan.rows())
    assert Count(0, 0) == plan.run


def test_a_new_recipe(bench):
    """All steps and datasets are new."""
    bench.put("x", {"a": 1})
    bench.put("y", {"a": 1})
    bench.put("c", {"a": {"f": 1, "g": 1}})
    bench.write(RECIPE.format(k=1, least=1))

    plan = bench.plan()

    assert {"new"} == set(statuses(plan).values())
    assert {"s": {"new step": 1}, "t": {"new step": 1}} == reasons(plan)
    assert not plan.is_current


def test_changed_values_are_named_by_input(faces):
    """New sources, changed inputs; of a signal only the field that a step names."""
    faces.put("x", {"d": 4, "a": 9})
    faces.put("c", {"a": {"f": 1, "g": 2}, "b": {"f": 2, "g": 1}, "d": {"f": 1, "g": 1}})

    plan = faces.plan()

    assert {"s": {"changed x": 1, "new source": 1}, "t": {"changed c.f": 1, "new source": 1}} == reasons(plan)
    assert [
        ("s", "a", "changed x"),
        ("s", "d", "new source"),
        ("t", "a", "s is made again; may be cut off"),
        ("t", "b", "changed c.f"),
        ("t", "d", "new source"),
    ] == list(plan.rows())
    assert {"s": "stale", "t": "stale", "d": "open", "e": "stale"} == statuses(plan)


def test_a_changed_transform_is_named(faces):
    """With what of it changed."""
    faces.repo.commit("made")
    faces.write(RECIPE.format(k=2, least=1))

    plan = faces.plan()

    assert {"changed transform: sql": 3} == reasons(plan)["s"]
    assert "sql" == plan.steps[0].change
    assert (0, 3) == (plan.steps[1].run.lower, plan.steps[1].run.upper)


def test_datasets_say_why(faces):
    """The definition, an input, which sources there are, or a step that must run first."""
    faces.put("y", {"z": 1})
    assert (("sources",), ("y", "sources")) == _whys(faces)

    faces.write(RECIPE.format(k=1, least=2))
    assert ("definition",) == _whys(faces)[1]

    faces.put("x", {"a": 9})
    assert ("t",) == _whys(faces)[0]


def _whys(bench):
    return tuple(dataset.why for dataset in bench.plan().datasets)


def test_what_the_recipe_has_no_more_is_removed(faces):
    """Steps and datasets."""
    faces.write('[step.s]\nsql = "SELECT x + 1 AS s"')

    plan = faces.plan()

    assert {"t": "removed", "s": "unchanged", "d": "removed", "e": "removed"} == statuses(plan)
    assert 3 == next(step.remove for step in plan.steps if step.name == "t")


def test_a_changed_content_id_is_told_apart(bench):
    """The same pointer with new content is a changed source."""
    type_ = parse_type("struct<id: string, size: int64>")
    bench.place("content", {"a": {"id": "1", "size": 1}, "b": {"id": "1", "size": 1}}, type_)
    bench.write('[step.s]\nsql = "SELECT content.id AS s"')
    bench.run()

    bench.place("content", {"a": {"id": "2", "size": 1}, "b": {"id": "1", "size": 2}}, type_)

    assert {"s": {"changed content id": 1}} == reasons(bench.plan())


def test_a_plan_is_json(faces):
    """All of it but its rows."""
    faces.put("x", {"d": 4})

    told = json.loads(json.dumps(faces.plan().to_json()))

    assert {"lower": 1, "upper": 1} == told["steps"][0]["run"]
    assert [{"why": "new source", "records": 1, "kind": "new-source"}] == told["steps"][0]["reasons"]
    assert not told["is_current"]


@pytest.mark.parametrize(("count", "text"), [(Count(1_500, 1_500), "1,500"), (Count(0, 2_000), "0 to 2,000")])
def test_counts_are_told_as_they_are_known(count, text):
    """One number, or a range."""
    assert text == str(count)
    assert count.is_exact == (count.lower == count.upper)


def test_the_table_of_a_plan(faces):
    """Every record that a run would touch: made, perhaps made, or removed."""
    faces.put("x", {"d": 4, "a": 9})
    faces.put("c", {"d": {"f": 1, "g": 1}})
    faces.repo.remove("x", ["b"])

    table = faces.plan().table()

    assert [
        ("s", "a", "make", "changed x", "input"),
        ("s", "d", "make", "new source", "new-source"),
        ("s", "b", "remove", "removed source or input", "removed-source"),
        ("t", "a", "maybe", "s is made again", "upstream"),
        ("t", "d", "make", "new source", "new-source"),
        ("t", "b", "remove", "removed source or input", "removed-source"),
    ] == [tuple(row.values()) for row in table.to_pylist()]


def test_records_of_some_steps(faces):
    """A filter, which refuses what the plan does not have with the nearest name."""
    faces.put("x", {"a": 9})
    plan = faces.plan()

    assert {"t"} == set(plan.table(["t"])["step"].to_pylist())
    assert [("t", "a", "s is made again; may be cut off")] == list(plan.rows(["t"]))
    with pytest.raises(UserError, match="no step 'tt'") as caught:
        plan.table(["tt"])
    assert "did you mean 't'?" == caught.value.hint


def test_records_as_an_arrow_stream(faces, tmp_path):
    """The same rows as the table."""
    faces.put("x", {"a": 9})
    plan = faces.plan()

    assert 2 == plan.write_arrow(str(tmp_path / "rows.arrow"))
    with pa.OSFile(str(tmp_path / "rows.arrow")) as file:
        assert plan.table() == pa.ipc.open_stream(file).read_all()


def test_removed_steps_list_their_records(faces):
    """All of them go."""
    faces.write('[step.s]\nsql = "SELECT x + 1 AS s"')

    rows = faces.plan().table().to_pylist()

    assert [("t", source, "remove", "removed step") for source in "abc"] == [
        (row["step"], row["source"], row["action"], row["why"]) for row in rows
    ]


def test_seconds_from_measured_rates(faces):
    """Records times the seconds that one takes, as bounds; a step that was not measured is named."""
    faces.put("x", {"a": 9})
    s, t = (faces.bind(name).transform for name in "st")
    note_rate(faces.repo, s, 1_000_000, 500_000.0)
    note_rate(faces.repo, t, 1_000_000, 2_000_000.0)

    plan = faces.plan()
    assert [(0.5, 0.5), (0.0, 2.0)] == [
        (round(step.seconds.lower, 2), round(step.seconds.upper, 2)) for step in plan.steps
    ]
    assert (0.5, 2.5) == (round(plan.seconds.lower, 2), round(plan.seconds.upper, 2))
    assert () == plan.unmeasured


def test_a_plan_with_nothing_to_do_reads_a_few_objects_a_step(faces, monkeypatch):
    """However many records there are: trace, signal and dataset objects alone."""
    reads = {}
    for n_sources in (3, 5_000):
        faces.put("x", {f"{i:05}": i for i in range(n_sources)})
        steps = [f'[step.s{i}]\nsql = "SELECT {f"s{i - 1}" if i else "x"} + 1 AS s{i}"' for i in range(10)]
        faces.write("\n".join([*steps, '[dataset.d]\nwhere = "s9 > 3"\ncolumns = { s = "s9" }']))
        faces.run()
        reads[n_sources] = []
        objects = faces.repo.store.objects
        with monkeypatch.context() as patch:
            patch.setattr(objects, "get", _counted(objects.get, reads[n_sources]))
            patch.setattr(objects, "get_many", _counted(objects.get_many, reads[n_sources]))
            assert faces.plan().is_current

    assert len(reads[3]) == len(reads[5_000]) <= 11 * MOST_READS


MOST_READS = 6
"""Objects that a plan may read for a step or dataset that is current: its trace, its signals, those of the trace."""


def _counted(method, calls):
    def call(*args, **kwargs):
        calls.append(args)
        return method(*args, **kwargs)

    return call
