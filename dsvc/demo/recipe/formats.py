"""Adapters from a worker's own format to a type of dsvc."""

from typing import Any


def detector_v1(rows: list[list[float]]) -> list[dict[str, Any]]:
    """Turn rows of x, y, width, height, score into boxes."""
    return [dict(zip(("x", "y", "w", "h", "score"), row, strict=True)) for row in rows]
