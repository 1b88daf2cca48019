"""Edits of a draft that put or drop what is derived."""

from __future__ import annotations

from dsvc.engine.drafts import drop_dataset, drop_derived, put_dataset, put_derived
from dsvc.objects.oid import ZERO, Oid
from dsvc.objects.state import DatasetState, Derived
from dsvc.repo.draft import DraftEdit
from tests.engine.project import Project

RECIPE = """
[step.s]
sql = "SELECT a AS s"
[step.t]
sql = "SELECT a + 1 AS t"
[dataset.data]
where = "a > 0"
columns = { x = "a" }
"""


def names(edit: DraftEdit) -> tuple[list[str], ...]:
    """The signals and datasets of the root, and the derived signals and datasets of the state."""
    return (
        [name for name, _ in edit.root.signals],
        [name for name, _ in edit.root.datasets],
        [entry.name for entry in edit.state.derived],
        [entry.name for entry in edit.state.datasets],
    )


def test_an_edit_puts_or_drops_one_thing_and_keeps_the_order(tmp_path):
    """Names stay sorted, nothing else is touched, and what has no record keeps its state and loses its object."""
    project = Project(tmp_path)
    project.put("a", {"p": 1})
    project.write(RECIPE)
    project.run()
    view = project.view()
    oid, state = Oid(b"o" * 32), DatasetState("all", Oid(b"d" * 32), Oid(b"t" * 32))

    assert (["a", "s", "t"], ["data"], ["s", "t"], ["data"]) == names(put_derived(view, Derived("s", oid), oid))
    assert (["a", "m", "s", "t"], ["data"], ["m", "s", "t"], ["data"]) == names(
        put_derived(view, Derived("m", oid), oid)
    )
    assert (["a", "t"], ["data"], ["s", "t"], ["data"]) == names(put_derived(view, Derived("s", oid), ZERO))
    assert (["a", "t"], ["data"], ["t"], ["data"]) == names(drop_derived(view, "s"))
    assert (["a", "s", "t"], ["all", "data"], ["s", "t"], ["all", "data"]) == names(put_dataset(view, state, oid))
    assert (["a", "s", "t"], ["data"], ["s", "t"], ["all", "data"]) == names(put_dataset(view, state, ZERO))
    assert (["a", "s", "t"], [], ["s", "t"], []) == names(drop_dataset(view, "data"))
    assert view.signals["t"] == dict(put_derived(view, Derived("s", oid), oid).root.signals)["t"]
