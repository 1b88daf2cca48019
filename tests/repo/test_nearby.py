"""Pointers that a version has, and those near to one that it has not."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dsvc.errors import SourceNotFoundError
from dsvc.repo.nearby import check_source, find_near
from tests.engine.world import make_repository


@pytest.fixture(name="repo")
def make_repo(tmp_path):
    """Five thousand sources of one signal, and one more of another."""
    repo = make_repository(tmp_path / "faces")
    sources = [f"s3://faces/{number:05}.jpg" for number in range(5_000)]
    repo.put("x", pa.table({"source": sources, "x": range(5_000)}), producer="w@1")
    repo.put("y", pa.table({"source": ["s3://other/1.jpg"], "y": [1]}), producer="w@1")
    return repo


def test_a_source_of_any_signal_is_known(repo):
    """Whichever signal has it."""
    view = repo.view("@draft")

    assert b"s3://other/1.jpg" == check_source(view, "s3://other/1.jpg")
    assert b"s3://faces/04999.jpg" == check_source(view, "s3://faces/04999.jpg")


def test_the_nearest_pointers_are_told(repo):
    """In the message's hint, most alike first."""
    with pytest.raises(SourceNotFoundError) as caught:
        check_source(repo.view("@draft"), "s3://faces/02345.jpeg")

    assert "s3://faces/02345.jpg" == caught.value.near[0]
    assert caught.value.hint.startswith("the nearest: s3://faces/02345.jpg, ")
    assert "no source s3://faces/02345.jpeg in @draft" == caught.value.message


def test_an_empty_version_has_nothing_near(tmp_path):
    """Then the hint says how to look."""
    assert [] == find_near([], b"a")
    with pytest.raises(SourceNotFoundError) as caught:
        check_source(make_repository(tmp_path / "empty").view("@draft"), "a")
    assert "dsvc read" in caught.value.hint
