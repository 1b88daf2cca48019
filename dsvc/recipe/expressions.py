"""SQL expressions over signals: what they read, bound to names of ours.

`x` is the value of signal x, `x.f` its field, and `x._state`, `x._origin`, `x._producer`, `x._version` its
circumstances; nothing else can be named. Each of these becomes one column of the engine, `_dsvc:x.f`, so that no name
is left for the engine to resolve but the parameters of lambdas.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from dsvc.errors import NotRowWiseError, RecipeError
from dsvc.recipe.duck import SyntaxProblem, shared_parser
from dsvc.recipe.paths import InputPath
from dsvc.recipe.rowwise import NOWHERE, Node, refuse_clauses, refuse_node
from dsvc.recipe.tokens import join_tokens, tokenize

COLUMN_PREFIX: Final = "_dsvc:"
"""What the engine's columns begin with; no name in an expression may."""


@dataclass(frozen=True)
class Place:
    """Where an SQL text is written, for messages."""

    file: str = "dsvc.toml"
    line: int | None = None
    key: str = "expression"


@dataclass(frozen=True)
class Expression:
    """One row-wise SQL expression.

    Attributes:
        text: Its text, spaced by our own rule and without comments: equal for equal tokens.
        inputs: What it reads, in order of first appearance.
        bound: The expression over the columns that `column_name` names, as the engine evaluates it.
        is_input: Whether it is its one input and nothing else, so that its values are taken as they are.
    """

    text: str
    inputs: tuple[InputPath, ...] = field(compare=False)
    bound: str = field(compare=False, repr=False)
    is_input: bool = field(compare=False, repr=False)

    @property
    def tokens(self) -> tuple[str, ...]:
        """Its tokens, of which hashes are made."""
        return tuple(tokenize(self.text))


@dataclass(frozen=True)
class Select:
    """The SELECT list of a step.

    Attributes:
        text: Its text, as an expression's.
        columns: (name, expression), sorted by name.
        inputs: What it reads, in order of first appearance.
    """

    text: str
    columns: tuple[tuple[str, Expression], ...] = field(compare=False)
    inputs: tuple[InputPath, ...] = field(compare=False)

    @property
    def tokens(self) -> tuple[str, ...]:
        """Its tokens, of which hashes are made."""
        return tuple(tokenize(self.text))

    def value(self, signal: str) -> Expression | None:
        """Return the expression of the signal's value, where the list is one column named like the signal."""
        name, expression = self.columns[0]
        return expression if len(self.columns) == 1 and name == signal else None


def column_name(path: InputPath) -> str:
    """Return the name of the engine's column for an input."""
    return f"{COLUMN_PREFIX}{path}"


def name_expression(name: str) -> Expression:
    """Return the expression that is the value of a signal."""
    path = InputPath(name)
    return Expression(str(path), (path,), f'"{column_name(path)}"', is_input=True)


def parse_expression(text: str, place: Place | None = None) -> Expression:
    """Return the expression that a text says.

    Raises:
        NotRowWiseError: If it needs more than one record, or anything outside of it; the construct is named.
        RecipeError: If it is no SQL expression.
    """
    reading = _Reading("SELECT ", text, place or Place())
    if len(reading.items) != 1:
        raise reading.error("one expression", f"{len(reading.items)} separated by commas")
    item = reading.items[0]
    if item["alias"]:
        raise reading.error("an expression without a name", f"{item['alias']!r} after it")
    return reading.read(item, reading.text)


def parse_select(text: str, place: Place | None = None) -> Select:
    """Return the SELECT list that the text of a step says. Every column has a name: its alias, or a bare input's.

    Raises:
        NotRowWiseError: As `parse_expression`.
        RecipeError: If it is no SELECT list, a column has no name, or two have names that differ by case at most.
    """
    reading = _Reading("", text, place or Place())
    columns: dict[str, Expression] = {}
    inputs: dict[InputPath, None] = {}
    for number, item in enumerate(reading.items, 1):
        name = item["alias"] or (item["column_names"][-1] if item["class"] == "COLUMN_REF" else "")
        item["alias"] = ""
        expression = reading.read(item)
        if not name:
            raise reading.error("a name for every column", f"none for column {number}", hint="write `... AS name`")
        other = next((other for other in columns if other.lower() == name.lower()), None)
        if other is not None:
            raise reading.error("column names that differ by more than case", f"{other!r} and {name!r}")
        columns[name] = expression
        inputs.update(dict.fromkeys(expression.inputs))
    return Select(reading.text, tuple(sorted(columns.items())), tuple(inputs))


class _Reading:
    """One text being read: its tree, and errors that say where in it."""

    def __init__(self, prefix: str, text: str, place: Place) -> None:
        self._parser = shared_parser()
        self._place = place
        self._prefix = prefix
        self._written = text
        self.text = self._canonical()
        self.statement = self._statement(text)
        for construct, position in refuse_clauses(self.statement):
            raise self.refusal(construct, position)
        self.items: list[Node] = self.statement["node"]["select_list"]
        if self.text != text and _bare(self._statement(self.text)) != _bare(self.statement):
            raise self.error("SQL that reads the same without comments and white space", repr(text))

    def read(self, item: Node, text: str = "") -> Expression:
        """Bind one item of the list, in place, and return it; without `text`, as the engine writes it."""
        text = text or self._unparse(item)
        is_input = item["class"] == "COLUMN_REF"
        inputs: dict[InputPath, None] = {}
        self._bind(item, frozenset(), inputs)
        return Expression(text, tuple(inputs), self._unparse(item), is_input)

    def refusal(self, construct: str, position: int) -> NotRowWiseError:
        """Return the error for a construct that is not row-wise."""
        return NotRowWiseError(
            file=self._place.file,
            line=self._place.line,
            key=self._place.key,
            construct=construct + self._at(position),
        )

    def error(self, expected: str, found: str, **more: Any) -> RecipeError:
        """Return the error for anything else."""
        place = self._place
        return RecipeError(file=place.file, line=place.line, key=place.key, expected=expected, found=found, **more)

    def _at(self, position: int) -> str:
        """Return ` at character N` for a byte offset into the text as parsed, or nothing."""
        if position == NOWHERE:
            return ""
        before = (self._prefix + self._written).encode()[:position].decode(errors="ignore")[len(self._prefix) :]
        lines = before.split("\n")
        line = f"line {len(lines)}, " if "\n" in self._written else ""
        return f" at {line}character {len(lines[-1]) + 1}"

    def _canonical(self) -> str:
        try:
            tokens = list(tokenize(self._written))
        except ValueError as err:
            raise self.error("SQL", str(err)) from err
        if not tokens or ";" in tokens:
            raise self.error("one SQL expression", "';'" if tokens else "nothing")
        return join_tokens(tokens)

    def _statement(self, text: str) -> Node:
        statements = self._parser.parse(self._prefix + text)
        if isinstance(statements, SyntaxProblem):
            offset = NOWHERE if statements.offset is None else statements.offset
            what = "a SELECT list over signals" if not self._prefix else "an SQL expression"
            raise self.error(what, f"{statements.reason}{self._at(offset)}")
        return statements[0]

    def _unparse(self, item: Node) -> str:
        node = {**self.statement["node"], "select_list": [item]}
        return self._parser.unparse({**self.statement, "node": node}).removeprefix("SELECT ")

    def _bind(self, node: Node, scope: frozenset[str], inputs: dict[InputPath, None], outer: int = NOWHERE) -> None:
        """Replace names by the engine's columns and collect the inputs; `scope` holds lambda parameters in scope."""
        own = node.get("query_location", NOWHERE)
        position = outer if own == NOWHERE else own
        if node["class"] == "COLUMN_REF" and node["column_names"][0].lower() in scope:
            return
        if node["class"] == "FUNCTION":
            self._unchain(node)
            self._check_known(node, position)
        reason = refuse_node(node, self._parser)
        if reason:
            raise self.refusal(reason, position)
        if node["class"] == "COLUMN_REF":
            node["column_names"] = [self._column(tuple(node["column_names"]), inputs)]
            return
        inner = scope
        if node["class"] == "LAMBDA" and node["syntax_type"] != "SINGLE_ARROW":
            inner = scope | self._parameters(node)
            node = {"expr": node["expr"]}
        for child in _children(list(node.values())):
            self._bind(child, inner, inputs, position)

    def _column(self, names: tuple[str, ...], inputs: dict[InputPath, None]) -> str:
        if names[0].lower().startswith(COLUMN_PREFIX):
            raise self.error(f"names that do not begin with {COLUMN_PREFIX}", names[0])
        path = InputPath.of(names)
        inputs[path] = None
        return column_name(path)

    def _parameters(self, node: Node) -> frozenset[str]:
        """Return the lower-case names of a lambda's parameters."""
        names = [child["column_names"][0] for child in _name_nodes(node["lhs"])]
        if any(name.lower().startswith(COLUMN_PREFIX) for name in names):
            raise self.error(f"names that do not begin with {COLUMN_PREFIX}", ", ".join(names))
        return frozenset(name.lower() for name in names)

    def _unchain(self, node: Node) -> None:
        """Write `x.f.upper()` as `upper(x.f)`: before a call, dots could also mean a schema of the engine."""
        names = [name for name in (node.get("catalog"), node.get("schema")) if name]
        if not names:
            return
        subject = {
            "class": "COLUMN_REF",
            "type": "COLUMN_REF",
            "alias": "",
            "query_location": node.get("query_location", NOWHERE),
            "column_names": names,
        }
        node["catalog"] = node["schema"] = ""
        node["qualified_name"] = {"path": [node["function_name"]]}
        node["arguments"] = [{"name": "", "expression": subject}, *node["arguments"]]

    def _check_known(self, node: Node, position: int) -> None:
        name = node["function_name"].lower()
        if name in self._parser.functions:
            return
        if refuse_node(node, self._parser):  # refused by name, whether this engine has it or not
            return
        near = get_close_matches(name, self._parser.functions, 1)
        raise self.error("a function of SQL", f"{name}(){self._at(position)}", nearest=near[0] if near else None)


def _children(value: Any) -> Iterator[Node]:
    """Yield the nearest expression nodes within a part of the tree."""
    if isinstance(value, dict):
        if "class" in value:
            yield value
        else:
            yield from _children(list(value.values()))
    elif isinstance(value, list):
        for child in value:
            yield from _children(child)


def _name_nodes(node: Node) -> Iterator[Node]:
    if node["class"] == "COLUMN_REF":
        yield node
    else:
        yield from (name for child in _children(list(node.values())) for name in _name_nodes(child))


def _bare(value: Any) -> Any:
    """Return a part of the tree without positions."""
    if isinstance(value, dict):
        return {key: _bare(child) for key, child in value.items() if not key.startswith("query_location")}
    return [_bare(child) for child in value] if isinstance(value, list) else value
