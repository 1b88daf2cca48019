"""What a dataset's table may say, and what it is read as."""

from decimal import Decimal

import pytest

from dsvc.errors import RecipeError
from dsvc.objects.snapshot import Image
from dsvc.recipe.load import load_recipe
from dsvc.recipe.spec import CheckSpec
from tests.recipe.test_sections import HEAD, LINES

DATASET = '[dataset.x]\ncolumns = { a = "s", b = "t" }\n'


def read(recipe, text):
    """Return the dataset that some lines say."""
    return load_recipe(recipe.toml(HEAD + DATASET + text).path).datasets["x"]


def test_a_dataset_that_says_nothing_takes_what_is_final(recipe):
    """All of it, as it is."""
    spec = read(recipe, "")

    assert (None, None, None, None, None, ("final",)) == (
        spec.base,
        spec.unnest,
        spec.image,
        spec.sample,
        spec.check,
        spec.take,
    )


@pytest.mark.parametrize(
    "text,expected",
    [
        ('{ crop = "a", margin = 0.20, size = [224, 300] }', Image("a", "0.2", (224, 300))),
        ('{ crop = "b" }', Image("b", "0", None)),
        ('{ crop = "b", margin = 1.0 }', Image("b", "1", None)),
        ("{ size = [1, 65535] }", Image(None, "0", (1, 65535))),
    ],
)
def test_image_settings_are_exact(recipe, text, expected):
    """A margin is a decimal in its shortest form, as a version stores it."""
    assert expected == read(recipe, f"image = {text}\n").image


def test_a_sample_is_a_number_or_a_share(recipe):
    """Or both: first the share, then at most so many of each value of `per`."""
    sample = read(recipe, 'sample = { max = 5, per = "t.country", share = 0.10, seed = "x" }\n').sample

    assert (5, "t.country", Decimal("0.1"), "x") == (sample.max, sample.per.text, sample.share, sample.seed)
    assert (None, None, Decimal(1)) == ((s := read(recipe, "sample = { share = 1 }\n").sample).max, s.per, s.share)


def test_what_is_taken_has_one_order(recipe):
    """However it is written."""
    assert ("final", "contested", "stale") == read(recipe, 'take = ["stale", "final", "contested"]\n').take


def test_every_check_can_be_given(recipe):
    """Numbers of rows, and exact shares."""
    text = "min_rows = 1, max_rows = 9, max_loss = 0.05, max_null = { b = 0.5, a = 0 }, min_per_class = { a = 3 }"

    expected = CheckSpec(1, 9, Decimal("0.05"), None, (("a", Decimal(0)), ("b", Decimal("0.5"))), (("a", 3),))
    assert expected == read(recipe, f"check = {{ {text} }}\n").check


REFUSED = {
    "an unknown key": ("smaple = { max = 1 }", "dataset.x.smaple", "one of", "sample"),
    "image as a text": ('image = "a"', "dataset.x.image", "a table, e.g.", None),
    "an empty image": ("image = {}", "dataset.x.image", "`crop`, `size`, or both", None),
    "an unknown key of image": ('image = { crp = "a", size = [1, 1] }', "dataset.x.image.crp", "one of", "crop"),
    "a margin alone": ("image = { margin = 0.1, size = [1, 1] }", "dataset.x.image.margin", "`crop` beside", None),
    "a negative margin": ('image = { crop = "a", margin = -1 }', "dataset.x.image.margin", "a share of", None),
    "one size": ("image = { size = [1] }", "dataset.x.image.size", "width and height", None),
    "a size of texts": ('image = { size = ["1", "2"] }', "dataset.x.image.size", "width and height", None),
    "a size of nothing": ("image = { size = [0, 2] }", "dataset.x.image.size", "width and height", None),
    "an empty sample": ("sample = {}", "dataset.x.sample", "`max`, `share`, or both", None),
    "a sample of none": ("sample = { max = 0 }", "dataset.x.sample.max", "a number of sources", None),
    "a sample of a half": ("sample = { max = 1.5 }", "dataset.x.sample.max", "a number of sources", None),
    "a sample of true": ("sample = { max = true }", "dataset.x.sample.max", "a number of sources", None),
    "a share of nothing": ("sample = { share = 0 }", "dataset.x.sample.share", "a share above 0", None),
    "a share of two": ("sample = { share = 2 }", "dataset.x.sample.share", "a share above 0", None),
    "per without max": ('sample = { share = 0.1, per = "t" }', "dataset.x.sample.per", "`max` beside it", None),
    "per of nothing": ('sample = { max = 1, per = "1" }', "dataset.x.sample.per", "at least one signal", None),
    "an unknown signal": ('sample = { max = 1, per = "tt" }', "dataset.x.sample.per", "a signal", "t"),
    "an unknown standing": ('take = ["finl"]', "dataset.x.take.0", "one of final", "final"),
    "nothing to take": ("take = []", "dataset.x.take", "at least one standing", None),
    "an empty check": ("check = {}", "dataset.x.check", "something to check", None),
    "an unknown check": ("check = { min_row = 1 }", "dataset.x.check.min_row", "one of", "min_rows"),
    "a loss above one": ("check = { max_loss = 1.5 }", "dataset.x.check.max_loss", "a share from 0 to 1", None),
    "rows that cannot be": ("check = { min_rows = 2, max_rows = 1 }", "dataset.x.check.max_rows", "at least", None),
    "nulls of no column": ("check = { max_null = { aa = 0 } }", "dataset.x.check.max_null.aa", "a column", "a"),
    "parts of no split": ("check = { min_per_part = 1 }", "dataset.x.check.min_per_part", "a `split`", None),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_dataset_refuses(recipe, case):
    """With its place, its key, what was expected, and the nearest spelling."""
    text, key, expected, nearest = REFUSED[case]

    with pytest.raises(RecipeError) as caught:
        read(recipe, text + "\n")

    error = caught.value
    assert (key, nearest, LINES + 3) == (error.key, error.nearest, error.line)
    assert error.expected.startswith(expected)
