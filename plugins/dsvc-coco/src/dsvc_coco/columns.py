"""Which columns of a dataset hold what: told by their Arrow types, or by the options.

| what | type |
| --- | --- |
| boxes | list of a struct with `x`, `y`, `w`, `h`; or one such struct |
| keypoints | list of a list of N structs with `x`, `y`; or one such list |
| width, height | a column of whole numbers of that name |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from dsvc.errors import SchemaError

BOX_FIELDS = {"x", "y", "w", "h"}
POINT_FIELDS = {"x", "y"}


@dataclass(frozen=True)
class Layout:
    """The columns by what they hold, None where there is none."""

    boxes: str | None
    keypoints: str | None
    n_points: int
    """Keypoints of each object; 0 without keypoints."""
    width: str | None
    height: str | None
    others: tuple[str, ...]
    """Columns that COCO has no place for."""


def find_layout(schema: pa.Schema, boxes: str | None, keypoints: str | None) -> Layout:
    """Return which columns hold what.

    Args:
        schema: `source`, then the columns.
        boxes: The column of boxes, if it is named.
        keypoints: The column of keypoints, if it is named.

    Raises:
        SchemaError: If there are neither boxes nor keypoints, or several and none is named, or the named one is none.
    """
    box_column = _find(schema, "boxes", boxes, is_boxes)
    point_column = _find(schema, "keypoints", keypoints, lambda type_: count_points(type_) > 0)
    if box_column is None and point_column is None:
        raise SchemaError(
            message=f"COCO needs a column of boxes or of keypoints; there are: {_listed(schema)}",
            hint='name one in the recipe, e.g. columns = { boxes = "face_detection" }',
        )
    taken = {"source", box_column, point_column}
    sizes = {name: name if _is_whole(schema, name) and name not in taken else None for name in ("width", "height")}
    taken |= set(sizes.values())
    n_points = 0 if point_column is None else count_points(schema.field(point_column).type)
    others = tuple(name for name in schema.names if name not in taken)
    return Layout(box_column, point_column, n_points, sizes["width"], sizes["height"], others)


def _find(schema: pa.Schema, what: str, named: str | None, fits: Callable[[pa.DataType], bool]) -> str | None:
    """Return the named column, or the only one whose type fits; None where none does."""
    found = [field.name for field in schema if field.name != "source" and fits(field.type)]
    if named is not None:
        if named not in found:
            raise SchemaError(
                message=f"column {named!r} holds no {what}; columns are: {_listed(schema)}",
                hint=f"columns that do: {', '.join(found) or 'none'}",
            )
        return named
    if len(found) > 1:
        raise SchemaError(
            message=f"several columns hold {what}: {', '.join(found)}", hint=f"say which: `-o {what}={found[0]}`"
        )
    return found[0] if found else None


def _listed(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in schema if field.name != "source") or "none"


def _is_whole(schema: pa.Schema, name: str) -> bool:
    return name in schema.names and pa.types.is_integer(schema.field(name).type)


def is_boxes(type_: pa.DataType) -> bool:
    """Tell whether a type is that of boxes, or of one box."""
    item = _item(type_)
    return _fields(type_ if item is None else item) >= BOX_FIELDS


def count_points(type_: pa.DataType) -> int:
    """Return how many keypoints an object of a type has: 0 where it is no type of keypoints."""
    points = _item(type_) if _item(type_) is not None and _is_fixed(_item(type_)) else type_
    if not _is_fixed(points):
        return 0
    fields = _fields(points.value_type)
    return points.list_size if fields >= POINT_FIELDS and not fields >= BOX_FIELDS else 0


def is_many(type_: pa.DataType) -> bool:
    """Tell whether a type of boxes or keypoints holds any number of objects, and not just one."""
    return _item(type_) is not None


def _item(type_: pa.DataType) -> pa.DataType | None:
    return type_.value_type if pa.types.is_list(type_) or pa.types.is_large_list(type_) else None


def _is_fixed(type_: pa.DataType) -> bool:
    return pa.types.is_fixed_size_list(type_)


def _fields(type_: pa.DataType) -> set[str]:
    return {type_.field(at).name for at in range(type_.num_fields)} if pa.types.is_struct(type_) else set()
