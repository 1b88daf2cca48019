import pytest

from dsvc.feeds.formats import ABSENT, HELD, SignalReader
from dsvc.feeds.held import Cause
from dsvc.objects.arrays import to_arrow
from dsvc.recipe.spec import SignalSpec
from dsvc.recipe.versions import VersionRange

FUNCTIONS = {"old:first": lambda value: value[0], "old:none": lambda value: None}


def read(spec, *batches):
    """Return what a signal takes of batches of documents."""
    reader = SignalReader(SignalSpec("x", "images", **spec), FUNCTIONS.__getitem__, None)
    first = 0
    for batch in batches:
        reader.add(batch, first)
        first += len(batch)
    return reader.finish()


def values(taken):
    """Return the value of each document that takes part; `ABSENT` or `HELD` where it has none."""
    column = to_arrow(taken.values).to_pylist()
    return [column[at] if at >= 0 else at for at in taken.at.tolist()]


def ranges(**formats):
    """Return adapters by range."""
    return tuple((VersionRange.parse(text), name) for text, name in formats.items())


def test_values_keep_their_place_among_documents():
    """Over batches, absent ones and nulls."""
    taken = read({"value": "a.b"}, [{"a": {"b": 1}}, {}, {"a": {"b": None}}], [{"a": 1}, {"a": {"b": 2}}])

    assert ([1, ABSENT, None, ABSENT, 2], None) == (values(taken), taken.rows)


def test_fields_make_a_struct():
    """Of all fields of the mapping, null where a document lacks one; without any there is no value."""
    taken = read({"fields": (("n", "a"), ("z", "b"))}, [{"a": 1}, {"c": 5}, {"a": None, "b": "x"}])

    assert [{"n": 1, "z": None}, ABSENT, {"n": None, "z": "x"}] == values(taken)


def test_a_field_that_no_document_has_is_part_of_the_type():
    """So that it can still become anything."""
    assert "struct<n: int64, z: null>" == str(read({"fields": (("n", "a"), ("z", "b"))}, [{"a": 1}]).type)


def test_only_tells_which_documents_take_part():
    """By their numbers over all batches."""
    taken = read(
        {"value": "a", "only": {"k": "x"}}, [{"k": "x", "a": 1}, {"k": "y", "a": 2}], [{"a": 3}, {"k": "x", "a": 4}]
    )

    assert ([0, 3], [1, 4]) == (taken.rows.tolist(), values(taken))


@pytest.mark.parametrize(
    "version, expected",
    [("1.5", "1.5"), (2, "2"), (2.5, "2.5"), (None, "0")],
    ids=["text", "integer", "double", "null"],
)
def test_a_version_is_text(version, expected):
    """A number is written out; nothing is version 0."""
    taken = read({"value": "a", "version": "v"}, [{"a": 1, "v": version}, {"a": 2}])

    assert [expected, "0"] == [taken.versions[index] for index in taken.version_of]


def test_what_is_no_version_is_held():
    """No range can have it."""
    taken = read({"value": "a", "version": "v"}, [{"a": 1, "v": {"major": 1}}, {"a": 1, "v": "2"}])

    assert [HELD, 1] == values(taken)
    assert (Cause.REFUSED, "its version is neither a text nor a number") == (taken.held[0].cause, taken.held[0].why)


def test_the_first_range_that_has_a_version_adapts_it():
    """And `accept` comes before all of them."""
    spec = {
        "value": "a",
        "version": "v",
        "accept": VersionRange.parse("<5"),
        "formats": ranges(**{"<2": "old:first", "<3": "old:none"}),
    }
    documents = [{"a": [i], "v": version} for i, version in enumerate(["1", "2", "3", "5"])]
    taken = read(spec, documents)

    assert [0, None, HELD, HELD] == values(taken)  # a list beside a number does not fit
    assert {2: Cause.FORMAT, 3: Cause.VERSION} == {place: held.cause for place, held in taken.held.items()}


def test_an_adapter_that_raises_holds_its_value_alone():
    """With its name and what it raised."""
    taken = read({"value": "a", "formats": ranges(**{"*": "old:first"})}, [{"a": [1]}, {"a": []}, {"a": [3]}])

    assert [1, HELD, 3] == values(taken)
    assert ("old:first failed on a list: IndexError: list index out of range", []) == (
        taken.held[1].why,
        taken.held[1].value,
    )


def test_content_ids_are_those_of_the_documents_that_take_part():
    """As text; null where a document does not say."""
    spec = {"value": "a", "content_id": "e", "only": {"k": 1}}
    taken = read(spec, [{"k": 1, "a": 1, "e": "x"}, {"k": 2, "e": "y"}, {"k": 1, "e": 7}, {"k": 1}])

    assert ["x", "7", None] == taken.content_ids.to_pylist()


def test_no_documents_are_no_values():
    """Whatever the section says."""
    for spec in ({"value": "a"}, {"value": "a", "only": {"k": 1}, "version": "v", "content_id": "e"}):
        assert (0, []) == (read(spec).values.length, values(read(spec, [])))


def test_a_producer_adapts_what_no_range_has():
    """By the version; ranges of the recipe come first, and what it fails on is held alone, with its name."""

    def adapt(version, raw):
        if raw == "torn":
            raise ValueError("no such output")
        return f"{version}:{raw}"

    spec = SignalSpec("x", "images", value="a", version="v", producer="detector", formats=ranges(**{"<2": "old:first"}))
    reader = SignalReader(spec, FUNCTIONS.__getitem__, None, adapt)
    outputs = [("1", ["one"]), ("2", "two"), ("3", "torn"), ("3", "three")]
    reader.add([{"v": version, "a": output} for version, output in outputs], 0)
    taken = reader.finish()

    assert ["one", "2:two", HELD, "3:three"] == values(taken)
    held = taken.held[2]
    assert (Cause.ADAPTER, "torn") == (held.cause, held.value)
    assert "the producer 'detector' failed on a string: ValueError: no such output" == held.why


def test_a_producer_is_not_asked_of_nulls():
    """A null is a null in every format, and what is not there stays absent."""
    spec = SignalSpec("x", "images", value="a", version="v", producer="detector")
    reader = SignalReader(spec, FUNCTIONS.__getitem__, None, lambda version, raw: raw + 1)
    reader.add([{"v": "1", "a": None}, {"v": "1"}, {"v": "1", "a": 1}], 0)

    assert [None, ABSENT, 2] == values(reader.finish())
