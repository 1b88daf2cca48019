"""Where traces come from."""

from __future__ import annotations

import pytest

from dsvc.engine.planning.makers import Maker, find_makers

STEP = """
[step.s]
sql = "SELECT x + {k} AS s"
"""


@pytest.fixture
def faces(bench):
    """One step, made."""
    bench.put("x", {"a": 1})
    bench.write(STEP.format(k=1))
    bench.run()
    return bench


def own(bench):
    """Return the trace of the draft's signal."""
    (entry,) = bench.view.state.derived
    return entry.trace


def test_what_is_in_a_draft_alone(faces):
    """Its branch is told."""
    assert {own(faces): Maker(draft="main")} == find_makers(faces.repo, {own(faces)})


def test_the_oldest_commit_counts(faces):
    """Later ones only kept it."""
    faces.repo.commit("first")
    faces.put("y", {"a": 1})
    faces.repo.commit("second")
    faces.put("y", {"a": 2})

    assert "first" == find_makers(faces.repo, {own(faces)})[own(faces)].commit.subject


def test_a_commit_of_another_branch(faces):
    """All branches are looked at."""
    faces.repo.commit("first")
    faces.repo.switch("other", create=True)
    faces.write(STEP.format(k=2))
    faces.run()
    made = own(faces)
    faces.repo.commit("elsewhere")
    faces.repo.switch("main")

    maker = find_makers(faces.repo, {made})[made]

    assert ("elsewhere", ("other",)) == (maker.commit.subject, maker.commit.refs)


def test_what_nobody_names_is_not_found(faces):
    """A trace of a draft that moved on."""
    made = own(faces)
    faces.write(STEP.format(k=2))
    faces.run()

    assert {} == find_makers(faces.repo, {made})
    assert {} == find_makers(faces.repo, set())
