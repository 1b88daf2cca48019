"""The inputs of expressions and steps: a signal, a field of one, or a circumstance of its records.

An input decides when a record is made again: only the bits of what it names count, so `capture.subject` is not
touched by a change of `capture.country`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from dsvc.errors import SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

CIRCUMSTANCES: Final = ("_state", "_origin", "_producer", "_version")
"""What `x._state` and so on name: standing, or why the record waits; and its provenance."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')


@dataclass(frozen=True, order=True)
class InputPath:
    """What an expression or a step reads of one signal.

    Attributes:
        signal: The signal's name.
        fields: Names of fields, outermost first; empty for the whole value.
        circumstance: One of `CIRCUMSTANCES`, or empty for the value; then there are no fields.
    """

    signal: str
    fields: tuple[str, ...] = ()
    circumstance: str = ""

    def __str__(self) -> str:
        names = (self.signal, *self.fields, *((self.circumstance,) if self.circumstance else ()))
        return ".".join(name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"' for name in names)

    @classmethod
    def of(cls, names: tuple[str, ...]) -> InputPath:
        """Return the input that dotted names mean: `("x", "_origin")` is a circumstance, `("x", "f")` a field."""
        if len(names) == 2 and names[1] in CIRCUMSTANCES:
            return cls(names[0], circumstance=names[1])
        return cls(names[0], names[1:])

    @classmethod
    def parse(cls, text: str) -> InputPath:
        """Return the input that a text like `capture.subject` names; parts with dots are quoted.

        Raises:
            ValueError: If the text is no dotted path.
        """
        return cls.of(tuple(_parts(text)))

    @property
    def whole(self) -> InputPath:
        """The whole value of the same signal."""
        return InputPath(self.signal)

    def extract(self, values: pa.Array) -> pa.Array[Any]:
        """Return what this names, of an array of the signal's whole values; null under a null struct.

        Raises:
            SchemaError: If the values have no such field; the hint gives the nearest.
        """
        import pyarrow as pa  # a path is read at start-up, values are not
        import pyarrow.compute as pc

        for depth, name in enumerate(self.fields):
            if pa.types.is_null(values.type):  # no source has a value, so nobody has the field
                return values
            if not pa.types.is_struct(values.type):
                raise self._no_field(depth, [])
            names = [values.type.field(i).name for i in range(values.type.num_fields)]
            if name not in names:
                raise self._no_field(depth, names)
            values = pc.struct_field(values, [names.index(name)])
        return values

    def _no_field(self, depth: int, names: list[str]) -> SchemaError:
        parent = InputPath(self.signal, self.fields[:depth])
        near = get_close_matches(self.fields[depth], names, 1)
        known = f"; it has {', '.join(names)}" if names else "; its value is no struct"
        return SchemaError(
            message=f"{parent} has no field {self.fields[depth]!r}{known}",
            hint=f"did you mean {near[0]!r}?" if near else "run `dsvc show HEAD` to see the types of its signals",
        )


def _parts(text: str) -> Iterator[str]:
    position = 0
    while True:
        match = _PART.match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is no path: expected names with dots between them")
        yield match[1].replace('""', '"') if match[1] is not None else match[2]
        position = match.end()
        if position == len(text):
            return
        if text[position] != ".":
            raise ValueError(f"{text!r} is no path: expected a dot at {text[position:]!r}")
        position += 1
