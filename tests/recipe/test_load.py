"""The whole recipe: what product's example says, what is refused, and where errors point."""

from decimal import Decimal

import pytest

from dsvc.errors import MissingFileError, PluginNotFoundError, RecipeError
from dsvc.plugins.contracts import Feed, Outcome, Transform
from dsvc.plugins.manager import Plugins
from dsvc.plugins.options import Option
from dsvc.recipe.load import load_recipe
from dsvc.recipe.paths import InputPath
from dsvc.recipe.versions import VersionRange

EXAMPLE = """
    [feed.images]
    plugin     = "mongodb"
    uri        = "${MONGODB_URI}"
    collection = "orb.images"
    filter     = { country = { "$in" = ["DE", "CH"] }, weight = 0.5 }
    pointer    = "image.uri"
    content_id = "image.etag"
    cursor     = "updated_at"
    [feed.outputs]
    plugin     = "mongodb"
    uri        = "${MONGODB_URI}"
    collection = "orb.model_outputs"
    about      = { feed = "images", field = "image_id", key = "_id" }
    cursor     = "_id"

    [signal.capture]
    from    = "images"
    fields  = { subject = "subject_id", country = "country", at = "captured_at" }
    [signal.face_detection]
    from    = "images"
    type    = "boxes"
    value   = "models.face_detector.output"
    version = "models.face_detector.version"
    accept  = ">=1.4,<3"
    formats = { "<2" = "my_formats:detector_v1" }
    [signal.spoof_score]
    from    = "outputs"
    only    = { worker = "spoof" }
    type    = "score"
    value   = "output"
    version = "worker_version"
    producer = "spoof"

    [step.face_count]
    sql     = "SELECT len(face_detection) AS n"
    [step.face_area]
    python  = "steps:face_area"
    inputs  = ["face_detection", "capture.country"]
    optional = ["capture"]
    parameters = { least = 10, share = 0.5, labels = ["a"] }
    environment = { opencv = "4.10" }
    files = ["weights.bin"]
    version = "2"
    type    = "float64"
    [step.sharpness]
    transform = "laplacian_blur"
    inputs  = ["pixels", "face_detection"]

    [split.people]
    by    = "capture.subject"
    parts = { train = 0.8, val = 0.1, test = 0.10 }

    [dataset.detector]
    where   = "len(face_detection) >= 1 AND face_count.n >= 3"
    columns = { boxes = "face_detection", origin = "face_detection._origin" }
    split   = "people"
    [dataset.some]
    signals = ["spoof_score", "capture"]
    [dataset.global]
"""


def test_the_example_is_read_whole(recipe):
    """Every key of product's recipe that this version knows arrives where it belongs."""
    loaded = load_recipe(recipe.toml(EXAMPLE).path)

    images, outputs = loaded.feeds["images"], loaded.feeds["outputs"]
    assert {"uri": "${MONGODB_URI}", "collection": "orb.images"} == images.options
    assert {"country": {"$in": ["DE", "CH"]}, "weight": 0.5} == images.filter
    assert ("image.uri", "image.etag", "updated_at", None) == (
        images.pointer,
        images.content_id,
        images.cursor,
        images.about,
    )
    assert ("images", "image_id", "_id") == (outputs.about.feed, outputs.about.field, outputs.about.key)

    assert (("at", "captured_at"), ("country", "country"), ("subject", "subject_id")) == loaded.signals[
        "capture"
    ].fields
    detection = loaded.signals["face_detection"]
    assert "boxes" == detection.type.name
    assert VersionRange.parse(">=1.4,<3") == detection.accept
    assert ((VersionRange.parse("<2"), "my_formats:detector_v1"),) == detection.formats
    assert "face_detection" == detection.producer
    assert ("spoof", {"worker": "spoof"}) == (
        loaded.signals["spoof_score"].producer,
        loaded.signals["spoof_score"].only,
    )

    count, area, sharpness = loaded.steps.values()
    assert ("sql", (InputPath("face_detection"),)) == (count.kind, count.inputs)
    assert (InputPath("face_detection"), InputPath("capture", ("country",))) == area.inputs
    assert {InputPath("capture", ("country",))} == area.optional
    assert {"least": 10, "share": 0.5, "labels": ["a"]} == area.parameters
    assert ("2", ("weights.bin",), {"opencv": "4.10"}) == (area.version, area.files, area.environment)
    assert (True, (InputPath("face_detection"),)) == (sharpness.pixels, sharpness.inputs)

    assert (("train", Decimal("0.8")), ("val", Decimal("0.1")), ("test", Decimal("0.10"))) == loaded.splits[
        "people"
    ].parts
    assert ["boxes", "origin"] == [name for name, _ in loaded.datasets["detector"].columns]
    assert ["capture", "spoof_score"] == [name for name, _ in loaded.datasets["some"].columns]
    assert ["capture", "face_area", "face_count", "face_detection", "sharpness", "spoof_score"] == [
        name for name, _ in loaded.datasets["global"].columns
    ]
    assert ("face_count", "face_area", "sharpness") == loaded.order


def test_a_dataset_of_everything_has_what_is_put_too(recipe):
    """A column for each signal that there is, but not for the built-in one."""
    recipe.toml('[feed.f]\nplugin = "files"\npointer = "p"\n[signal.a]\nfrom = "f"\nvalue = "v"\n[dataset.global]\n')
    loaded = load_recipe(recipe.path, also_known=["blur", "a", "content"])

    assert ["a", "blur"] == [name for name, _ in loaded.datasets["global"].columns]


def test_an_empty_recipe_is_one(recipe):
    """It says nothing."""
    loaded = load_recipe(recipe.toml("").path)

    assert ({}, {}, ()) == (loaded.feeds, loaded.datasets, loaded.order)


@pytest.mark.parametrize("section", ["remote.origin"])
def test_a_section_of_a_later_version_is_told_apart(recipe, section):
    """The error says that this version does not know it, not that it is misspelt."""
    recipe.toml(f'[feed.f]\nplugin = "files"\npointer = "p"\n[{section}]\nx = 1\n')

    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe.path)

    assert 4 == caught.value.line
    assert (
        "a section that this version of dsvc knows (feed, signal, step, split, dataset, platform, task)"
        == caught.value.expected
    )
    assert caught.value.nearest is None
    assert "update dsvc" in caught.value.hint


@pytest.mark.parametrize(
    "text,line,key,expected,nearest",
    [
        (
            "[sinal.x]\n",
            1,
            "sinal",
            "one of the sections feed, signal, step, split, dataset, platform, task, or `include`",
            "signal",
        ),
        ("feed = 1\n", 1, "feed", "tables [feed.NAME]", None),
        ("[step.X]\n", 1, "step.X", "a lower-case letter, then up to 62 lower-case letters, digits and _", None),
        ("[signal.content]\n", 1, "signal.content", None, None),
        ("[feed.a-b]\n", 1, "feed.a-b", "a lower-case letter, then up to 62 lower-case letters, digits and _", None),
        (
            '[signal.x]\nfrom = "f"\nvalue = "v"\n[step.x]\nsql = "SELECT 1 AS x"\n',
            4,
            "step.x",
            "a name that no signal has",
            None,
        ),
        ("step.x = 1\n", 1, "step.x", "a table", None),
    ],
)
def test_sections_and_names_are_checked(recipe, text, line, key, expected, nearest):
    """Before anything in them is read."""
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe.toml(text).path)

    error = caught.value
    assert (line, key, nearest) == (error.line, error.key, error.nearest)
    assert expected is None or expected == error.expected


class Documents(Feed):
    """A feed with options."""

    options = {"path": Option(str, "where"), "format": Option(str, "how", "jsonl", ("jsonl", "parquet"))}

    def read(self, cursor=None):
        yield from ()


class Blur(Transform):
    """A transform that reads pixels."""

    version, output, inputs, needs_pixels = "3", "score", {"faces": "boxes"}, True
    parameters = {"margin": Option(float, "share", 0.2)}

    def __call__(self, batch, pixels=None):
        return Outcome([0.0] * batch.num_rows)


@pytest.fixture(name="plugins")
def _plugins(monkeypatch):
    plugins = Plugins([])
    offers = {"feed": {"files": [("ours", Documents)]}, "transform": {"blur": [("ours", Blur)]}, "exporter": {}}
    monkeypatch.setattr(plugins, "_offers", offers)
    return plugins


FEED = '[feed.f]\nplugin = "files"\npath = "x"\npointer = "p"\n[signal.s]\nfrom = "f"\nvalue = "v"\n'


def test_a_plugin_s_declaration_is_held_to(recipe, plugins):
    """Its options are checked; a transform's defaults are filled in."""
    recipe.toml(FEED + '[step.x]\ntransform = "blur"\ninputs = ["pixels", "s"]\n')
    loaded = load_recipe(recipe.path, plugins=plugins)

    assert {"margin": 0.2} == loaded.steps["x"].parameters
    assert {"path": "x"} == loaded.feeds["f"].options


@pytest.mark.parametrize(
    "text,line,key,nearest",
    [
        ('[feed.f]\nplugin = "files"\npath = "x"\npointer = "p"\nformt = "jsonl"\n', 5, "feed.f.formt", "format"),
        ('[feed.f]\nplugin = "files"\npath = "x"\npointer = "p"\ncursr = "t"\n', 5, "feed.f.cursr", "cursor"),
        ('[feed.f]\nplugin = "files"\npath = "x"\npointr = "p"\n', 4, "feed.f.pointr", "pointer"),
        ('[feed.f]\nplugin = "files"\npath = "x"\npointer = "p"\nformat = "jsnl"\n', 5, "feed.f.format", "jsonl"),
        ('[feed.f]\nplugin = "files"\npointer = "p"\n', 1, "feed.f.path", None),
        (FEED + '[step.x]\ntransform = "blur"\ninputs = ["s"]\n', 10, "step.x.inputs", None),
        (FEED + '[step.x]\ntransform = "blur"\ninputs = ["pixels"]\n', 10, "step.x.inputs", None),
        (
            FEED + '[step.x]\ntransform = "blur"\ninputs = ["pixels", "s"]\nparameters = { margn = 1 }\n',
            11,
            "step.x.parameters.margn",
            "margin",
        ),
        (
            FEED + '[step.x]\ntransform = "blur"\ninputs = ["pixels", "s"]\nparameters = { margin = "wide" }\n',
            11,
            "step.x.parameters.margin",
            None,
        ),
    ],
)
def test_a_wrong_option_is_placed(recipe, plugins, text, line, key, nearest):
    """File, line, key and the nearest spelling, as for keys of our own."""
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe.toml(text).path, plugins=plugins)

    assert (line, key, nearest) == (caught.value.line, caught.value.key, caught.value.nearest)


def test_a_plugin_that_is_not_installed_is_named(recipe, plugins):
    """Only where plugins are asked at all: reading and checking out never need them."""
    recipe.toml('[feed.f]\nplugin = "file"\npointer = "p"\n')

    with pytest.raises(PluginNotFoundError, match="no plugin offers the feed 'file'; there are: files"):
        load_recipe(recipe.path, plugins=plugins)
    load_recipe(recipe.path)


def test_a_directory_without_a_recipe_is_an_error(tmp_path):
    """It names the file."""
    with pytest.raises(MissingFileError, match=r"dsvc\.toml does not exist"):
        load_recipe(tmp_path)
