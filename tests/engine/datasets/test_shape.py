"""Types that `unnest` and `image` need."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dsvc.errors import RecipeError

BOX = pa.struct([(name, pa.float64()) for name in "xywh"])
ONE = {"x": 1.0, "y": 1.0, "w": 2.0, "h": 2.0}
RECIPE = '[dataset.d]\ncolumns = {{ n = "n", faces = "faces", box = "faces[1]", none = "gone" }}\n{more}\n'


@pytest.fixture
def faces(bench):
    """Boxes and a number."""
    bench.put("faces", {"a": [ONE], "b": []}, type_=pa.list_(BOX))
    bench.put("n", {"a": 1})
    bench.known.add("gone")
    return bench


@pytest.mark.parametrize(
    "more",
    [
        'unnest = "faces"',
        'unnest = "faces"\nimage = { crop = "faces" }',
        'image = { crop = "box" }',
        "image = { size = [2, 2] }",
        'unnest = "none"\nimage = { crop = "none" }',
    ],
)
def test_what_fits_is_taken(faces, more):
    """Also a column of which nothing is known."""
    faces.write(RECIPE.format(more=more))

    assert "made" == faces.run().datasets[0].status


@pytest.mark.parametrize(
    "more,key,found",
    [
        ('unnest = "n"', "dataset.d.unnest", "'n' of type int64"),
        ('unnest = "box"', "dataset.d.unnest", "'box' of type struct<x: float64"),
        ('image = { crop = "n" }', "dataset.d.image.crop", "'n' of type int64"),
        ('image = { crop = "faces" }', "dataset.d.image.crop", "'faces' of type list<"),
    ],
)
def test_what_does_not_fit_is_refused(faces, more, key, found):
    """With its key and the type that is there."""
    faces.write(RECIPE.format(more=more))

    with pytest.raises(RecipeError) as caught:
        faces.run()

    assert key == caught.value.key
    assert caught.value.found.startswith(found)
    assert ("unnest" in (caught.value.hint or "")) == ("list" in found)
