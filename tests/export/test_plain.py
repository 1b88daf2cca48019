from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from dsvc.export.plain import is_text_safe, plain_values

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC).replace(tzinfo=None)


CASES = [
    (pa.array([1, None], pa.uint64()), [1, None]),
    (pa.array([True, None]), [True, None]),
    (pa.array([1.5, None], pa.float16()), [1.5, None]),
    (pa.array(["é", None]), ["é", None]),
    (pa.array([b"\x00\xff", None]), ["AP8=", None]),
    (pa.array([b"ab", None], pa.binary(2)), ["YWI=", None]),
    (pa.array([Decimal("1.50"), None]), ["1.50", None]),
    (pa.array([date(2026, 1, 2), None]), ["2026-01-02", None]),
    (pa.array([date(2026, 1, 2)], pa.date64()), ["2026-01-02"]),
    (pa.array([time(1, 2, 3)], pa.time32("s")), ["01:02:03"]),
    (pa.array([WHEN, None], pa.timestamp("us")), ["2026-01-02T03:04:05.678901", None]),
    (pa.array([1], pa.timestamp("ns")), ["1970-01-01T00:00:00.000000001"]),
    (pa.array([WHEN.replace(tzinfo=UTC)], pa.timestamp("us", "+02:00")), ["2026-01-02T03:04:05.678901Z"]),
    (pa.array([timedelta(seconds=2)], pa.duration("ms")), [2000]),
    (pa.array([[1, None], [], None]), [[1, None], [], None]),
    (pa.array([[b"a"], None], pa.list_(pa.binary(), 1)), [["YQ=="], None]),
    (pa.array([{"b": [date(2026, 1, 2)], "a": None}, None]), [{"b": ["2026-01-02"], "a": None}, None]),
    (pa.nulls(2), [None, None]),
    (pa.array(["x", "y"]).dictionary_encode(), ["x", "y"]),
    (pa.chunked_array([[1], [2]]), [1, 2]),
    (pa.array([[1], [2, 3], [4]]).slice(1, 1), [[2, 3]]),
]


@pytest.mark.parametrize("array, expected", CASES, ids=[f"{i}-{array.type}" for i, (array, _) in enumerate(CASES)])
def test_values_become_plain(array, expected):
    """Each type has one form in text formats, wherever it is nested."""
    assert expected == plain_values(array)


@pytest.mark.parametrize("type_", [pa.int8(), pa.float64(), pa.bool_(), pa.string(), pa.null()])
def test_what_text_tables_hold_as_it_is(type_):
    """Numbers, truth values and text need no other form."""
    assert is_text_safe(type_)


@pytest.mark.parametrize("type_", [pa.binary(), pa.list_(pa.int8()), pa.struct([]), pa.timestamp("us"), pa.float16()])
def test_what_text_tables_do_not_hold(type_):
    """Everything else is written in its plain form."""
    assert not is_text_safe(type_)
