"""Layouts that are drawn hold the values that were asked for, as Arrow itself reads them."""

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsvc.objects.types import Type
from dsvc.testing.strategies import equivalent_types, layouts, nullable_values_of, storable_types, values_of

GENEROUS = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


@GENEROUS
@given(storable_types())
def test_types_are_in_their_stored_form(arrow):
    """A type that is drawn is stored as itself."""
    assert arrow == Type.from_arrow(arrow).arrow


@GENEROUS
@given(st.data())
def test_equivalent_types_are_stored_alike(data):
    """Large, view, dictionary and run-end forms have the type id of the plain form."""
    arrow = data.draw(storable_types())
    form = data.draw(equivalent_types(arrow))

    assert Type.from_arrow(arrow).id == Type.from_arrow(form).id


@GENEROUS
@given(st.data())
def test_layouts_hold_the_values_asked_for(data):
    """Arrow finds a layout sound and reads from it what a plain array holds."""
    arrow = data.draw(storable_types())
    values = data.draw(st.lists(nullable_values_of(arrow), max_size=5))
    laid_out = data.draw(layouts(values, arrow))

    laid_out.validate(full=True)
    assert repr(pa.array(values, arrow).to_pylist()) == repr(laid_out.to_pylist())


@GENEROUS
@given(st.data())
def test_values_are_no_nulls(data):
    """`values_of` gives null for the null type alone."""
    arrow = data.draw(storable_types())

    assert (data.draw(values_of(arrow)) is None) == pa.types.is_null(arrow)
