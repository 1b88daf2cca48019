"""Digests of Python syntax trees by our own walk, equal on every version of Python from 3.11 on.

A node is a list: the name of its class, then [field, value] for each field of `FIELDS` that is there and not empty.
Positions, docstrings, type comments, the `u` of a string and whether a name is read or written (its place says so) are
left out. Parts of an f-string that are text are joined, since where Python cuts them differs by version. A constant is
[type, text]; a float is its 8 IEEE bytes.

Source: docs/reference/identities.md#code-digests.
"""

from __future__ import annotations

import ast
import struct
from typing import Any, Final

_FUNCTION: Final = ("name", "type_params", "args", "returns", "decorator_list", "body")
_LOOP: Final = ("target", "iter", "body", "orelse")
_TRY: Final = ("body", "handlers", "orelse", "finalbody")
_COMPREHENSION: Final = ("elt", "generators")

_SIGNS: Final = (
    *(
        "And",
        "Or",
        "Add",
        "Sub",
        "Mult",
        "MatMult",
        "Div",
        "Mod",
        "Pow",
        "LShift",
        "RShift",
        "BitOr",
        "BitXor",
        "BitAnd",
    ),
    *("FloorDiv", "Invert", "Not", "UAdd", "USub"),
    *("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE", "Is", "IsNot", "In", "NotIn"),
)

FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "FunctionDef": _FUNCTION,
    "AsyncFunctionDef": _FUNCTION,
    "ClassDef": ("name", "type_params", "bases", "keywords", "decorator_list", "body"),
    "Return": ("value",),
    "Delete": ("targets",),
    "Assign": ("targets", "value"),
    "TypeAlias": ("name", "type_params", "value"),
    "AugAssign": ("target", "op", "value"),
    "AnnAssign": ("target", "annotation", "value", "simple"),
    "For": _LOOP,
    "AsyncFor": _LOOP,
    "While": ("test", "body", "orelse"),
    "If": ("test", "body", "orelse"),
    "With": ("items", "body"),
    "AsyncWith": ("items", "body"),
    "Match": ("subject", "cases"),
    "Raise": ("exc", "cause"),
    "Try": _TRY,
    "TryStar": _TRY,
    "Assert": ("test", "msg"),
    "Import": ("names",),
    "ImportFrom": ("module", "names", "level"),
    "Global": ("names",),
    "Nonlocal": ("names",),
    "Expr": ("value",),
    "Pass": (),
    "Break": (),
    "Continue": (),
    "BoolOp": ("op", "values"),
    "NamedExpr": ("target", "value"),
    "BinOp": ("left", "op", "right"),
    "UnaryOp": ("op", "operand"),
    "Lambda": ("args", "body"),
    "IfExp": ("test", "body", "orelse"),
    "Dict": ("keys", "values"),
    "Set": ("elts",),
    "ListComp": _COMPREHENSION,
    "SetComp": _COMPREHENSION,
    "DictComp": ("key", "value", "generators"),
    "GeneratorExp": _COMPREHENSION,
    "Await": ("value",),
    "Yield": ("value",),
    "YieldFrom": ("value",),
    "Compare": ("left", "ops", "comparators"),
    "Call": ("func", "args", "keywords"),
    "FormattedValue": ("value", "conversion", "format_spec"),
    "Interpolation": ("value", "str", "conversion", "format_spec"),
    "JoinedStr": ("values",),
    "TemplateStr": ("values",),
    "Constant": ("value",),
    "Attribute": ("value", "attr"),
    "Subscript": ("value", "slice"),
    "Starred": ("value",),
    "Name": ("id",),
    "List": ("elts",),
    "Tuple": ("elts",),
    "Slice": ("lower", "upper", "step"),
    "comprehension": ("target", "iter", "ifs", "is_async"),
    "ExceptHandler": ("type", "name", "body"),
    "arguments": ("posonlyargs", "args", "vararg", "kwonlyargs", "kw_defaults", "kwarg", "defaults"),
    "arg": ("arg", "annotation"),
    "keyword": ("arg", "value"),
    "alias": ("name", "asname"),
    "withitem": ("context_expr", "optional_vars"),
    "match_case": ("pattern", "guard", "body"),
    "MatchValue": ("value",),
    "MatchSingleton": ("value",),
    "MatchSequence": ("patterns",),
    "MatchMapping": ("keys", "patterns", "rest"),
    "MatchClass": ("cls", "patterns", "kwd_attrs", "kwd_patterns"),
    "MatchStar": ("name",),
    "MatchAs": ("pattern", "name"),
    "MatchOr": ("patterns",),
    "TypeVar": ("name", "bound", "default_value"),
    "ParamSpec": ("name", "default_value"),
    "TypeVarTuple": ("name", "default_value"),
    **dict.fromkeys(_SIGNS, ()),
}
"""Class name -> the fields that count, in this order; a class or field that a newer Python adds is added at the end."""

_WITH_DOCSTRING: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class UnknownSyntaxError(ValueError):
    """A syntax tree has a class of node that this version does not know."""


def encode_node(node: ast.AST) -> list[Any]:
    """Return a node as nested lists of texts, integers and bytes.

    Raises:
        UnknownSyntaxError: If it or a part of it is of a class that is not in `FIELDS`.
    """
    kind = type(node).__name__
    if kind not in FIELDS:
        raise UnknownSyntaxError(kind)
    encoded: list[Any] = [kind]
    for name in FIELDS[kind]:
        value: Any = getattr(node, name, None)
        if name == "body" and isinstance(node, _WITH_DOCSTRING):
            value = without_docstring(value)
        elif name == "values" and kind in ("JoinedStr", "TemplateStr"):
            value = _join_texts(value)
        elif name == "format_spec" and isinstance(value, ast.JoinedStr) and not _join_texts(value.values):
            continue
        if isinstance(node, ast.Constant | ast.MatchSingleton):
            encoded.append([name, encode_constant(value)])
        elif value is not None and value != []:
            encoded.append([name, _encode(value)])
    return encoded


def _encode(value: Any) -> Any:
    if isinstance(value, ast.AST):
        return encode_node(value)
    if isinstance(value, list):
        return [None if item is None else _encode(item) for item in value]
    # Names are NFKC text by now; `level`, `conversion`, `is_async` and `simple` are small integers.
    return value if isinstance(value, int) else str(value)


def encode_constant(value: object) -> list[Any]:
    """Return a literal as [type, ...]: 1, 1.0, True and "1" differ."""
    if value is None or value is Ellipsis or isinstance(value, bool):
        return ["name", repr(value)]
    if isinstance(value, int):
        return ["int", str(value)]
    if isinstance(value, float):
        return ["float", struct.pack(">d", value)]
    if isinstance(value, complex):
        return ["complex", struct.pack(">dd", value.real, value.imag)]
    if isinstance(value, str):
        return ["str", value.encode("utf-8", "surrogatepass")]
    if isinstance(value, bytes):
        return ["bytes", value]
    raise UnknownSyntaxError(type(value).__name__)


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a function, class or module without its docstring."""
    return body[1:] if body and is_text(body[0]) else body


def is_text(statement: ast.stmt) -> bool:
    """Tell whether a statement is a text alone."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _join_texts(values: list[ast.expr]) -> list[ast.expr]:
    """Return the parts of an f-string with neighbouring texts joined and empty ones left out."""
    joined: list[ast.expr] = []
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            if not value.value:
                continue
            before = joined[-1] if joined else None
            if isinstance(before, ast.Constant) and isinstance(before.value, str):
                joined[-1] = ast.Constant(before.value + value.value)
                continue
        joined.append(value)
    return joined
