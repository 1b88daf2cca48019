"""What a dataset takes over from the one that it is made from."""

import pytest

from dsvc.errors import RecipeError
from dsvc.recipe.load import load_recipe
from tests.recipe.test_sections import HEAD

SPLIT = '[split.people]\nby = "t"\nparts = { a = 0.5, b = 0.5 }\n[split.other]\nby = "s"\nparts = { c = 1 }\n'
BASE = """\
[dataset.big]
where = "s > 1"
columns = { box = "s", n = "t" }
split = "people"
unnest = "box"
image = { crop = "box" }
take = ["final", "stale"]
sample = { max = 5 }
check = { min_rows = 1 }
"""


def load(recipe, text):
    """Return the datasets that some lines say."""
    return load_recipe(recipe.toml(HEAD + SPLIT + text).path).datasets


def test_what_is_not_said_is_taken_over(recipe):
    """But not where, sample and check, which are each dataset's own."""
    datasets = load(recipe, BASE + '[dataset.small]\nfrom = "big"\n')
    big, small = datasets["big"], datasets["small"]

    assert ("big", True) == (small.base, small.keeps_parts)
    assert (big.columns, big.split, big.unnest, big.image, big.take) == (
        small.columns,
        small.split,
        small.unnest,
        small.image,
        small.take,
    )
    assert (None, None, None) == (small.where, small.sample, small.check)


def test_what_is_said_is_its_own(recipe):
    """With other columns there is nothing left to unnest or crop."""
    own = 'from = "big"\ncolumns = { n = "t" }\nsplit = "other"\ntake = ["final"]\n'
    small = load(recipe, BASE + f"[dataset.small]\n{own}")["small"]

    assert (["n"], "other", False, None, None, ("final",)) == (
        [name for name, _ in small.columns],
        small.split,
        small.keeps_parts,
        small.unnest,
        small.image,
        small.take,
    )


def test_a_dataset_comes_after_the_one_it_is_made_from(recipe):
    """Through any number of them; otherwise in the order of the file."""
    datasets = load(recipe, '[dataset.z]\nfrom = "a"\n[dataset.y]\n[dataset.a]\nfrom = "big"\n' + BASE)

    assert ["big", "a", "z", "y"] == list(datasets)
    assert "box" == datasets["z"].unnest


def test_a_circle_is_named(recipe):
    """Each dataset on it, once around."""
    with pytest.raises(RecipeError) as caught:
        load(recipe, '[dataset.a]\nfrom = "b"\n[dataset.b]\nfrom = "c"\n[dataset.c]\nfrom = "b"\n')

    assert ("dataset.b.from", "b -> c -> b") == (caught.value.key, caught.value.found)


REFUSED = {
    "no dataset": ('from = "bigg"', "dataset.x.from", "a dataset", "big"),
    "itself": ('from = "x"', "dataset.x.from", "datasets that are not made from each other", None),
    "no column to unnest": ('from = "big"\nunnest = "boxx"', "dataset.x.unnest", "a column of the dataset", "box"),
    "no column to crop": ('from = "big"\nimage = { crop = "q" }', "dataset.x.image.crop", "a column", None),
    "a column called item": (
        'columns = { item = "s", a = "t" }\nunnest = "a"',
        "dataset.x.columns.item",
        "another name",
        None,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_datasets_say_of_each_other_is_checked(recipe, case):
    """With the key and the nearest name."""
    text, key, expected, nearest = REFUSED[case]

    with pytest.raises(RecipeError) as caught:
        load(recipe, f"{BASE}[dataset.x]\n{text}\n")

    assert (key, nearest) == (caught.value.key, caught.value.nearest)
    assert caught.value.expected.startswith(expected)
