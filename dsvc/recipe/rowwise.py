"""Which SQL is row-wise: a value may depend on nothing but the record's own inputs.

The syntax tree is walked by an allow-list of node classes; what is not in it is refused by name. A function is
allowed if the engine declares all its overloads consistent scalars and it is not in `DENIED`, which holds what the
engine declares wrongly and what looks at the engine itself; a macro is allowed if what it stands for is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from dsvc.recipe.duck import Function, Parser, SyntaxProblem

Node = dict[str, Any]

NOWHERE: Final = 2**64 - 1
"""The position of a node that the parser made up."""

ALLOWED: Final = frozenset(
    {"BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA"}
    | {"OPERATOR", "TYPE"}
)
"""Classes of nodes that an expression may have."""

OPERATORS: Final = frozenset(
    {"OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE", "OPERATOR_NULLIF", "OPERATOR_TRY"}
    | {"COMPARE_IN", "COMPARE_NOT_IN", "ARRAY_EXTRACT", "ARRAY_SLICE", "ARRAY_CONSTRUCTOR", "STRUCT_EXTRACT"}
)
"""Types of nodes of class OPERATOR that an expression may have."""

REFUSED: Final[Mapping[str, str]] = {
    "WINDOW": "the window function {function_name}()",
    "SUBQUERY": "a subquery",
    "STAR": "*",
    "PARAMETER": "the parameter ${identifier}",
    "POSITIONAL_REFERENCE": "the positional reference #{index}",
    "DEFAULT": "DEFAULT",
    "GROUPING_FUNCTION": "GROUPING()",
    "OPERATOR_UNPACK": "UNPACK",
}

VOLATILE_NAMES: Final = frozenset(
    {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_user", "session_user"}
    | {"user", "current_role", "current_catalog", "current_schema"}
)
"""Names that the engine reads as calls."""

_ENGINE: Final = "{name}(), which asks the engine"
DENIED: Final[Mapping[str, str]] = {
    "current_localtime": "the volatile function {name}()",
    "current_localtimestamp": "the volatile function {name}()",
    "unnest": "{name}(), which makes rows",
    "unpivot_list": "{name}(), which makes rows",
    "alias": _ENGINE,
    "getenv": _ENGINE,
    "getvariable": _ENGINE,
    "index_key": _ENGINE,
    "json_serialize_plan": _ENGINE,
    "version": _ENGINE,
}
_LIST_AGGREGATES: Final = {"list_aggregate", "list_aggr", "array_aggregate", "array_aggr", "aggregate"}
_RANDOM_AGGREGATES: Final = {"reservoir_quantile"}
_ARROW_CALLS: Final = frozenset(
    {"list_transform", "list_apply", "array_transform", "array_apply", "apply", "list_filter", "array_filter", "filter"}
    | {"list_reduce", "array_reduce", "reduce"}
)

Refusal = tuple[str, int]
"""What was found, and where: bytes from the start of the text, or `NOWHERE`."""


def refuse_clauses(statement: Node) -> Iterator[Refusal]:
    """Yield what a statement has besides a SELECT list."""
    node = statement["node"]
    if node["type"] != "SELECT_NODE":
        yield f"{str(node.get('setop_type') or node['type']).replace('_NODE', '').replace('_', ' ')}", NOWHERE
        return
    for modifier in node["modifiers"]:
        kind = modifier["type"].removesuffix("_MODIFIER")
        yield {"ORDER": "ORDER BY", "LIMIT_PERCENT": "LIMIT"}.get(kind, kind), _first_position(modifier)
    if node["from_table"]["type"] != "EMPTY":
        kind = "a join" if node["from_table"]["type"] == "JOIN" else "FROM"
        yield kind, _first_position(node["from_table"])
    if node["cte_map"]["map"]:
        yield "WITH", NOWHERE
    for key, name in (("where_clause", "WHERE"), ("having", "HAVING"), ("qualify", "QUALIFY"), ("sample", "SAMPLE")):
        if node[key] is not None:
            yield name, _first_position(node[key])
    if node["group_expressions"] or node["group_sets"] or node["aggregate_handling"] != "STANDARD_HANDLING":
        yield "GROUP BY", _first_position(node["group_expressions"])


def _first_position(value: Any) -> int:
    """Return the least position within a part of the tree."""
    if isinstance(value, dict):
        own = [value["query_location"]] if "query_location" in value else []
        return min([*own, *(_first_position(child) for child in value.values())], default=NOWHERE)
    if isinstance(value, list):
        return min((_first_position(child) for child in value), default=NOWHERE)
    return NOWHERE


def refuse_node(node: Node, parser: Parser) -> str | None:
    """Return why a node, taken alone, is not row-wise; None if it is."""
    for word in (node["class"], node["type"]):
        if word in REFUSED:
            return REFUSED[word].format_map(node)
    if node["class"] not in ALLOWED or (node["class"] == "OPERATOR" and node["type"] not in OPERATORS):
        return str(node["type"])
    if node["class"] == "FUNCTION":
        return _refuse_call(node, parser)
    if node["class"] == "COLUMN_REF" and node["column_names"][0].lower() in VOLATILE_NAMES:
        return f"the volatile {node['column_names'][0]}"
    return None


def _refuse_call(node: Node, parser: Parser) -> str | None:
    name = node["function_name"].lower()
    reason = refuse_function(name, len(node["arguments"]), parser)
    if reason:
        return reason
    if node.get("filter") is not None or node["order_bys"]["orders"] or node["distinct"] or node["export_state"]:
        return f"FILTER, ORDER BY or DISTINCT in {name}()"
    arguments = [argument["expression"] for argument in node["arguments"]]
    if name in _LIST_AGGREGATES and len(arguments) > 1:
        literal = arguments[1].get("literal") or {}
        if literal.get("kind") != "STRING" or literal["text"].lower() in _RANDOM_AGGREGATES:
            return f"{name}() of an aggregate that is random or not named by a literal"
    arrows = (argument for argument in arguments if argument.get("syntax_type") == "SINGLE_ARROW")
    if name in _ARROW_CALLS and any(arrows):
        return f"an arrow in {name}(), which is written `lambda x: ...`"
    return None


def refuse_function(name: str, n_arguments: int, parser: Parser, seen: frozenset[str] = frozenset()) -> str | None:
    """Return why a function is not row-wise; None if it is, or if there is no such function."""
    if name in DENIED:
        return DENIED[name].format(name=name)
    if name == "age" and n_arguments == 1:
        return "age() of one argument, which asks the clock"
    if name.startswith("__internal"):
        return f"{name}(), which belongs to the engine"
    overloads = parser.functions.get(name, [])
    kinds = {overload.kind for overload in overloads}
    if "aggregate" in kinds:
        return f"the aggregate {name}()"
    if "scalar" in kinds:
        scalars = [overload for overload in overloads if overload.kind == "scalar"]
        # Declared volatile so that it is never folded; it gives no value at all.
        volatile = name != "error" and any(overload.stability != "CONSISTENT" for overload in scalars)
        return f"the volatile function {name}()" if volatile else None
    if "macro" in kinds:
        return None if name in seen else _refuse_macro(name, overloads, parser, seen | {name})
    if "window" in kinds:
        return f"the window function {name}()"
    return f"the table function {name}()" if kinds else None


def _refuse_macro(name: str, overloads: list[Function], parser: Parser, seen: frozenset[str]) -> str | None:
    for overload in overloads:
        if overload.kind != "macro":
            continue
        statements = parser.parse(f"SELECT {overload.definition}")
        if isinstance(statements, SyntaxProblem):
            return f"{name}(), a macro that cannot be read"
        for node in iter_nodes(statements[0]["node"]["select_list"]):
            if node["class"] == "FUNCTION":
                reason = refuse_function(node["function_name"].lower(), len(node["arguments"]), parser, seen)
            else:
                reason = refuse_node(node, parser)
            if reason:
                return f"{reason}, which {name}() stands for"
    return None


def iter_nodes(value: Any) -> Iterator[Node]:
    """Yield every expression node of a part of the tree, outermost first."""
    if isinstance(value, dict):
        if "class" in value:
            yield value
        for child in value.values():
            yield from iter_nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from iter_nodes(child)
