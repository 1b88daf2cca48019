"""Datasets are made incrementally and with traces."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

from dsvc.objects.oid import Kind
from dsvc.objects.snapshot import Image
from dsvc.objects.tree import Tree
from tests.engine.conftest import Bench

RECIPE = """
[step.s]
sql = "SELECT x * 10 AS s"
[dataset.d]
where = "s >= {least}"
columns = {{ {columns} }}
"""


@pytest.fixture
def faces(bench):
    """Four sources with x, one without."""
    bench.put("x", {"a": 1, "b": 2, "c": 3, "d": 4})
    bench.put("y", {"a": 1, "e": 5})
    return bench


def make(bench, least=20, columns='x = "x"', **options):
    """Run a recipe; return the report of the dataset."""
    bench.write(RECIPE.format(least=least, columns=columns))
    return {report.name: report for report in bench.run(**options).datasets}["d"]


def outcome(report):
    """Return what matters of a report."""
    return report.status, report.evaluated, report.changed


def test_a_selection_has_every_source(faces):
    """Also those without any named input."""
    assert ("made", 5, 5) == outcome(make(faces))

    assert {"a": None, "b": 0, "c": 0, "d": 0, "e": None} == faces.select("d")


def test_the_dataset_object_says_columns_and_parts(faces):
    """Columns are sorted by name; without a split there are no parts."""
    make(faces, columns='z = "x", a = "s + 1"')
    dataset = faces.view.dataset("d")

    assert (("a", "s + 1"), ("z", "x")) == dataset.columns
    assert () == dataset.splits


def test_another_column_evaluates_nothing(faces):
    """The selection stays, the dataset is another."""
    make(faces)
    before = faces.view.datasets["d"], faces.view.dataset("d").selection

    assert ("taken", 0, 0) == outcome(make(faces, columns='x = "x", y = "y"'))
    assert before[0] != faces.view.datasets["d"]
    assert before[1] == faces.view.dataset("d").selection


def test_a_threshold_taken_back_evaluates_nothing(faces):
    """Traces remember selections."""
    make(faces, 20)
    first = faces.view.datasets["d"]
    assert ("made", 5, 1) == outcome(make(faces, 30))
    assert ("taken", 0, 1) == outcome(make(faces, 20))
    assert first == faces.view.datasets["d"]
    assert ("unchanged", 0, 0) == outcome(make(faces, 20))


def test_only_sources_that_changed_are_evaluated(faces):
    """New, changed and gone ones."""
    make(faces)
    faces.put("x", {"a": 5, "f": 1})
    faces.repo.remove("y", ["e"])

    assert ("made", 2, 3) == outcome(make(faces))
    assert {"a": 0, "b": 0, "c": 0, "d": 0, "f": None} == faces.select("d")


def test_a_signal_that_is_not_named_touches_nothing(faces):
    """Other values of the same sources make the same dataset."""
    make(faces)
    before = faces.view.root_id
    faces.put("z", {"a": 1, "b": 1})
    with_z = faces.view.root_id

    assert ("unchanged", 0, 0) == outcome(make(faces))
    assert before != with_z == faces.view.root_id
    assert ("unchanged", 0, 0) == outcome(make(faces))


def test_a_new_signal_adds_its_sources(faces):
    """Sources that only it has are evaluated, no others."""
    make(faces)
    faces.put("z", {"a": 1, "q": 1})

    assert ("made", 1, 1) == outcome(make(faces))
    assert faces.select("d")["q"] is None
    faces.repo.remove("z", ["a", "q"])
    assert ("taken", 0, 1) == outcome(make(faces))
    assert "q" not in faces.select("d")


def test_equal_selections_are_one_object(faces):
    """Whatever `where` they came from."""
    make(faces, 20)
    first = faces.view.dataset("d").selection

    make(faces, 15)

    assert first == faces.view.dataset("d").selection


def test_a_dataset_that_the_recipe_dropped_goes(faces):
    """Unless only some were asked for."""
    make(faces)
    faces.write('[step.s]\nsql = "SELECT x * 10 AS s"')

    assert () == faces.run(only=["s"]).datasets
    assert ["removed"] == [report.status for report in faces.run().datasets]
    assert {} == faces.view.datasets
    assert () == faces.view.state.datasets


def test_only_some_datasets_are_made(faces):
    """Names of steps and datasets."""
    faces.write(RECIPE.format(least=1, columns='x = "x"') + '\n[dataset.e]\nwhere = "x > 1"\ncolumns = { x = "x" }')

    report = faces.run(only=["e"])

    assert (["e"], []) == ([d.name for d in report.datasets], [s.name for s in report.steps])
    assert ["e"] == list(faces.view.datasets)


def test_a_dataset_of_no_source_is_absent(bench):
    """It is known, and comes with the first source."""
    bench.write('[dataset.d]\ncolumns = { x = "1" }')

    assert ("made", 0, 0) == outcome(bench.run().datasets[0])
    assert {} == bench.view.datasets
    assert "unchanged" == bench.run().datasets[0].status

    bench.put("x", {"a": 1})
    bench.run()
    assert {"a": 0} == bench.select("d")


def test_circumstances_select(bench):
    """A new producer of equal values matters to who names it."""
    bench.put("x", {"a": 1, "b": 2}, producer="old@1")
    bench.write("[dataset.d]\nwhere = \"x._version = '2' AND x._producer = 'new'\"\ncolumns = { x = \"x\" }")
    bench.run()
    bench.put("x", {"b": 2}, producer="new@2")

    report = bench.run()

    assert ("made", 1, 1) == outcome(report.datasets[0])
    assert {"a": None, "b": 0} == bench.select("d")


def test_states_select(bench):
    """Why a record waits is there to be named, and whoever names it is made again when it changes."""
    bench.put("x", {"a": 0, "b": 2})
    recipe = """
    [step.s]
    python = "steps:f"
    inputs = ["x"]
    [dataset.d]
    where = "s._state = 'failed'"
    columns = { x = "x" }
    """
    code = """
    def f(x) -> int:
        return 1 // x
    """
    bench.write(recipe, steps=code)
    bench.run()
    assert {"a": 0, "b": None} == bench.select("d")

    bench.put("x", {"a": 1, "b": 0})

    assert ("made", 2, 2) == outcome(bench.run().datasets[0])
    assert {"a": None, "b": 0} == bench.select("d")


FROM = """
[split.people]
by = "who"
parts = {{ one = 0.5, two = 0.3 }}
[dataset.small]
from = "big"
where = "x <= {most}"
[dataset.big]
where = "x >= {least}"
columns = {{ x = "x" }}
split = "people"
"""


def make_two(bench, least=1, most=9, **options):
    """Run two datasets, one of them made from the other; return the reports by name."""
    bench.write(FROM.format(least=least, most=most))
    return {report.name: report for report in bench.run(**options).datasets}


@pytest.fixture
def people(bench):
    """Ten sources with x and who."""
    bench.put("x", {f"s{i}": i for i in range(10)})
    bench.put("who", {f"s{i}": i // 2 for i in range(10)})
    return bench


def test_a_dataset_has_only_what_the_one_it_is_made_from_selects(people):
    """In the parts, and with the columns, that it has there."""
    make_two(people, 3, 6)

    big, small = people.select("big"), people.select("small")
    assert {source: big[source] if source <= "s6" else None for source in big} == small
    assert {None, 0, 1} == set(big.values())
    assert people.view.dataset("big").columns == people.view.dataset("small").columns
    assert people.view.dataset("big").splits == people.view.dataset("small").splits


def test_what_changes_below_is_evaluated_above(people):
    """Only the sources that the other dataset lets in or out, and none where it selects the same."""
    make_two(people, 3, 6)

    assert ("made", 10, 3) == outcome(make_two(people, 0, 6)["big"])
    people.put("x", {"s8": -1})
    reports = make_two(people, 0, 6)
    kept = people.select("big")["s8"] is None
    assert (("made", 1), ("made", 1)) == tuple((reports[name].status, reports[name].evaluated) for name in reports)
    assert kept
    people.put("x", {"s9": 8})
    assert ("made", 1, 0) == outcome(make_two(people, 0, 6)["big"])


def test_a_base_taken_back_evaluates_nothing_above(people):
    """The selection of the other dataset is an input like any."""
    make_two(people, 3)
    before = people.view.root.datasets
    make_two(people, 5)

    assert ["taken", "taken"] == [report.status for report in make_two(people, 3).values()]
    assert before == people.view.root.datasets


def test_an_equal_base_is_no_change(people):
    """Another condition that selects the same ends there."""
    make_two(people, 3)
    people.write(FROM.format(least=3, most=9).replace("x >= 3", "x > 2"))

    assert [("big", 10), ("small", 0)] == [(report.name, report.evaluated) for report in people.run().datasets]


def test_a_dataset_that_is_asked_for_brings_its_base(people):
    """It would select nothing, or what was selected once."""
    reports = make_two(people, only=["small"])

    assert ["big", "small"] == list(reports)
    assert ["big"] == list(make_two(people, only=["big"]))


def test_a_plan_knows_what_a_base_leaves_open(people):
    """What is made from a dataset that must be made first may change, or not."""
    make_two(people, 3)
    people.write(FROM.format(least=4, most=9))

    assert [("big", "stale", ("definition",)), ("small", "open", ("big",))] == [
        (item.name, item.status, item.why) for item in people.plan().datasets
    ]
    people.run(only=["big"])
    assert [("big", "unchanged", ()), ("small", "stale", ("big",))] == [
        (item.name, item.status, item.why) for item in people.plan().datasets
    ]


def test_a_dataset_made_from_none_selects_none(bench):
    """Before there is any source."""
    bench.write('[dataset.a]\ncolumns = { n = "1" }\n[dataset.b]\nfrom = "a"')
    bench.run()
    assert {} == bench.view.datasets

    bench.put("x", {"a": 1})
    bench.run()

    assert {"a": 0} == bench.select("b")


def test_what_is_shown_is_stored(bench):
    """Reading needs no recipe: which column has a row for each item, and how images are shown."""
    box = pa.struct([(name, pa.float64()) for name in "xywh"])
    bench.put("f", {"a": [dict.fromkeys("xywh", 1.0)]}, type_=pa.list_(box))
    more = 'unnest = "f"\nimage = { crop = "f", margin = 0.20, size = [3, 4] }'
    recipe = '[dataset.d]\ncolumns = { f = "f" }\n'
    bench.write(recipe)
    bench.run()
    plain = bench.view.dataset("d")
    bench.write(recipe + more)

    assert ("taken", 0, 0) == outcome(bench.run().datasets[0])
    shown = bench.view.dataset("d")
    assert ("f", Image("f", "0.2", (3, 4)), plain.selection) == (shown.unnest, shown.image, shown.selection)


def test_every_dataset_shares_the_keys_of_its_signals(tmp_path):
    """What a dataset adds is values of one byte, and nodes: about a byte a source before compression."""
    bench = Bench(tmp_path / "many")
    sources = [f"s3://bucket/{i:07}" for i in range(30_000)]
    bench.put("x", {source: i % 100 for i, source in enumerate(sources)})
    bench.put("who", {source: i // 3 for i, source in enumerate(sources)})
    before = dict(_objects(bench))
    bench.write(FROM.format(least=10, most=60) + 'sample = { max = 2000, per = "who % 7" }')

    bench.run()

    added = {oid: data for oid, data in _objects(bench).items() if oid not in before}
    kinds = Counter(Kind(data[4]) for data in added.values())
    assert 0 == kinds[Kind.KEY]
    n_chunks = len(list(Tree(bench.repo.store.objects, bench.view.signal("x")).nodes().chunks()))
    assert kinds[Kind.VALUE] <= 3 * n_chunks  # two datasets, and the candidates of the one that samples
    assert sum(map(len, added.values())) < 3 * 30_000 * 1.5


def _objects(bench):
    objects = bench.repo.store.objects
    return {oid: bytes(objects.get(oid)) for oid in objects.iter_oids()}
