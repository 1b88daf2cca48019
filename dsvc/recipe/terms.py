"""The AND-terms of a condition: what each of them lets through is told on its own.

A condition is cut at every AND that stands outside of parentheses, CASE and BETWEEN, unless an OR stands beside it:
`a OR b AND c` is one term.  A condition that is one pair of parentheses is what is in them.  All terms are TRUE for a
source exactly where the condition is.
"""

from __future__ import annotations

from collections.abc import Sequence

from dsvc.errors import RecipeError
from dsvc.recipe.expressions import Expression, parse_expression
from dsvc.recipe.tokens import join_tokens

_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")


def and_terms(condition: Expression) -> tuple[Expression, ...]:
    """Return the terms of a condition in the order they are written; the condition itself where it is one term."""
    parts = _split(_unwrap(condition.tokens))
    if len(parts) == 1:
        return (condition,)
    try:
        return tuple(parse_expression(join_tokens(part)) for part in parts)
    except RecipeError:  # the cut was wrong, and one term is never wrong
        return (condition,)


def _unwrap(tokens: Sequence[str]) -> Sequence[str]:
    """Return what is in the parentheses that are around the whole."""
    while len(tokens) > 2 and tokens[0] == "(" and _end_of_group(tokens) == len(tokens) - 1:
        tokens = tokens[1:-1]
    return tokens


def _end_of_group(tokens: Sequence[str]) -> int:
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token in _OPENING) - (token in _CLOSING)
        if depth == 0:
            return at
    return -1


def _split(tokens: Sequence[str]) -> list[Sequence[str]]:
    """Cut tokens at the ANDs of the outermost level; whole where an OR is on that level."""
    depth = betweens = start = 0
    parts: list[Sequence[str]] = []
    for at, token in enumerate(tokens):
        # After a dot any word is the name of a field.
        word = token.lower() if at == 0 or tokens[at - 1] != "." else ""
        if token in _OPENING or word == "case":
            depth += 1
        elif token in _CLOSING or word == "end":
            depth -= 1
        elif depth:
            continue
        elif word == "between":
            betweens += 1
        elif word == "or":
            return [tokens]
        elif word == "and":
            if betweens:
                betweens -= 1
            else:
                parts.append(tokens[start:at])
                start = at + 1
    return [*parts, tokens[start:]]
