"""Arrow layouts that mean the same: values in buffers that hold more than they must, in every encoding there is.

Values are as Python holds them, integers for dates, times and decimals. Everything here follows from a `Random`, so
that thousands of cases cost little; the strategies in `dsvc.testing` draw fewer, and shrink.
"""

import decimal
import math
from itertools import pairwise
from random import Random

import numpy as np
import pyarrow as pa

from dsvc.objects.types import Type

MAX_DEPTH = 3
DAY_MS = 86_400_000
INTEGERS = {
    **{f"int{bits}": range(-(2 ** (bits - 1)), 2 ** (bits - 1)) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": range(2**bits) for bits in (8, 16, 32, 64)},
    "date32": range(-(2**31), 2**31),
    "date64": range(-DAY_MS * 10**6, DAY_MS * 10**6, DAY_MS),
    "time32": range(86_400),
    "time64": range(86_400 * 10**9),
    "timestamp": range(-(2**63), 2**63),
    "duration": range(-(2**63), 2**63),
}
FLOATS = {"float16": (np.float16, 10), "float32": (np.float32, 23), "float64": (np.float64, 52)}
"""The numpy type, and the bits of its mantissa."""
WORDS = ("", "a", "face", "größer", "e\u0301", "\u00e9", "\U0001f600", "nul\0nul", "x" * 40)
LEAVES = (
    ("null",),
    ("bool",),
    *((name,) for name in INTEGERS if "int" in name or "date" in name),
    *((name,) for name in FLOATS),
    ("string",),
    ("binary",),
    ("fixed_binary", 0),
    ("fixed_binary", 3),
    ("time32", "s"),
    ("time64", "ns"),
    *(("timestamp", unit, "") for unit in ("s", "ms", "us", "ns")),
    ("timestamp", "us", "Europe/Berlin"),
    ("duration", "ms"),
    ("decimal128", 9, 2),
    ("decimal128", 38, 0),
    ("decimal256", 60, 5),
)


def make_type(random: Random, depth: int = 0):
    """Return a random physical type, nested."""
    if depth == MAX_DEPTH or random.random() < 0.5:
        return random.choice(LEAVES)
    kind = random.choice(("list", "fixed_list", "struct"))
    if kind == "list":
        return ("list", make_type(random, depth + 1))
    if kind == "fixed_list":
        return ("fixed_list", random.randrange(4), make_type(random, depth + 1))
    return ("struct", tuple((f"f{i}", make_type(random, depth + 1)) for i in range(random.randrange(4))))


def make_values(physical, n_rows: int, random: Random, nulls: float = 0.2) -> list:
    """Return random values of a type; `nulls` is the share of nulls at each level."""
    return [_make_value(physical, random, nulls) for _ in range(n_rows)]


def _make_value(physical, random, nulls):
    kind = physical[0]
    if kind == "null" or random.random() < nulls:
        return None
    if kind == "bool":
        return random.random() < 0.5
    if kind in INTEGERS:
        span = INTEGERS[kind]
        return random.choice((0, span[0], span[-1], random.randrange(span.start, span.stop, span.step)))
    if kind in FLOATS:
        return random.choice((0.0, -0.0, math.nan, math.inf, -math.inf, 1.5, -0.25))
    if kind.startswith("decimal"):
        most = 10 ** physical[1] - 1
        return random.choice((0, -1, most, -most, random.randint(-most, most)))
    if kind == "string":
        return random.choice(WORDS)
    if kind == "binary":
        return random.randbytes(random.choice((0, 1, 5, 12, 13, 30)))
    if kind == "fixed_binary":
        return random.randbytes(physical[1])
    if kind == "list":
        return make_values(physical[1], random.choice((0, 1, 2, 5)), random, nulls)
    if kind == "fixed_list":
        return make_values(physical[2], physical[1], random, nulls)
    return {name: _make_value(child, random, nulls) for name, child in physical[1]}


def plain(physical, values) -> pa.Array:
    """Return values as Arrow lays them out by itself."""
    return pa.array([_for_arrow(physical, value) for value in values], Type(physical).arrow)


def _for_arrow(physical, value):
    kind = physical[0]
    if value is None:
        return None
    if kind == "float16":
        return np.float16(value)
    if kind.startswith("decimal"):
        with decimal.localcontext() as context:
            context.prec = 80
            return decimal.Decimal(value).scaleb(-physical[2])
    if kind == "list":
        return [_for_arrow(physical[1], item) for item in value]
    if kind == "fixed_list":
        return [_for_arrow(physical[2], item) for item in value]
    if kind == "struct":
        return {name: _for_arrow(child, value[name]) for name, child in physical[1]}
    return value


def mangled(physical, values, random: Random) -> pa.Array:
    """Return values in a layout that means the same as the plain one."""
    layout = random.random()
    if layout < 0.1 and physical != ("null",):
        return _as_dictionary(physical, values, random)
    if layout < 0.2 and values:
        return _as_runs(physical, values, random)
    # Rows before and after, which are sliced away.
    before = make_values(physical, random.choice((0, 0, 1, 8, 13)), random)
    after = make_values(physical, random.choice((0, 0, 3)), random)
    array = _laid_out(physical, [*before, *values, *after], random)
    return array.slice(len(before), len(values)) if before or after else array


def chunked(physical, values, random: Random) -> pa.ChunkedArray:
    """Return values in chunks of one Arrow type, some of them empty."""
    cuts = sorted(random.randint(0, len(values)) for _ in range(random.randint(0, 4)))
    parts = [values[start:stop] for start, stop in pairwise([0, *cuts, len(values)])]
    arrays = [mangled(physical, part, random) for part in parts]
    if any(array.type != arrays[0].type for array in arrays):
        arrays = [plain(physical, part) for part in parts]
    return pa.chunked_array(arrays)


def _as_dictionary(physical, values, random):
    """Return values as indexes into shuffled entries, of which some are null, equal or in no row."""
    entries = [*values, None, *make_values(physical, random.randint(0, 3), random)]
    order = random.sample(range(len(entries)), len(entries))
    place = {entry: at for at, entry in enumerate(order)}
    # A null is hidden by the index, or points at a null entry.
    rows = [random.choice((None, place[i])) if value is None else place[i] for i, value in enumerate(values)]
    dictionary = mangled(physical, [entries[i] for i in order], random)
    if isinstance(dictionary, pa.DictionaryArray | pa.RunEndEncodedArray):
        dictionary = plain(physical, [entries[i] for i in order])
    width = random.choice((pa.int16(), pa.int32(), pa.uint16(), pa.int64()))
    return pa.DictionaryArray.from_arrays(pa.array(rows, width), dictionary)


def _as_runs(physical, values, random):
    """Return values in runs, of which the first and last begin before and end after the values."""
    before, after = random.randint(0, 3), random.randint(0, 3)
    rows = [values[0]] * before + list(values) + [values[-1]] * after
    ends = [i + 1 for i in range(len(rows)) if i + 1 == len(rows) or rows[i] is not rows[i + 1]]
    entries = [rows[end - 1] for end in ends]
    inner = mangled(physical, entries, random)
    if isinstance(inner, pa.RunEndEncodedArray):
        inner = plain(physical, entries)
    width = random.choice((pa.int16(), pa.int32(), pa.int64()))
    array = pa.RunEndEncodedArray.from_arrays(ends, inner, pa.run_end_encoded(width, inner.type))
    return array.slice(before, len(values))


def _laid_out(physical, values, random):
    """Return values in buffers that hold more than they must."""
    kind, n = physical[0], len(values)
    if kind == "null":
        return pa.nulls(n)
    valid = [value is not None for value in values]
    validity = None if all(valid) and random.random() < 0.5 else _bitmap(valid, random)
    if kind in ("string", "binary"):
        return _strings(kind, values, validity, random)
    if kind == "list":
        return _lists(physical[1], values, validity, random)
    if kind == "fixed_list":
        size, item = physical[1], physical[2]
        filled = [make_values(item, size, random) if value is None else value for value in values]
        child = mangled(item, [one for value in filled for one in value], random)
        return pa.Array.from_buffers(pa.list_(child.type, size), n, [validity], children=[child])
    if kind == "struct":
        children = []
        for name, item in physical[1]:
            hidden = make_values(item, n, random)
            shown = [hidden[i] if value is None else value[name] for i, value in enumerate(values)]
            children.append(mangled(item, shown, random))
        arrow = pa.struct([(name, child.type) for (name, _), child in zip(physical[1], children, strict=True)])
        return pa.Array.from_buffers(arrow, n, [validity], children=children)
    return _fixed(physical, values, validity, random)


def _bitmap(bits, random):
    """Return a bitmap with garbage after its last bit, in that byte and in more."""
    tail = [random.random() < 0.5 for _ in range(random.randrange(20))]
    return pa.py_buffer(np.packbits(np.array([*bits, *tail], np.uint8), bitorder="little").tobytes())


def _fixed(physical, values, validity, random):
    kind, arrow = physical[0], Type(physical).arrow
    if kind == "bool":
        bits = [random.random() < 0.5 if value is None else value for value in values]
        return pa.Array.from_buffers(arrow, len(values), [validity, _bitmap(bits, random)])
    width = arrow.bit_width // 8
    if kind == "decimal128" and physical[1] <= 9 and hasattr(pa, "decimal32") and random.random() < 0.5:
        arrow, width = pa.decimal32(physical[1], physical[2]), 4
    data = b"".join(_fixed_bytes(kind, width, value, random) for value in values)
    over = random.randbytes(random.choice((0, 1, 7, 64)))
    return pa.Array.from_buffers(arrow, len(values), [validity, pa.py_buffer(data + over)])


def _fixed_bytes(kind, width, value, random):
    if value is None:
        return random.randbytes(width)
    if kind in FLOATS:
        return _some_nan(kind, width, random) if math.isnan(value) else FLOATS[kind][0](value).tobytes()
    if kind == "fixed_binary":
        return value
    return value.to_bytes(width, "little", signed=not kind.startswith("uint"))


def _some_nan(kind, width, random):
    """Return one of the many NaNs: any sign, any payload, quiet or not."""
    mantissa = FLOATS[kind][1]
    exponent = (1 << (8 * width - 1 - mantissa)) - 1
    bits = random.getrandbits(1) << (8 * width - 1) | exponent << mantissa | random.randint(1, (1 << mantissa) - 1)
    return bits.to_bytes(width, "little")


def _strings(kind, values, validity, random):
    """Return strings with bytes before, between (under null) and after them, as plain, large or view."""
    shown = [value.encode() if isinstance(value, str) else value for value in values]
    view = getattr(pa, f"{kind}_view", None)
    if view is not None and random.random() < 0.3:
        return _string_views(view(), shown, validity, random)
    filled = [b"garbage"[: random.randrange(8)] if value is None else value for value in shown]
    before, after = b"before"[: random.randrange(7)], b"after"[: random.randrange(6)]
    large = random.random() < 0.4
    offsets = np.cumsum([len(before), *map(len, filled)]).astype("<i8" if large else "<i4").tobytes()
    over = random.randbytes(random.choice((0, 3, 16)))
    data = before + b"".join(filled) + after
    arrow = getattr(pa, f"large_{kind}" if large else kind)()
    return pa.Array.from_buffers(arrow, len(values), [validity, pa.py_buffer(offsets + over), pa.py_buffer(data)])


def _string_views(arrow, values, validity, random):
    """Return strings as views into two buffers that hold other bytes as well; a view under null points nowhere."""
    buffers = [bytearray(b"other rows"), bytearray()]
    views = bytearray()
    for value in values:
        if value is None:
            views += random.randbytes(16)
        elif len(value) <= 12:
            views += len(value).to_bytes(4, "little") + value.ljust(12, b"\0")
        else:
            number = random.randrange(2)
            where = number.to_bytes(4, "little") + len(buffers[number]).to_bytes(4, "little")
            views += len(value).to_bytes(4, "little") + value[:4] + where
            buffers[number] += value
    data = [pa.py_buffer(bytes(buffer)) for buffer in (views, *buffers)]
    try:
        return pa.Array.from_buffers(arrow, len(values), [validity, *data])
    except ValueError:  # the first Arrow with views takes no more than two buffers here
        return pa.array(values, arrow)


def _lists(item, values, validity, random):
    """Return lists with items before, between (under null) and after them, as plain, large or view."""
    filled = [make_values(item, random.randrange(3), random) if value is None else value for value in values]
    large = random.random() < 0.4
    word = "<i8" if large else "<i4"
    if hasattr(pa, "list_view") and random.random() < 0.3:
        return _list_views(item, values, filled, validity, word, random)
    before, after = (make_values(item, random.randrange(3), random) for _ in range(2))
    child = mangled(item, [*before, *(one for value in filled for one in value), *after], random)
    offsets = np.cumsum([len(before), *map(len, filled)]).astype(word).tobytes()
    arrow = pa.large_list(child.type) if large else pa.list_(child.type)
    return pa.Array.from_buffers(arrow, len(values), [validity, pa.py_buffer(offsets)], children=[child])


def _list_views(item, values, filled, validity, word, random):
    """Return lists whose items lie in another order than the rows, and overlap under null."""
    items = []
    starts = [0] * len(values)
    for row in random.sample(range(len(values)), len(values)):
        starts[row] = len(items)
        items += filled[row]
    # Arrow wants even what a null row spans within the items.
    spans = [random.randint(0, len(items) - start) for start in starts]
    sizes = [span if value is None else len(value) for value, span in zip(values, spans, strict=True)]
    child = mangled(item, items, random)
    arrow = pa.large_list_view(child.type) if word == "<i8" else pa.list_view(child.type)
    numbers = [pa.py_buffer(np.array(column, word).tobytes()) for column in (starts, sizes)]
    return pa.Array.from_buffers(arrow, len(values), [validity, *numbers], children=[child])
