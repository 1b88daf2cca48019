"""Edits that put or drop what is derived."""

from __future__ import annotations

from dsvc.engine.making.drafts import drop_dataset, drop_derived, put_dataset, put_derived
from dsvc.objects.encoding import put_object
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.snapshot import Root
from dsvc.objects.state import DatasetState, Derived, Ingested, State
from dsvc.repo.view import View
from tests.engine.signals import new_writer

ONE, TWO = Oid(b"1" * 32), Oid(b"2" * 32)


def view_of(root=Root(), state=State()):  # noqa: B008 - frozen
    """Return a view of a root and a state."""
    writer = new_writer()
    return View(writer, put_object(writer, Kind.ROOT, root), put_object(writer, Kind.STATE, state))


def test_a_signal_is_put_in_order_and_replaced():
    """Signals and state stay sorted; the other entries stay."""
    view = view_of(Root((("a", ONE), ("s", ONE))), State(derived=(Derived("a", ONE), Derived("s", ONE))))

    edit = put_derived(view, Derived("s", TWO), TWO)
    other = put_derived(view, Derived("b", TWO), TWO)

    assert (("a", ONE), ("s", TWO)) == edit.root.signals
    assert (Derived("a", ONE), Derived("s", TWO)) == edit.state.derived
    assert ["a", "b", "s"] == [name for name, _ in other.root.signals]
    assert ["a", "b", "s"] == [entry.name for entry in other.state.derived]


def test_a_signal_without_records_is_absent_but_known():
    """Its state says that it is made."""
    edit = put_derived(view_of(Root((("s", ONE),))), Derived("s", TWO), ZERO)

    assert () == edit.root.signals
    assert (Derived("s", TWO),) == edit.state.derived


def test_what_was_ingested_is_derived_now():
    """A signal has one maker."""
    view = view_of(state=State(ingested=(Ingested("s", ONE, "f"), Ingested("t", ONE, "f"))))

    assert ["t"] == [entry.name for entry in put_derived(view, Derived("s", ONE), ONE).state.ingested]


def test_dropping_leaves_the_others():
    """Signal and state go together."""
    view = view_of(
        Root((("a", ONE), ("s", ONE)), (("d", ONE), ("e", ONE))),
        State(derived=(Derived("s", ONE),), datasets=(DatasetState("d", ONE, ONE),)),
    )

    signal, dataset = drop_derived(view, "s"), drop_dataset(view, "d")

    assert ((("a", ONE),), ()) == (signal.root.signals, signal.state.derived)
    assert ((("e", ONE),), ()) == (dataset.root.datasets, dataset.state.datasets)


def test_a_dataset_is_put():
    """One of no source at all is known, and absent."""
    entry = DatasetState("d", ONE, TWO)

    assert (("d", ONE),) == put_dataset(view_of(), entry, ONE).root.datasets
    assert () == put_dataset(view_of(), entry, ZERO).root.datasets
    assert (entry,) == put_dataset(view_of(), entry, ZERO).state.datasets
