"""Records that someone hands in, brought into the form in which trees are edited, and checked on the way."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.errors import (
    DuplicateSourceError,
    EncodedImageError,
    PointerError,
    RecordTooLargeError,
    SchemaError,
    SignalTypeError,
)
from dsvc.objects.arrays import normalise
from dsvc.objects.chunk import MAX_RECORD_BYTES
from dsvc.objects.column import Column, nulls_fit
from dsvc.objects.keys import Keys
from dsvc.objects.types import Type
from dsvc.repo.images import find_encoded_image

SOURCE = "source"
MAX_POINTER_BYTES = 1100
"""An S3 key has 1,024 bytes at most; the rest is for scheme and bucket."""
SHOWN_DUPLICATES = 5
"""Repeated sources that an error names."""
_PLAIN_TEXT = (pa.string(), pa.large_string())


def check_schema(signal: str, schema: pa.Schema) -> None:
    """Check that a table has sources and values.

    Raises:
        SchemaError: If it has no column `source` of text, nothing beside it, or two columns of one name.
    """
    names = schema.names
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SchemaError(message=f"put of {signal!r}: several columns are named {repeated[0]!r}")
    if SOURCE not in names:
        found = ", ".join(names) or "none"
        raise SchemaError(
            message=f"put of {signal!r}: expected a column 'source' with the pointers, found {found}",
            hint="rename the column that holds the pointers to 'source'",
        )
    if not _is_text(schema.field(SOURCE).type):
        raise SchemaError(message=f"put of {signal!r}: column 'source' is {schema.field(SOURCE).type}, expected string")
    if len(names) == 1:
        raise SchemaError(
            message=f"put of {signal!r}: there is no column beside 'source'",
            hint=f"name the column of values {signal!r}, or give the fields of a struct a column each",
        )


def _is_text(type_: pa.DataType) -> bool:
    plain = type_.value_type if pa.types.is_dictionary(type_) else type_
    return plain in (*_PLAIN_TEXT, pa.null()) or str(plain) == "string_view"  # a column of no rows has type null


def value_fields(signal: str, schema: pa.Schema) -> list[str] | None:
    """Return the columns that are the fields of the signal's struct, sorted; None if one column is its value."""
    names = sorted(name for name in schema.names if name != SOURCE)
    return None if names == [signal] else names


def value_type(signal: str, schema: pa.Schema) -> Type:
    """Return the type of the values in a table.

    Raises:
        UnsupportedTypeError: If a column has a type that is not stored.
    """
    fields = value_fields(signal, schema)
    if fields is None:
        return Type.from_arrow(schema.field(signal).type)
    return Type.from_arrow(pa.struct([schema.field(name) for name in fields]))


def value_column(signal: str, table: pa.Table, type_: Type) -> Column:
    """Return the values of a table as a column of `type_`, which is theirs."""
    fields = value_fields(signal, table.schema)
    if fields is None:
        return normalise(table.column(signal), type_.physical)
    children = [
        normalise(table.column(name), physical) for name, (_, physical) in zip(fields, type_.physical[1], strict=True)
    ]
    return Column(type_.physical, table.num_rows, children=children)


def match_type(signal: str, found: Type, expected: Type, *, is_named: bool) -> Type:
    """Return the type under which records of type `found` join a signal of type `expected`; nulls alone fit any.

    Args:
        signal: The signal's name.
        found: What the values are.
        expected: What the signal is.
        is_named: Whether the caller gave `found` its name; else only how values are stored must agree.

    Raises:
        SignalTypeError: If they do not fit.
    """
    if not nulls_fit(found.physical, expected.physical) or (is_named and found != expected):
        raise SignalTypeError(signal=signal, expected=str(expected), found=str(found))
    return expected


def checked_sources(sources: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return sources as plain strings, having checked that each is a pointer.

    Raises:
        PointerError: For the first that is null, empty, longer than 1,100 bytes, or no UTF-8.
    """
    if sources.type not in _PLAIN_TEXT:
        sources = sources.cast(pa.large_string())
    if sources.null_count:
        raise PointerError(pointer="(null)", rule="a source cannot be null")
    if len(sources) == 0:
        return sources
    lengths = pc.binary_length(sources)
    bounds = pc.min_max(lengths).as_py()
    if bounds["min"] == 0:
        raise PointerError(pointer="", rule="a source cannot be empty")
    if bounds["max"] > MAX_POINTER_BYTES:
        at = pc.index(lengths, bounds["max"]).as_py()
        rule = f"it has {bounds['max']:,} bytes, a pointer at most {MAX_POINTER_BYTES:,}"
        raise PointerError(pointer=str(sources[at]), rule=rule)
    try:
        sources.validate(full=True)
    except pa.ArrowInvalid as err:
        raise PointerError(pointer="(not text)", rule=f"it is no UTF-8: {err}") from err
    return sources


def check_values(signal: str, sources: Keys, values: Column) -> None:
    """Check what every stored value must be, whoever made it.

    Raises:
        RecordTooLargeError: If a record weighs more than 256 KiB.
        EncodedImageError: If a value looks like an encoded image.
    """
    if values.length == 0:
        return
    weights = values.weights()
    heaviest = weights if isinstance(weights, int) else int(weights.max())
    if heaviest > MAX_RECORD_BYTES:
        row = 0 if isinstance(weights, int) else int(np.argmax(weights))
        raise RecordTooLargeError(
            signal=signal, pointer=sources[row].decode(), size_bytes=heaviest, limit_bytes=MAX_RECORD_BYTES
        )
    image = find_encoded_image(values)
    if image is not None:
        raise EncodedImageError(signal=signal, pointer=sources[image[0]].decode(), format=image[1])


def repeated(sources: pa.ChunkedArray | pa.Array) -> list[str]:
    """Return the sources that a sorted column has several times, each once, in order."""
    n = len(sources)
    if n < 2:
        return []
    equal = pc.equal(sources.slice(0, n - 1), sources.slice(1))
    return list(dict.fromkeys(sources.slice(1).filter(equal).to_pylist()))


class SourceColumn:
    """The sources of one table, checked and in order, with the rows that they come from.

    Made once for a table and kept, so that the signals of one table are hashed and cut with the same `Keys`.
    """

    def __init__(self, signal: str, sources: pa.ChunkedArray) -> None:
        self._sources = sources  # keeps the buffers, and with them their addresses, alive
        self.order: npt.NDArray[np.int64] | None = None
        """The rows in order of their sources; None when they are in order already."""
        keys = Keys.of(checked_sources(sources))
        if not keys.ascending:
            self.order = pc.sort_indices(keys.arrow).to_numpy().astype(np.int64)
            keys = keys.take(self.order)
            if found := repeated(keys.arrow):
                raise DuplicateSourceError(signal=signal, pointers=found[:SHOWN_DUPLICATES], n_duplicates=len(found))
        self.keys = keys

    def is_of(self, sources: pa.ChunkedArray) -> bool:
        """Tell whether these sources are the same ones: of the same type, in the same buffers."""
        return _identity(sources) == _identity(self._sources)


def _identity(sources: pa.ChunkedArray) -> list[tuple[object, ...]]:
    if sources.type not in _PLAIN_TEXT:
        return [(id(sources),)]
    return [
        (str(chunk.type), chunk.offset, len(chunk), *((b.address, b.size) if b else None for b in chunk.buffers()))
        for chunk in sources.chunks
    ]
