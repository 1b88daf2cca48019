"""What a dataset must be before a version of it gets a name."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from dsvc.export.checks import find_failures
from dsvc.recipe.expressions import parse_expression
from dsvc.recipe.spec import CheckSpec, DatasetSpec

COLUMNS = {"q": "quality", "label": "label", "f": "faces"}
SOURCES = [f"s3://{i:02}" for i in range(10)]
PARTS = {source: None if i == 9 else int(i == 8) for i, source in enumerate(SOURCES)}
"""Eight sources in `train`, one in `test`, one in none."""


@pytest.fixture
def labelled(repo, put, select):
    """Ten sources, nine of them in the dataset."""
    put("quality", {source: 1 + i % 2 for i, source in enumerate(SOURCES)}, type="rating(3)", arrow=pa.int8())
    put("label", {source: None if i < 2 else "ab"[i % 2] for i, source in enumerate(SOURCES)})
    put("faces", {source: [1] * (i % 3) for i, source in enumerate(SOURCES)}, pa.list_(pa.int64()))
    select("d", PARTS, COLUMNS, ("train", "test"))
    return repo


def failures(repo, before=None, unnest=None, revision="@draft", **checks):
    """Return what fails, in words."""
    columns = tuple(sorted((name, parse_expression(text)) for name, text in COLUMNS.items()))
    spec = DatasetSpec("d", None, columns, unnest=unnest, check=CheckSpec(**checks))
    return [str(failure) for failure in find_failures(repo.view(revision), spec, before)]


@pytest.mark.parametrize(
    "checks,expected",
    [
        ({"min_rows": 9, "max_rows": 9, "min_per_part": 1, "max_loss": Decimal(0)}, []),
        ({"min_rows": 10}, ["min_rows: expected at least 10 rows, found 9"]),
        ({"max_rows": 8}, ["max_rows: expected at most 8 rows, found 9"]),
        ({"min_per_part": 2}, ["min_per_part: expected at least 2 rows in part 'test', found 1"]),
        ({"max_null": (("label", Decimal("0.25")),)}, []),
        (
            {"max_null": (("label", Decimal("0.2")), ("q", Decimal(0)))},
            ["max_null.label: expected at most 20 % of 'label' null, found 2 of 9 (22.2 %)"],
        ),
        ({"min_per_class": (("label", 3),)}, []),
        (
            {"min_per_class": (("label", 4),)},
            ["min_per_class.label: expected at least 4 rows of 'b' in 'label', found 3"],
        ),
        (
            {"min_per_class": (("q", 1),)},
            ["min_per_class.q: expected at least 1 rows of 3 in 'q', found 0"],
        ),
    ],
)
def test_what_is_found_and_what_was_expected(labelled, checks, expected):
    """Each check by its key; classes that the type names are missed."""
    assert expected == failures(labelled, **checks)


def test_all_that_fails_is_said(labelled):
    """Not only the first."""
    assert 3 == len(failures(labelled, min_rows=10, max_rows=1, min_per_part=3))


def test_items_are_rows(labelled, select):
    """Of a dataset that unnests: 0 + 1 + 2 of each three sources, nine of them."""
    select("d", PARTS, COLUMNS, ("train", "test"), "f")

    assert [] == failures(labelled, unnest="f", min_rows=9, max_rows=9)
    assert ["min_per_part: expected at least 3 rows in part 'test', found 2"] == failures(
        labelled, unnest="f", min_per_part=3
    )


def test_loss_is_of_sources_that_were_there(labelled, select):
    """However many came instead; one that moved to another part is not lost."""
    labelled.commit("before")
    before = labelled.view("HEAD")
    moved = {source: None if i < 3 else 1 for i, source in enumerate(SOURCES)}
    select("d", moved, COLUMNS, ("train", "test"))

    expected = "max_loss: expected at most 30 % of the sources before gone, found 3 of 9 (33.3 %)"
    assert [expected] == failures(labelled, before, max_loss=Decimal("0.3"))
    assert [] == failures(labelled, before, max_loss=Decimal("0.34"))
    assert [] == failures(labelled, None, max_loss=Decimal(0))


def test_a_class_that_is_gone_is_missed(labelled, put):
    """It was in the version before."""
    labelled.commit("before")
    before = labelled.view("HEAD")
    put("label", dict.fromkeys(SOURCES, "a"))

    expected = "min_per_class.label: expected at least 1 rows of 'b' in 'label', found 0"
    assert [expected] == failures(labelled, before, min_per_class=(("label", 1),))


def test_a_dataset_without_any_source_has_no_rows(repo):
    """It is no object at all."""
    assert ["min_rows: expected at least 1 rows, found 0"] == failures(repo, min_rows=1)
