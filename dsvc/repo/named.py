"""What a named type asks of values beyond how they are stored: a rating is 1 to N, a class one of its names."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.errors import SchemaError
from dsvc.objects.arrays import to_arrow
from dsvc.objects.column import Column, Index
from dsvc.objects.keys import Keys
from dsvc.objects.types import Type


def find_rule_breakers(array: pa.Array, type_: Type) -> tuple[Index, str]:
    """Return the rows whose value the type's rule refuses, ascending, and the rule in words; null is never refused."""
    name, _, arguments = (type_.name or "").removesuffix(")").partition("(")
    if name == "rating":
        good, rule = pc.and_(pc.greater_equal(array, 1), pc.less_equal(array, int(arguments))), f"1 to {arguments}"
    elif name == "class":
        names = [item.strip() for item in arguments.split(",")]
        good = pc.or_kleene(pc.is_in(array, value_set=pa.array(names, pa.string())), pc.is_null(array))
        rule = f"one of {', '.join(names)}"
    else:
        return np.empty(0, np.int64), ""
    return np.flatnonzero(~np.asarray(pc.fill_null(good, True))), rule


def check_named_rule(signal: str, sources: Keys, values: Column, type_: Type) -> None:
    """Check that values are what their named type asks.

    Raises:
        SchemaError: For the first that is not.
    """
    array = to_arrow(values)
    rows, rule = find_rule_breakers(array, type_)
    if len(rows):
        row = int(rows[0])
        found = array[row].as_py()
        more = f", and {len(rows) - 1:,} more" if len(rows) > 1 else ""
        raise SchemaError(
            message=f"{signal} of {sources[row].decode()}: expected {rule}, found {found!r}{more}",
            hint=f"{type_} is the type of the signal; put other values under another name",
        )
