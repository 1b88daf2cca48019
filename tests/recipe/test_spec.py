"""What a recipe says, as values."""

from pathlib import Path

from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import CONTENT_ID, FeedSpec, Recipe, SignalSpec, StepSpec
from dsvc.recipe.versions import VersionRange


def test_pixels_bring_the_content_id():
    """A step that reads the raw item depends on what identifies it, and never requires it."""
    faces = InputPath("faces")
    step = StepSpec("s", "transform", "t", inputs=(faces,), pixels=True)

    assert (faces, CONTENT_ID) == step.depends
    assert (faces,) == step.required
    assert {"faces", "content"} == step.signals


def test_an_optional_input_is_not_required():
    """It is still one that the step depends on."""
    a, b = InputPath("a"), InputPath("b", ("f",))
    step = StepSpec("s", "python", "m:f", inputs=(a, b), optional=frozenset({b}))

    assert (a,) == step.required
    assert (a, b) == step.depends


def test_the_producer_is_the_transform():
    """Never the step's name."""
    kinds = {"sql": "SELECT x", "python": "steps:area", "transform": "laplacian_blur"}

    assert ["sql", "steps:area", "laplacian_blur"] == [StepSpec("s", k, c).producer for k, c in kinds.items()]


def test_the_first_range_that_has_a_version_adapts_it():
    """In the order of the file."""
    formats = ((VersionRange.parse("<1"), "m:a"), (VersionRange.parse("<2"), "m:b"))
    signal = SignalSpec("s", "f", value="v", formats=formats)

    assert ["m:a", "m:b", None] == [signal.adapter(version) for version in ("0.9", "1.9", "2")]


def test_every_signal_has_an_owner_or_is_put():
    """The built-in signal belongs to the feed that decides which sources there are."""
    recipe = Recipe(
        Path(),
        feeds={"images": FeedSpec("images", "files", {}, pointer="uri")},
        signals={"a": SignalSpec("a", "images", value="a")},
        steps={"b": StepSpec("b", "sql", "SELECT a AS b")},
    )

    assert ["feed.images", "signal.a", "step.b", None] == [recipe.owner(n) for n in ("content", "a", "b", "c")]
    assert Recipe(Path()).owner("content") is None


def test_an_error_names_the_innermost_place_that_is_known():
    """A key that is missing is placed at its table."""
    recipe = Recipe(Path(), places={("step", "x"): ("more.toml", 3)})

    assert "more.toml:3: step.x.inputs: expected an array" == str(recipe.error(("step", "x", "inputs"), "an array"))
    assert "dsvc.toml: split.y: expected a table" == str(recipe.error(("split", "y"), "a table"))
