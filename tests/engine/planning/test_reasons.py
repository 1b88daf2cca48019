"""Why records must be made again."""

from __future__ import annotations

import pytest

from dsvc.engine.planning.reasons import kind_of, tell_versions
from dsvc.objects.provenance import Provenance

STEP = """
[step.s]
sql = "SELECT x + coalesce(y, 0) AS s"
optional = ["y"]
"""


@pytest.fixture
def faces(bench):
    """A current step of two inputs, one of them optional."""
    bench.put("x", {"a": 1, "b": 2, "c": 3}, producer="w@1")
    bench.put("y", {"a": 1, "b": 2}, producer="v@1")
    bench.write(STEP)
    bench.run()
    return bench


def reasons(bench):
    """Return the reasons of the only step."""
    (step,) = bench.plan().steps
    return {reason.why: reason.records for reason in step.reasons}


def test_a_new_producer_version_is_told_apart(faces):
    """Of records whose value changed and whose producer has another version; the others changed by other hands."""
    faces.put("x", {"a": 9, "b": 2}, producer="w@2")
    faces.put("x", {"c": 9}, producer="w@1")

    assert {"changed x (version 1 -> 2)": 1, "changed x": 1} == reasons(faces)


def test_a_new_version_of_an_equal_value_is_no_reason(faces):
    """Early cutoff: provenance takes no part."""
    faces.put("x", {"a": 1, "b": 2, "c": 3}, producer="w@2")

    assert {} == reasons(faces)


def test_another_producer_is_named(faces):
    """With its version, beside the one there was."""
    faces.put("x", {"a": 9}, producer="u@7")

    assert {"changed x (w 1 -> u 7)": 1} == reasons(faces)


def test_the_first_input_that_changed_counts(faces):
    """Each record has one reason."""
    faces.put("x", {"a": 9}, producer="w@2")
    faces.put("y", {"a": 9, "b": 9}, producer="v@2")

    assert {"changed x (version 1 -> 2)": 1, "changed y (version 1 -> 2)": 1} == reasons(faces)


def test_a_record_that_came_has_no_version_to_compare(faces):
    """An optional input of a known source."""
    faces.put("y", {"c": 5}, producer="v@2")

    assert {"changed y": 1} == reasons(faces)


def test_rows_have_the_finer_reason_too(faces):
    """Each record with its own."""
    faces.put("x", {"a": 9}, producer="w@2")
    faces.put("x", {"b": 9, "d": 1}, producer="w@1")

    assert [("s", "a", "changed x (version 1 -> 2)"), ("s", "b", "changed x"), ("s", "d", "new source")] == list(
        faces.plan().rows()
    )


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("new source", "new-source"),
        ("failed before", "failed"),
        ("new step", "new-step"),
        ("changed content id", "content-id"),
        ("the group changed: new member", "group"),
        ("removed source or input", "removed-source"),
        ("removed step", "removed-step"),
        ("changed transform: sql", "transform"),
        ("changed x.f", "input"),
        ("changed x (version 1 -> 2)", "producer-version"),
        ("s, t is made again", "upstream"),
        ("of a plugin", "other"),
    ],
)
def test_kinds_for_programs(label, kind):
    """A word for each sort, which stays whatever a label says beside it."""
    assert kind == kind_of(label)


def test_versions_in_short():
    """The producer is named twice only where it is another one."""
    old = Provenance("import", "w", "1")

    assert "version 1 -> 2" == tell_versions(old, Provenance("import", "w", "2"))
    assert "w 1 -> v 1" == tell_versions(old, Provenance("import", "v", "1"))
