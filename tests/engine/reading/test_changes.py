"""Which sources have other inputs than a trace had."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.reading.changes import CAME, FAILED, GONE, bit_of, iter_changed, iter_keys
from dsvc.engine.reading.inputs import Input, Inputs
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from tests.engine.signals import INT, new_writer, signal_of, write_signal

STRUCT = parse_type("struct<f: int64, g: int64>")


def bind(writer, version, required, producer="p"):
    """Bind `x.f`, `x.g` and `y` to records."""
    x, y = write_signal(writer, version[0], STRUCT, producer), write_signal(writer, version[1], INT, producer)
    items = [(InputPath("x", ("f",)), x), (InputPath("x", ("g",)), x), (InputPath("y"), y)]
    return Inputs(writer, [Input(path, str(path) in required, *signal) for path, signal in items])


def changed(before, after, *, required=("x.f", "x.g", "y"), waiting=None, rows=3):
    """Return source -> bits of what differs."""
    writer = new_writer()
    old, new = bind(writer, before, required), bind(writer, after, required)
    who = None if waiting is None else signal_of(writer, waiting)
    return {
        key.decode(): int(bits)
        for run in iter_changed(old, new, who, rows)
        for key, bits in zip(run.keys, run.bits, strict=True)
    }


def test_only_the_field_that_is_named_counts():
    """Bits tell which inputs differ; a change of another field is none."""
    before = {"a": {"f": 1, "g": 1}, "b": {"f": 1, "g": 1}, "c": {"f": 1, "g": 1}}
    after = {"a": {"f": 2, "g": 1}, "b": {"f": 2, "g": 2}, "c": {"f": 1, "g": 1}}

    assert {"a": 0b001, "b": 0b011} == changed((before, {}), (after, {}))


def test_records_that_came_and_went():
    """A record of a required input that came is marked so; one of null is a record."""
    assert {"a": CAME | 0b100, "b": 0b100} == changed(({}, {"b": None}), ({}, {"a": None}))


def test_a_null_of_an_optional_input_is_as_good_as_none():
    """A step sees a null either way."""
    some = {"z": {"f": 1, "g": 1}}

    assert {"b": 0b100} == changed((some, {"b": 1}), (some, {"a": None}), required=("x.f",))


def test_where_all_is_optional_a_null_makes_a_record():
    """A source has a record of the step as soon as it has any record of an input."""
    assert {"a": CAME | 0b100} == changed(({}, {}), ({}, {"a": None}), required=())


def test_equal_values_are_no_change():
    """Another producer of equal values is not seen."""
    writer = new_writer()
    version = ({"a": {"f": 1, "g": 1}}, {"a": 1})

    old, new = (bind(writer, version, ("y",), producer) for producer in "pq")

    assert [] == list(iter_changed(old, new))


def test_circumstances_change_with_provenance():
    """An input that names the producer sees another one, and nothing else does."""
    writer = new_writer()
    old, new = (
        Inputs(writer, [Input(InputPath("y", (), "_producer"), True, *write_signal(writer, {"a": 1, "b": 2}, INT, p))])
        for p in "pq"
    )

    assert [b"a", b"b"] == [key for run in iter_changed(old, new) for key in run.keys]
    assert [] == list(iter_changed(new, new))


def test_a_retyped_signal_is_compared_by_what_is_named():
    """A field that kept type and bits is the same although the struct around it is another."""
    writer = new_writer()
    wide = parse_type("struct<f: int64, g: string, h: bool>")
    before = write_signal(writer, {"a": {"f": 1, "g": 1}, "b": {"f": 1, "g": 1}}, STRUCT)
    records = {"a": {"f": 1, "g": "1", "h": True}, "b": {"f": 2, "g": "1", "h": True}}
    after = write_signal(writer, records, wide)
    paths = [InputPath("x", (name,)) for name in "fgh"]
    old, new = (Inputs(writer, [Input(path, True, *signal) for path in paths]) for signal in (before, after))

    found = {key: int(bits) for run in iter_changed(old, new) for key, bits in zip(run.keys, run.bits, strict=True)}

    assert {b"a": 0b110, b"b": 0b111} == found


def test_who_failed_is_told_too():
    """Sources that a trace does not answer for come with those that changed."""
    records = {"a": {"f": 1, "g": 1}}

    assert {"a": FAILED | 0b001, "q": FAILED} == changed(
        (records, {}), ({"a": {"f": 2, "g": 1}}, {}), waiting={"a": 0, "q": 0}
    )


values = st.none() | st.integers(0, 2)
structs = st.dictionaries(st.sampled_from("abcdef"), st.none() | st.fixed_dictionaries({"f": values, "g": values}))
numbers = st.dictionaries(st.sampled_from("abcdef"), values)


@given(
    st.tuples(structs, numbers), st.tuples(structs, numbers), st.sets(st.sampled_from(["x.f", "y"])), st.integers(1, 4)
)
def test_what_is_not_told_is_the_same_for_the_step(before, after, required, rows):
    """Every source whose inputs differ for the step is told, with the inputs that do."""
    told = changed(before, after, required=required, rows=rows)

    for source in "abcdef":
        seen = [_seen(version, source) for version in (before, after)]
        differs = sum(1 << i for i in range(3) if seen[0][i] != seen[1][i])
        assert differs & told.get(source, 0) == differs
        if source in told and required and "x.f" not in required:
            assert differs or (source in before[1]) != (source in after[1])


def _seen(version, source):
    x = version[0].get(source) or {"f": None, "g": None}
    return x["f"], x["g"], version[1].get(source)


def test_sources_that_came_and_went_are_told():
    """For a step that has a record for every source: those of all signals together, whichever has them."""
    writer = new_writer()

    def bind_sources(signals):
        sources = {name: write_signal(writer, dict.fromkeys(held, value)) for name, (held, value) in signals.items()}
        return Inputs(writer, [Input(InputPath("x"), False)], sources=sources)

    before = bind_sources({"u": ("abc", 1), "v": ("cd", 1), "w": ("e", 1)})
    after = bind_sources({"u": ("bc", 2), "v": ("cdf", 1), "new": ("aeg", 1)})

    found = {
        key: int(bits) for run in iter_changed(before, after) for key, bits in zip(run.keys, run.bits, strict=True)
    }

    assert {b"f": CAME, b"g": CAME} == found
    assert {b"f": GONE, b"g": GONE} == {
        key: int(bits) for run in iter_changed(after, before) for key, bits in zip(run.keys, run.bits, strict=True)
    }


def test_many_inputs_share_the_last_bit():
    """However many inputs a step has, each of them has a bit."""
    assert [1, 1 << 59, 1 << 59] == [bit_of(position) for position in (0, 59, 200)]
    assert 0 == bit_of(200) & (CAME | FAILED | GONE)


def test_iter_keys_reads_no_values():
    """Only sources that one version has alone are told."""
    writer = new_writer()
    before, after = signal_of(writer, {"a": 1, "b": 2}), signal_of(writer, {"b": 3, "c": 4})

    assert [(b"a", 7), (b"c", 7)] == [
        (key, int(bits))
        for run in iter_keys(writer, before, after, 7)
        for key, bits in zip(run.keys, run.bits, strict=True)
    ]
