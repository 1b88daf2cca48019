"""Where keys are written in a TOML text.

`tomllib` says nothing of places, so this walks the text once more. It only finds keys: the text is one that `tomllib`
has accepted, and every value is skipped by its outer form alone.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

from dsvc.recipe.spec import KeyPath

_SKIP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]*")
_BASIC = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_LITERAL = re.compile(r"'[^']*'")
_LONG = {
    '"""': re.compile(r'"""(?:[^\\]|\\.)*?"""(?!")', re.DOTALL),
    "'''": re.compile(r"'''.*?'''(?!')", re.DOTALL),
}
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_ESCAPED: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def find_lines(text: str) -> dict[KeyPath, int]:
    """Return the line, from 1, of every key and table of a valid TOML text, and of every item of an array."""
    scanner = _Scanner(text)
    scanner.scan()
    return scanner.lines


class _Scanner:
    """A position in the text, and the lines found so far."""

    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._counts: dict[KeyPath, int] = {}

    def scan(self) -> None:
        """Walk the whole text."""
        table: KeyPath = ()
        while self._skip() < len(self._text):
            line = self._line()
            if self._text.startswith("[[", self._at):
                self._at += 2
                path = self._key()
                self._counts[path] = self._counts.get(path, -1) + 1
                table = (*path, self._counts[path])
                self._note(path, line)
                self._note(table, line)
                self._at = self._text.index("]]", self._at) + 2
            elif self._text[self._at] == "[":
                self._at += 1
                table = self._key()
                self._note(table, line)
                self._at = self._text.index("]", self._at) + 1
            else:
                self._pair(table)

    def _pair(self, table: KeyPath) -> None:
        line = self._line()
        path = (*table, *self._key())
        self._note(path, line)
        self._at = self._text.index("=", self._at) + 1
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        self._skip()
        first, three = self._text[self._at], self._text[self._at : self._at + 3]
        if three in _LONG:
            self._match(_LONG[three])
        elif first in "\"'":
            self._match(_BASIC if first == '"' else _LITERAL)
        elif first == "[":
            self._items("]", path)
        elif first == "{":
            self._items("}", path)
        else:
            self._match(_SCALAR)

    def _items(self, end: str, path: KeyPath) -> None:
        """Walk an array or an inline table."""
        self._at += 1
        index = 0
        while self._text[self._skip()] != end:
            if self._text[self._at] == ",":
                self._at += 1
            elif end == "}":
                self._pair(path)
            else:
                self._note((*path, index), self._line())
                self._value((*path, index))
                index += 1
        self._at += 1

    def _key(self) -> KeyPath:
        """Read a key, dotted or not."""
        parts = []
        while True:
            self._match(_BLANK)
            first = self._text[self._at]
            if first == '"':
                parts.append(_ESCAPE.sub(_unescape, self._match(_BASIC)[1:-1]))
            elif first == "'":
                parts.append(self._match(_LITERAL)[1:-1])
            else:
                parts.append(self._match(_BARE))
            self._match(_BLANK)
            if self._text[self._at] != ".":
                return tuple(parts)
            self._at += 1

    def _note(self, path: KeyPath, line: int) -> None:
        for depth in range(1, len(path) + 1):
            self.lines.setdefault(path[:depth], line)

    def _line(self) -> int:
        return bisect_right(self._starts, self._at)

    def _skip(self) -> int:
        self._match(_SKIP)
        return self._at

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError(f"not TOML at character {self._at}")
        self._at = match.end()
        return match[0]


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _ESCAPED.get(match[3], match[3])
