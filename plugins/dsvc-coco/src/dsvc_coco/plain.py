"""Values of columns that COCO has no place for, as JSON: they go along with their image.

Numbers, texts and truth values are themselves, NaN and the infinities null; dates and times are ISO 8601, binary is
base64, decimals are text, durations seconds; lists and structs hold their parts.
"""

from __future__ import annotations

import math
from base64 import b64encode
from datetime import date, time, timedelta
from typing import Any


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return str(value)
