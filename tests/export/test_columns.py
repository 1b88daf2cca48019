from dsvc.export.columns import ColumnReader
from dsvc.objects.join import take_joined
from dsvc.objects.keys import Keys
from dsvc.recipe.paths import InputPath


def bind(view, keys, *paths):
    """Return what paths name of some sources, as lists."""
    reader = ColumnReader(view, [InputPath.parse(path) for path in paths])
    rows = take_joined([*reader.trees.values()], Keys.of_bytes(keys), provenance=reader.has_circumstances)
    return {str(path): values.to_pylist() for path, values in reader.bind(rows).items()}


def test_values_fields_and_circumstances(faces):
    """A path names a value, a field of it, or who made the record; null where there is none."""
    found = bind(
        faces.view("@draft"), [b"s3://a", b"s3://b", b"s3://z"], "box", "box.x", "spoof._version", "box._origin"
    )
    assert {
        "box": [{"x": 1.5, "label": "face"}, None, None],
        "box.x": [1.5, None, None],
        "spoof._version": [None, "2.1", None],
        "box._origin": ["import", None, None],
    } == found


def test_provenance_is_read_only_where_it_is_named(faces):
    """Paths to values alone need no provenance."""
    view = faces.view("@draft")
    assert not ColumnReader(view, [InputPath.parse("box.x")]).has_circumstances
    assert ColumnReader(view, [InputPath.parse("box._state")]).has_circumstances


def test_no_rows(faces):
    """The types of what is named are known from no rows at all."""
    paths = [InputPath.parse("box.x"), InputPath.parse("nothing"), InputPath.parse("box._version")]
    types = [str(values.type) for values in ColumnReader(faces.view("@draft"), paths).empty().values()]
    assert ["double", "null", "string"] == types
