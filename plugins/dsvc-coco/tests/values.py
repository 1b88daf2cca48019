"""Types and values that the tests are written with."""

import pyarrow as pa

BOX = pa.struct([*((name, pa.float64()) for name in ("x", "y", "w", "h", "score")), ("label", pa.string())])
POINT = pa.struct([(name, pa.float64()) for name in ("x", "y", "score")])


def box(x, y, w, h, score=None, label="face"):
    """Return a box."""
    return {"x": x, "y": y, "w": w, "h": h, "score": score, "label": label}


def point(x, y, score=None):
    """Return a keypoint."""
    return {"x": x, "y": y, "score": score}
