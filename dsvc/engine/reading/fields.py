"""What a step sees of values: the field that it names, and whether its bits are the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.column import Column, differing_rows
from dsvc.objects.types import Physical, Type
from dsvc.recipe.paths import InputPath

Mask = npt.NDArray[np.bool_]

NOTHING: Physical = ("null",)
"""The type of an input that no source has."""
TEXT = Type(("string",))
"""The type of circumstances."""
STATE = "_state"
"""The circumstance that a source without a record has too: why it waits."""


def field_of(column: Column, path: InputPath) -> Column:
    """Return the field that a path names of whole values.

    Raises:
        SchemaError: If there is no such field.
    """
    for name in path.fields:
        names = [field for field, _ in column.physical[1]] if column.physical[0] == "struct" else []
        if name not in names:
            # The path knows how to say which field is missing, and which is near.
            return normalise(path.extract(to_arrow(column)))
        column = column.children[names.index(name)]
    return column


def same_bits(a: Column, b: Column) -> Mask:
    """Return which rows of two columns of one length are the same for a step that reads them.

    A signal that no source has gives nulls of no type, which are nulls of any.
    """
    if a.physical == b.physical:
        return ~differing_rows(a, b)
    if NOTHING in (a.physical, b.physical):
        return is_null(a) & is_null(b)
    return np.zeros(a.length, np.bool_)


def is_null(column: Column) -> Mask:
    """Return which rows are null."""
    if column.physical == NOTHING:
        return np.ones(column.length, np.bool_)
    return np.zeros(column.length, np.bool_) if column.valid is None else ~column.valid
