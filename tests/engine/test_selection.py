"""Which sources a dataset selects, and in which part."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from dsvc.engine.splits import assign
from dsvc.errors import DeriveError, TransformFailedError
from tests.engine.project import Project

SOURCES = [f"s{i:02d}" for i in range(40)]
PARTS = (("one", Decimal("0.5")), ("two", Decimal("0.3")))


@pytest.fixture
def project(tmp_path):
    """Forty sources; `a` is null for some and missing for others."""
    made = Project(tmp_path)
    made.put("a", {source: i % 4 or None for i, source in enumerate(SOURCES[:30])})
    made.put("b", {source: i % 9 for i, source in enumerate(SOURCES)})
    return made


def test_where_selects_what_is_true_alone(project):
    """FALSE and NULL are not selected, and a source without a record is NULL; NOT selects neither of the latter."""
    for where, test in {"a > 1": lambda a: a > 1, "NOT a > 1": lambda a: a <= 1}.items():
        project.write(f'[dataset.data]\nwhere = "{where}"\ncolumns = {{ x = "a" }}')
        project.run()

        values = project.read("a")
        expected = {s: 0 if values.get(s) is not None and test(values[s]) else None for s in SOURCES}
        assert expected == project.selection("data")


def test_without_where_every_source_is_selected(project):
    """A source of any signal is selected, with or without a record of the column."""
    project.write('[dataset.data]\ncolumns = { x = "a" }')
    project.run()

    assert dict.fromkeys(SOURCES, 0) == project.selection("data")


def test_a_split_gives_each_source_the_part_of_its_key(project):
    """The part is that of the key's bucket, null beyond all shares; a source without a key falls back to itself."""
    project.write(
        '[dataset.data]\nwhere = "b > 1"\ncolumns = { x = "a" }\nsplit = "parts"\n'
        '[split.parts]\nby = "a"\nparts = { one = 0.5, two = 0.3 }\nseed = "x"\n'
    )
    project.run()

    values, b = project.read("a"), project.read("b")
    keys = pa.array([values.get(source) for source in SOURCES], pa.int64())
    parts = assign(PARTS, "x", keys, lambda: pa.array(SOURCES)).to_pylist()
    expected = {source: part if b[source] > 1 else None for source, part in zip(SOURCES, parts, strict=True)}
    assert {None, 0, 1} == set(expected.values())
    assert expected == project.selection("data")


def test_an_expression_that_is_wrong_for_all_blames_no_source(project):
    """What is no condition whatever the source is the expression's fault."""
    project.write('[dataset.data]\nwhere = "a + 1"\ncolumns = { x = "a" }')

    with pytest.raises(DeriveError, match="expected a condition") as err:
        project.run()

    assert not isinstance(err.value, TransformFailedError)
