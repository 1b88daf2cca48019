"""Ranges of versions: how versions compare, and what is no range."""

from functools import cmp_to_key

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.recipe.versions import VersionRange, compare_versions

ASCENDING = [
    "",
    "0.0.1",
    "0.9",
    "1.0-alpha",
    "1.0-beta",
    "1.0-rc1",
    "1.0-rc2",
    "1.0",
    "1.0.1",
    "1.2",
    "1.10",
    "2",
    "10",
]


def test_versions_ascend():
    """Parts compare as numbers, and text comes before any number, as a release candidate before its release."""
    ordered = sorted(set(ASCENDING), key=cmp_to_key(compare_versions))

    assert ASCENDING == ordered


@pytest.mark.parametrize(
    "left,right",
    [("1.4", "1.4.0"), ("v1.4", "1.4"), ("1.04", "1.4"), ("2.1.0+cu118", "2.1"), ("1.0RC1", "1.0-rc.1"), ("", "0")],
)
def test_versions_that_mean_the_same_are_equal(left, right):
    """Missing parts are 0, a leading v and what follows a + are left out, and case is folded."""
    assert 0 == compare_versions(left, right)


@pytest.mark.parametrize(
    "text,inside,outside",
    [
        (">=1.4,<3", ["1.4", "1.4.0", "2.9.9", "v2"], ["1.3.9", "3", "3.0", "4", "1.4-rc1"]),
        ("<2", ["1", "0", "2.0-rc1"], ["2", "2.0", "2.0.1"]),
        ("==1.0", ["1", "1.0.0"], ["1.0.1", "0.9"]),
        ("!=1.1", ["1", "2"], ["1.1", "1.1.0"]),
        (">1, <=2", ["1.0.1", "2"], ["1", "2.0.1"]),
        ("*", ["0", "", "anything", "2024-05-01"], []),
        (">=2024-05-01", ["2024-05-01", "2024-5-2", "2025"], ["2024-04-30"]),
    ],
)
def test_a_range_holds_its_versions(text, inside, outside):
    """Every clause must hold."""
    versions = VersionRange.parse(text)

    assert [] == [version for version in inside if version not in versions]
    assert [] == [version for version in outside if versions.contains(version)]


@pytest.mark.parametrize("text", ["", "1.4", ">=", "~=1.4", ">=1.4,", "=1", ">=1 <2", "1.*", ">= 1.*", "**"])
def test_what_is_no_range_is_refused(text):
    """The message says what a range looks like."""
    with pytest.raises(ValueError, match="a range like"):
        VersionRange.parse(text)


@pytest.mark.parametrize("text", [">=1.4,<3", "==1.0", "*"])
def test_a_range_is_written_as_it_is_read(text):
    """The text of a range parses to it."""
    assert text == str(VersionRange.parse(text))
    assert VersionRange.parse(text) == VersionRange.parse(f" {text} ")


@given(st.lists(st.text(alphabet="019abv.-_+", max_size=8), min_size=3, max_size=3))
def test_versions_have_one_order(versions):
    """Comparing is antisymmetric and transitive, whatever the texts."""
    a, b, c = versions

    assert compare_versions(a, b) == -compare_versions(b, a)
    if compare_versions(a, b) <= 0 and compare_versions(b, c) <= 0:
        assert compare_versions(a, c) <= 0
