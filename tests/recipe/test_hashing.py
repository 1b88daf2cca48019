"""Identities: what is in them, what is not, and that they do not move."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from dsvc.errors import RecipeError
from dsvc.objects.encoding import hash_encoded
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.snapshot import Image
from dsvc.objects.types import parse_type
from dsvc.plugins.contracts import Feed, Outcome, Transform
from dsvc.plugins.manager import Plugins
from dsvc.plugins.options import Option
from dsvc.recipe.expressions import name_expression, parse_expression, parse_select
from dsvc.recipe.hashing import (
    dataset_definition,
    encode_value,
    feed_meaning,
    ingest_hash,
    salted,
    sample_hash,
    signal_definition,
    source_digest,
    transform_hash,
)
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import AboutSpec, CheckSpec, DatasetSpec, FeedSpec, SampleSpec, SignalSpec, SplitSpec, StepSpec
from dsvc.recipe.versions import VersionRange

INT64, DOUBLE, BOXES = parse_type("int64"), parse_type("float64"), parse_type("boxes")


class Blur(Transform):
    """A transform with a parameter."""

    version, output = "3", "score"
    parameters = {"margin": Option(float, "share", 0.2)}

    def __call__(self, batch, pixels=None):
        return Outcome([0.0] * batch.num_rows)


class Documents(Feed):
    """A feed of which the path and the collection decide what there is."""

    options = {
        "uri": Option(str, "where", ""),
        "path": Option(str, "which", ""),
        "format": Option(str, "how", "jsonl"),
    }
    meaning_keys = ("path", "format")

    def read(self, cursor=None):
        yield from ()


@pytest.fixture(name="plugins")
def _plugins(monkeypatch):
    plugins = Plugins([])
    monkeypatch.setattr(plugins, "_offers", {"transform": {"blur": [("ours", Blur)]}})
    return plugins


@pytest.fixture(name="directory")
def _directory(recipe):
    recipe.write(steps="LIMIT = 1\ndef f(x): return x + LIMIT\ndef g(x): return x", formats="def old(v): return v")
    (recipe.path / "weights.bin").write_bytes(b"abc")
    (recipe.path / "empty.bin").write_bytes(b"")
    return recipe.path


def sql_step(text, name="s"):
    """Return an SQL step."""
    select = parse_select(text)
    return StepSpec(name, "sql", text, select=select, inputs=select.inputs)


PYTHON = StepSpec("s", "python", "steps:f", inputs=(InputPath("a"), InputPath("b", ("c",))))
TRANSFORM = StepSpec("s", "transform", "blur", inputs=(InputPath("a"),), pixels=True)


def test_transform_hashes_are_pinned(directory, plugins):
    """They name records for ever; a change here makes everything again everywhere."""
    sql = sql_step("SELECT len(a) AS n")

    assert {
        "sql": "18ac962648837c110be0263c9ae1e4db713aa7e91952b71ce608296a4aac11b8",
        "python": "fa36f769a768dafd1aba68c161f773015f44b42bdf6f8717ecbc84a4b9844405",
        "transform": "5d25dfc53583b0988ceebf3df715b1f4994ea093f3eaea5c45fa0828d5396557",
    } == {
        "sql": transform_hash(sql, INT64, directory, plugins).hex(),
        "python": transform_hash(PYTHON, DOUBLE, directory, plugins).hex(),
        "transform": transform_hash(TRANSFORM, DOUBLE, directory, plugins).hex(),
    }


@pytest.mark.parametrize(
    "change",
    [
        {"code": "steps:g"},
        {"inputs": (InputPath("b", ("c",)), InputPath("a"))},
        {"inputs": (InputPath("a"), InputPath("b"))},
        {"inputs": (InputPath("a"), InputPath("b", circumstance="_version"))},
        {"optional": frozenset({InputPath("a")})},
        {"batch": True},
        {"version": "1"},
        {"parameters": {"x": 1}},
        {"parameters": {"x": 1.0}},
        {"parameters": {"x": True}},
        {"parameters": {"x": "1"}},
        {"parameters": {"x": [1]}},
        {"parameters": {"y": 1}},
        {"environment": {"opencv": "4"}},
        {"files": ("weights.bin",)},
        {"files": ("empty.bin",)},
        {"files": ("weights.bin", "empty.bin")},
        {"files": ("empty.bin", "weights.bin")},
    ],
    ids=str,
)
def test_every_part_of_a_step_counts(directory, plugins, change):
    """Each of these is another transform, and each differs from the others."""
    changed = transform_hash(replace(PYTHON, **change), DOUBLE, directory, plugins)

    assert changed != transform_hash(PYTHON, DOUBLE, directory, plugins)


def test_the_output_type_counts(directory, plugins):
    """Its name too: `boxes` says more than its fields."""
    unnamed = replace(BOXES, name=None)
    hashes = {transform_hash(PYTHON, type_, directory, plugins) for type_ in (None, INT64, DOUBLE, BOXES, unnamed)}

    assert 5 == len(hashes)


@pytest.mark.parametrize("change", [{"name": "t"}, {"type": DOUBLE}, {"parameters": {}}], ids=str)
def test_a_step_is_known_by_what_it_does(directory, plugins, change):
    """A renamed step is found again, and whether its type was declared or found makes no difference."""
    assert transform_hash(PYTHON, DOUBLE, directory, plugins) == transform_hash(
        replace(PYTHON, **change), DOUBLE, directory, plugins
    )


def test_parameters_are_sorted(directory, plugins):
    """Their order in the file is none."""
    first, second = ({"a": 1, "b": {"c": 1, "d": 2}}, {"b": {"d": 2, "c": 1}, "a": 1})

    assert transform_hash(replace(PYTHON, parameters=first), DOUBLE, directory, plugins) == transform_hash(
        replace(PYTHON, parameters=second), DOUBLE, directory, plugins
    )


def test_code_counts_by_digest_or_by_declared_version(directory, plugins):
    """A declared version stands for the code; the source digest beside it still tells of a change."""
    declared = replace(PYTHON, version="1")
    before = [transform_hash(step, DOUBLE, directory, plugins) for step in (PYTHON, declared)]
    source = source_digest(declared, directory)
    (directory / "steps.py").write_text("LIMIT = 2\ndef f(x): return x + LIMIT\n")
    after = [transform_hash(step, DOUBLE, directory, plugins) for step in (PYTHON, declared)]

    assert [False, True] == [first == second for first, second in zip(before, after, strict=True)]
    assert source != source_digest(declared, directory)


def test_a_source_digest_is_for_code_of_the_recipe(directory):
    """Of other steps there is none, and none where it cannot be told."""
    assert source_digest(TRANSFORM, directory) is None
    assert source_digest(sql_step("SELECT a"), directory) is None
    assert source_digest(replace(PYTHON, code="json:loads", version="1"), directory) is None
    (directory / "steps.py").write_text("def f(:")
    assert source_digest(PYTHON, directory) is None


def test_an_installed_function_needs_a_version(directory, plugins):
    """Its code counts by nothing else."""
    installed = replace(PYTHON, code="json:loads")

    with pytest.raises(RecipeError, match=r"expected a Python file beside dsvc\.toml"):
        transform_hash(installed, DOUBLE, directory, plugins)
    assert transform_hash(replace(installed, version="1"), DOUBLE, directory, plugins)


@pytest.mark.parametrize(
    "text,is_same",
    [
        ("SELECT  len( a )  AS n -- faces", True),
        ("SELECT\nlen(a)/* how many */AS n", True),
        ("SELECT LEN(a) AS n", False),
        ("SELECT len(a) n", False),
        ("SELECT len(a) AS m", False),
        ("SELECT len(b) AS n", False),
    ],
)
def test_sql_counts_by_its_tokens(directory, plugins, text, is_same):
    """White space and comments do not count, everything else does."""
    first = transform_hash(sql_step("SELECT len(a) AS n"), INT64, directory, plugins)

    assert is_same == (first == transform_hash(sql_step(text), INT64, directory, plugins))


def test_an_installed_transform_counts_by_name_and_version(directory, plugins, monkeypatch):
    """A default is the same given or not; its code is not looked at."""
    first = transform_hash(TRANSFORM, DOUBLE, directory, plugins)
    given = replace(TRANSFORM, parameters={"margin": 0.2})
    other = replace(TRANSFORM, parameters={"margin": 0.3})

    assert first == transform_hash(given, DOUBLE, directory, plugins)
    assert first != transform_hash(other, DOUBLE, directory, plugins)
    assert first != transform_hash(replace(TRANSFORM, pixels=False), DOUBLE, directory, plugins)
    monkeypatch.setattr(Blur, "version", "4")
    assert first != transform_hash(TRANSFORM, DOUBLE, directory, plugins)


def test_a_declared_file_counts_by_its_content(directory, plugins):
    """And must be there."""
    step = replace(PYTHON, files=("weights.bin",))
    first = transform_hash(step, DOUBLE, directory, plugins)
    (directory / "weights.bin").write_bytes(b"abd")
    assert first != transform_hash(step, DOUBLE, directory, plugins)

    (directory / "weights.bin").unlink()
    with pytest.raises(RecipeError, match=r"step\.s\.files: expected files that can be read, found 'weights\.bin'"):
        transform_hash(step, DOUBLE, directory, plugins)


SIGNAL = SignalSpec("a", "images", value="models.a", version="models.v", producer="a", type=BOXES)


def test_ingest_hashes_are_pinned(directory):
    """As transform hashes of steps."""
    adapted = replace(SIGNAL, formats=((VersionRange.parse("<2"), "formats:old"),))

    assert {
        "value": "fc76f95e0934bfea78fc148bea9f5b1b1bb0d0fe828fb210bdc23d48161f065f",
        "fields": "00753de7c5e3f2c715c173508fc0181ca476c442e3b170a52d59de5f53dae144",
        "adapter": "048d631a7be3cac6b779b5342285611bcf8122fb8ef3754f9abeeaabb97d20d5",
    } == {
        "value": ingest_hash(SIGNAL, BOXES, directory).hex(),
        "fields": ingest_hash(replace(SIGNAL, value=None, fields=(("x", "a.b"), ("y", "c"))), DOUBLE, directory).hex(),
        "adapter": ingest_hash(adapted, BOXES, directory).hex(),
    }


@pytest.mark.parametrize(
    "change,in_hash,in_definition",
    [
        ({"name": "b"}, False, False),
        ({"feed": "other"}, False, False),
        ({"value": "models.b"}, True, True),
        ({"value": None, "fields": (("x", "models.a"),)}, True, True),
        ({"version": "other"}, False, True),
        ({"version": None}, False, True),
        ({"producer": "other"}, False, True),
        ({"only": {"worker": "x"}}, False, True),
        ({"accept": VersionRange.parse("<3")}, False, True),
        ({"content_id": "etag"}, False, True),
        ({"type": None}, False, True),
        ({"formats": ((VersionRange.parse("<2"), "formats:old"),)}, True, True),
    ],
    ids=str,
)
def test_how_a_value_is_made_is_told_from_which_are_read(directory, change, in_hash, in_definition):
    """The transform hash of records says how; the definition also says which, so that they are read again."""
    changed = replace(SIGNAL, **change)

    assert in_hash == (ingest_hash(SIGNAL, BOXES, directory) != ingest_hash(changed, BOXES, directory))
    assert in_definition == (signal_definition(SIGNAL, directory) != signal_definition(changed, directory))


def test_an_adapter_counts_by_its_code(directory):
    """In both identities; the spelling of its range does not count beyond its clauses."""
    adapted = replace(SIGNAL, formats=((VersionRange.parse("<2"), "formats:old"),))
    first = ingest_hash(adapted, BOXES, directory), signal_definition(adapted, directory)
    spaced = replace(SIGNAL, formats=((VersionRange.parse(" < 2 "), "formats:old"),))
    assert first == (ingest_hash(spaced, BOXES, directory), signal_definition(spaced, directory))

    (directory / "formats.py").write_text("def old(v): return [v]")
    second = ingest_hash(adapted, BOXES, directory), signal_definition(adapted, directory)
    assert [] == [one for one, other in zip(first, second, strict=True) if one == other]


SPLIT = SplitSpec("people", parse_expression("capture.subject"), (("train", Decimal("0.8")), ("test", Decimal("0.2"))))
DATASET = DatasetSpec(
    "d", parse_expression("quality >= 3"), (("boxes", name_expression("boxes")), ("n", parse_expression("len(boxes)")))
)


def test_what_a_dataset_does_not_say_is_not_in_its_definition():
    """So a recipe of where, columns and split has the definition that it always had."""
    listed = [
        "dataset",
        list(DATASET.where.tokens),
        [[name, list(expression.tokens)] for name, expression in DATASET.columns],
        [],
    ]

    assert hash_encoded(Kind.DEFINITION, listed) == dataset_definition(DATASET, None)
    assert dataset_definition(DATASET, None) == dataset_definition(replace(DATASET, check=CheckSpec(1)), None)


def test_whatever_else_a_dataset_says_is_in_its_definition():
    """Each is another dataset, but for the name of the one it is made from."""
    sample = SampleSpec(5, parse_expression("quality"), Decimal("0.5"), "s")
    others = [
        DATASET,
        replace(DATASET, base="a"),
        replace(DATASET, base="a", keeps_parts=True),
        replace(DATASET, take=("final", "stale")),
        replace(DATASET, take=("stale",)),
        replace(DATASET, unnest="a"),
        replace(DATASET, image=Image("a", "0.2", None)),
        replace(DATASET, image=Image("a", "0.2", (2, 1))),
        replace(DATASET, sample=sample),
        *(replace(DATASET, sample=replace(sample, **{key: None})) for key in ("max", "per", "share")),
        replace(DATASET, sample=replace(sample, seed="")),
    ]

    assert len(others) == len({dataset_definition(other, None) for other in others})
    assert dataset_definition(others[1], None) == dataset_definition(replace(others[1], base="b"), None)
    exact = replace(sample, share=Decimal("0.50"))
    assert dataset_definition(others[8], None) == dataset_definition(replace(DATASET, sample=exact), None)


def test_a_sample_is_one_whatever_its_share():
    """The share has been taken before; what is kept of the rest follows from max, per and seed."""
    sample = SampleSpec(5, parse_expression("quality"), Decimal("0.5"), "s")

    assert sample_hash(sample) == sample_hash(replace(sample, share=None, per=parse_expression("quality -- same")))
    others = [replace(sample, max=6), replace(sample, per=None), replace(sample, seed="t")]
    assert 4 == len({sample_hash(other) for other in [sample, *others]})


def test_dataset_definitions(directory):
    """Names of dataset and split do not count, nor how shares and expressions are spaced."""
    first = dataset_definition(DATASET, SPLIT)
    same_split = replace(SPLIT, name="x", parts=(("train", Decimal("0.80")), ("test", Decimal("0.2"))))

    assert "1d990f8fd2deef72ba9379b3dca46a3c613595d0657b53db9c446477bba4c439" == first.hex()
    assert first == dataset_definition(replace(DATASET, name="e", split="x"), same_split)
    assert first == dataset_definition(replace(DATASET, where=parse_expression("quality>=3 -- good")), SPLIT)
    others = [
        dataset_definition(DATASET, None),
        dataset_definition(replace(DATASET, where=None), SPLIT),
        dataset_definition(replace(DATASET, where=parse_expression("quality >= 4")), SPLIT),
        dataset_definition(replace(DATASET, columns=DATASET.columns[:1]), SPLIT),
        dataset_definition(DATASET, replace(SPLIT, seed="1")),
        dataset_definition(DATASET, replace(SPLIT, parts=SPLIT.parts[::-1])),
        dataset_definition(DATASET, replace(SPLIT, by=parse_expression("capture.country"))),
    ]
    assert len(others) + 1 == len({first, *others})


FEED = FeedSpec("images", "files", {"path": "a.jsonl", "uri": "${URI}"}, pointer="uri", filter={"a": {"$gt": 1.5}})


def test_feed_meanings():
    """What decides which documents there are; never where they lie, nor the feed's name."""
    first = feed_meaning(FEED, Documents)
    options = {"path": "a.jsonl", "uri": "elsewhere", "format": "jsonl"}

    assert "d70a274566fbd689525bb77c1d7614c0071b38d11605be2107c6b7fc6bb536f2" == first.hex()
    assert first == feed_meaning(replace(FEED, name="x", options=options), Documents)
    others = [
        feed_meaning(replace(FEED, options={**options, "path": "b.jsonl"}), Documents),
        feed_meaning(replace(FEED, options={**options, "format": "csv"}), Documents),
        feed_meaning(replace(FEED, filter={}), Documents),
        feed_meaning(replace(FEED, pointer="x"), Documents),
        feed_meaning(replace(FEED, content_id="x"), Documents),
        feed_meaning(replace(FEED, cursor="x"), Documents),
        feed_meaning(replace(FEED, size="x"), Documents),
        feed_meaning(replace(FEED, modified="x"), Documents),
        feed_meaning(replace(FEED, pointer=None, about=AboutSpec("images", "x", "y")), Documents),
    ]
    assert len(others) + 1 == len({first, *others})


def test_values_of_all_types_differ():
    """Integers are not floats, dates not texts; not-a-number is one, and zero has a sign."""
    values = [
        *(None, True, 1, 1.0, "1", b"1", 0.0, -0.0, 2**80, [1], [[1]], {"a": 1}, [], {}, float("nan")),
        *(date(2024, 5, 1), datetime(2024, 5, 1, tzinfo=UTC)),
    ]

    assert len(values) == len({repr(encode_value(value)) for value in values})
    assert encode_value(float("nan")) == encode_value(-float("nan"))
    with pytest.raises(TypeError):
        encode_value(object())


def test_what_a_step_makes_at_once_is_part_of_it(tmp_path):
    """Steps of records, of groups by one field or another, and of everything are different steps."""
    step = StepSpec("s", "python", "steps:f", inputs=(InputPath("x"),), version="1")
    subject, device = InputPath("capture", ("subject",)), InputPath("capture", ("device",))
    steps = [
        step,
        replace(step, scope="global"),
        replace(step, scope="group", group=subject),
        replace(step, scope="group", group=device),
        replace(step, scope="group", group=InputPath("x")),
    ]

    assert len(steps) == len({transform_hash(step, INT64, tmp_path, Plugins([])) for step in steps})


def test_a_salt_names_traces_and_nothing_else():
    """Each salt another name; none the transform hash itself."""
    transform = Oid(b"t" * 32)

    assert transform == salted(transform, "")
    assert 3 == len({transform, salted(transform, "1"), salted(transform, "2")})
