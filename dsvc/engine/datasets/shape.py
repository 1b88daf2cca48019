"""Whether the columns of a dataset are what `unnest` and `image` take them for: told from types, without data."""

from __future__ import annotations

import pyarrow as pa

from dsvc.engine.making.loading import Loader
from dsvc.engine.reading.inputs import Inputs
from dsvc.objects.types import Type
from dsvc.recipe.spec import DatasetSpec
from dsvc.repo.view import View

BOX = ("x", "y", "w", "h")
"""The fields that a box has at least: pixels of the stored image, from its top left corner."""


def check_shape(loader: Loader, view: View, spec: DatasetSpec) -> None:
    """Check the types of the columns that a dataset unnests and crops by.

    A column whose signals have no records yet, nor declared types, is not judged.

    Raises:
        RecipeError: If `unnest` names a column that is no list, or `crop` one that is no box.
        DeriveError: If the SQL engine refuses one of them.
    """
    columns = dict(spec.columns)
    if spec.unnest is not None:
        type_ = _type_of(loader, view, spec, spec.unnest)
        if not _is_list(type_) and not pa.types.is_null(type_):
            raise loader.recipe.error(("dataset", spec.name, "unnest"), "a column of lists", _shown(spec.unnest, type_))
    if spec.image is None or spec.image.crop is None or spec.image.crop not in columns:
        return
    type_ = _type_of(loader, view, spec, spec.image.crop)
    if spec.image.crop == spec.unnest and _is_list(type_):
        type_ = type_.value_type
    names = {type_.field(i).name for i in range(type_.num_fields)} if pa.types.is_struct(type_) else set()
    if not names >= set(BOX) and not pa.types.is_null(type_):
        hint = "take one of its boxes, e.g. `faces[1]`, or `unnest` the column" if _is_list(type_) else None
        expected = f"a column with a box: a struct with {', '.join(BOX)}"
        found = _shown(spec.image.crop, type_)
        raise loader.recipe.error(("dataset", spec.name, "image", "crop"), expected, found, hint=hint)


def _type_of(loader: Loader, view: View, spec: DatasetSpec, column: str) -> pa.DataType:
    expression = dict(spec.columns)[column]
    inputs = Inputs.bind(view, expression.inputs, (), loader.declared_types)
    empty = {path: pa.array([], inputs.type_of(path).arrow) for path in expression.inputs}
    return loader.evaluator.evaluate([expression], empty, n_rows=0, name=spec.name)[0].type


def _is_list(type_: pa.DataType) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_))


def _shown(column: str, type_: pa.DataType) -> str:
    return f"{column!r} of type {Type.from_arrow(type_)}"
