"""The output type that a Python function declares by its return annotation, read from its syntax alone."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from dsvc.objects.types import Physical, Type
from dsvc.recipe.code import split_reference
from dsvc.recipe.modules import Modules

_PLAIN: Mapping[str, Physical] = {
    "int": ("int64",),
    "float": ("float64",),
    "str": ("string",),
    "bool": ("bool",),
    "bytes": ("binary",),
}


def annotated_type(reference: str, directory: Path, *, per_member: bool = False) -> Type | None:
    """Return the type of the values that a function of the recipe says that it returns.

    `int`, `float`, `str`, `bool`, `bytes`, lists of these, and any of them or None; of other annotations, of none,
    and of functions outside of the recipe's directory nothing is known.

    Args:
        reference: `module:function`.
        directory: Where `dsvc.toml` is.
        per_member: Whether it returns a list with a value for each member of a group.
    """
    name, function = split_reference(reference)
    module = Modules(directory).find(name)
    if module is None:
        return None
    found = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == function]
    physical = _read(found[-1].returns) if found else None
    if per_member:
        physical = physical[1] if physical is not None and physical[0] == "list" else None
    return None if physical is None else Type(physical)


def _read(node: ast.expr | None) -> Physical | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return _read(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return None
    if isinstance(node, ast.Name):
        return _PLAIN.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = [side for side in (node.left, node.right) if not _is_none(side)]
        return _read(sides[0]) if len(sides) == 1 else None
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name | ast.Attribute):
        outer = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
        inner = _read(node.slice)
        if outer in ("list", "List", "Sequence"):
            return None if inner is None else ("list", inner)
        return inner if outer == "Optional" else None
    return None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
