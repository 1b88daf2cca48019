"""SQL text as tokens, cut by our own rule: ids of steps and datasets must not move with the version of an engine.

Comments and white space are dropped and nothing else is folded: `LEN(x)` and `len(x)` are different tokens. Two texts
of equal tokens mean the same.

| token | begins with | ends |
| --- | --- | --- |
| text | `'`, or one of e, b, n, x and `'` | at `'`; `''` is a quote, after e a backslash takes the next along |
| quoted name | `"` | at `"`; `""` is a quote |
| dollar text | `$tag$` | at the same `$tag$` |
| word | letter, `_`, or any character beyond ASCII | before what is no letter, digit, `_` or `$` |
| number | digit, or `.` and digit | after digits, `_`, one `.`, letters, and a sign right after an exponent's `e` |
| operator | one of `OPERATORS`, the longest that fits | at its end |
| sign | any other character | after it |
| comment | `--`, or `/*` | at the end of the line; at the matching `*/` |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

OPERATORS: Final = tuple(
    sorted(
        (
            *("::", ":=", "=>", "->>", "->", "<=>", "<->", "<=", ">=", "<>", "!=", "==", "||", "&&", "**", "//"),
            *("<<", ">>", "@>", "<@", "^@", "~~~", "~~*", "~~", "!~~*", "!~~", "!~*", "!~", "~*", "|/"),
        ),
        key=len,
        reverse=True,
    )
)
"""The signs of more than one character that are one token."""

_TOKEN = re.compile(
    r"""
      (?P<space>\s+ | --[^\n\r]*)
    | (?P<comment>/\*)
    | (?P<text>[eE]'(?:[^'\\]|''|\\.)*' | [bBnNxX]?'(?:[^']|'')*' | "(?:[^"]|"")*")
    | (?P<dollar>\$(?P<tag>[A-Za-z_\u0080-\U0010ffff][\w\u0080-\U0010ffff]*)?\$.*?\$(?(tag)(?P=tag))\$)
    | (?P<word>(?![eE]')[A-Za-z_\u0080-\U0010ffff][\w$\u0080-\U0010ffff]*)
    | (?P<number>(?:[0-9][0-9_]*\.?|\.[0-9])[0-9_]*(?:[eE][+-]?[0-9][0-9_]*)?[\w]*)
    | (?P<operator>"""
    + "|".join(re.escape(sign) for sign in OPERATORS)
    + r""")
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")
_TIGHT_BEFORE: Final = {",", ")", "]", "}", ".", "::", ";"}
_TIGHT_AFTER: Final = {"(", "[", "{", ".", "::"}
_NO_CALLS: Final = frozenset(
    "and or not in is as like ilike glob similar between case when then else end for lambda collate escape".split()  # noqa: SIM905
)
"""Words before a parenthesis that is no call's."""


def tokenize(text: str) -> Iterator[str]:
    """Yield the tokens of SQL text.

    Raises:
        ValueError: If a text, quoted name or comment does not end.
    """
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"cannot read {text[position:]!r}")  # pragma: no cover - `sign` takes anything
        position = match.end()
        if match["comment"]:
            position = _end_of_comment(text, match.start())
        elif match["sign"] in {"'", '"', "e", "E"}:  # the last two of an open E''
            raise ValueError(f"{text[position - 1 : position + 1].strip('eE')[0]} without an end")
        elif not match["space"]:
            yield match[0]


def _end_of_comment(text: str, start: int) -> int:
    depth = 0
    for match in _COMMENT.finditer(text, start):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    raise ValueError("/* without an end")


def join_tokens(tokens: Sequence[str]) -> str:
    """Return one text for all texts of these tokens, spaced as people write it; it has the same tokens."""
    text = before = ""
    for token in tokens:
        text += token if not text or _is_tight(before, token) else f" {token}"
        before = token
    return text


def _is_tight(before: str, token: str) -> bool:
    """Tell whether no space belongs between two tokens: never where they would read as other tokens."""
    if token in {"(", "["}:
        called = before[-1].isalnum() or before[-1] in '_$")]}'
        tight = before in _TIGHT_AFTER or (called and before.lower() not in _NO_CALLS)
    else:
        tight = token in _TIGHT_BEFORE or before in _TIGHT_AFTER
    return tight and list(tokenize(before + token)) == [before, token]
