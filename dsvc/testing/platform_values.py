"""Forms and values that the contract of platforms is tried with: one of each type, and what is hard about it."""

from __future__ import annotations

import itertools
from typing import Any, Final

from dsvc.plugins.platforms import TaskForm

WIDTH, HEIGHT = 641, 479
"""Of the image in every question; neither divides a grid evenly."""
NUMBERS: Final = itertools.count(1)
"""No two forms have the same."""


def a_form(type_: str = "rating(5)", **fields: Any) -> TaskForm:
    """Return a form that no test had before."""
    return TaskForm(f"task_{next(NUMBERS)}", "1", type_, **fields)


def box(x: float, y: float, w: float, h: float, label: str | None = None) -> dict[str, Any]:
    """Return a box as a value has it."""
    return {"x": x, "y": y, "w": w, "h": h, "label": label}


def point(x: float, y: float) -> dict[str, Any]:
    """Return a point as a value has it."""
    return {"x": x, "y": y}


VALUES: dict[str, tuple[TaskForm, Any]] = {
    "boxes": (a_form("boxes"), [box(0.0625, 1.5, 100.9375, 33), box(639.9375, 477.5, 1.0625, 1.5)]),
    "boxes-labels": (a_form("boxes", labels=("face", "hand")), [box(1, 2, 3, 4, "hand"), box(7, 7, 7, 7.5, "face")]),
    "no-boxes": (a_form("boxes"), []),
    "keypoints": (
        a_form("keypoints(3)", labels=("left eye", "right eye", "nose")),
        [[point(10.0625, 20), None, point(641, 479)], [point(1, 1), point(2, 2.9375), None]],
    ),
    "class": (a_form("class(live, spoof)"), "spoof"),
    "rating": (a_form("rating(5)"), 4),
    "text": (a_form("text"), "a 'quoted' word, and ünïcödé"),
}
