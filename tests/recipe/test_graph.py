"""What sections say of each other: names that must exist, and an order of steps."""

import pytest

from dsvc.errors import RecipeError
from dsvc.recipe.load import load_recipe

BASE = """
    [feed.images]
    plugin = "files"
    pointer = "uri"
    [signal.capture]
    from = "images"
    fields = { country = "country" }
    [signal.face_detection]
    from = "images"
    value = "faces"
"""


@pytest.mark.parametrize(
    "text,line,key,found,nearest",
    [
        ('[signal.x]\nfrom = "imags"\nvalue = "v"', 2, "signal.x.from", "'imags'", "images"),
        ('[step.x]\nsql = "SELECT len(face_detecton) AS n"', 2, "step.x.sql", "'face_detecton'", "face_detection"),
        ('[step.x]\nsql = "SELECT Capture.country AS n"', 2, "step.x.sql", "'Capture'", "capture"),
        ('[step.x]\npython = "a:b"\ninputs = ["captur"]', 3, "step.x.inputs", "'captur'", "capture"),
        ('[split.x]\nby = "captre.country"\nparts = {a = 1}', 2, "split.x.by", "'captre'", "capture"),
        ('[dataset.x]\nwhere = "capture2.country = 1"', 2, "dataset.x.where", "'capture2'", "capture"),
        ('[dataset.x]\nsignals = ["captures"]', 2, "dataset.x.signals.captures", "'captures'", "capture"),
        ('[dataset.x]\ncolumns = { a = "captures" }', 2, "dataset.x.columns.a", "'captures'", "capture"),
        (
            '[dataset.x]\nsplit = "peopl"\n[split.people]\nby = "capture"\nparts = {a = 1}',
            2,
            "dataset.x.split",
            "'peopl'",
            "people",
        ),
        (
            '[feed.y]\nplugin = "files"\nabout = { feed = "image", field = "a", key = "b" }',
            3,
            "feed.y.about.feed",
            "'image'",
            "images",
        ),
    ],
)
def test_a_name_that_does_not_exist_is_placed(recipe, text, line, key, found, nearest):
    """File, line and key of the reference, and the nearest name there is."""
    recipe.toml(BASE, "base.toml").toml(f'include = ["base.toml"]\n{text}\n')

    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe.path)

    error = caught.value
    assert ("dsvc.toml", line + 1, key, found, nearest) == (
        error.file,
        error.line,
        error.key,
        error.found,
        error.nearest,
    )


def test_a_signal_that_is_put_by_hand_is_known(recipe):
    """The recipe does not declare it; whoever loads the recipe says so."""
    recipe.toml(BASE + '\n    [dataset.d]\n    where = "blur < 3"\n')

    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe.path)
    assert "dsvc put blur FILE" in caught.value.hint
    assert load_recipe(recipe.path, also_known=["blur"]).datasets["d"].where is not None


def test_the_built_in_signal_needs_a_feed(recipe):
    """`content` is made by ingest of a feed that decides which sources there are."""
    recipe.toml(BASE + '\n    [dataset.d]\n    where = "content.size > 3"\n')
    load_recipe(recipe.path)

    recipe.toml('[dataset.d]\nwhere = "content.size > 3"\n')
    with pytest.raises(RecipeError):
        load_recipe(recipe.path)


def test_documents_are_about_a_feed_with_sources(recipe):
    """Not about documents that are themselves about others."""
    recipe.toml(
        BASE
        + """
    [feed.a]
    plugin = "files"
    about = { feed = "images", field = "x", key = "y" }
    [feed.b]
    plugin = "files"
    about = { feed = "a", field = "x", key = "y" }
    """
    )

    with pytest.raises(RecipeError, match=r"feed\.b\.about\.feed: expected a feed without `about`, found 'a'"):
        load_recipe(recipe.path)


def test_steps_run_after_what_they_read(recipe):
    """Otherwise in the order of the file; a field, a circumstance and the `where` of nothing are all reads."""
    recipe.toml(
        BASE
        + """
    [step.d]
    sql = "SELECT c.n AS d"
    [step.a]
    sql = "SELECT len(face_detection) AS n"
    [step.c]
    sql = "SELECT b._version AS n, a.n AS m"
    [step.b]
    python = "m:f"
    inputs = ["a.n"]
    """
    )

    assert ("a", "b", "c", "d") == load_recipe(recipe.path).order


@pytest.mark.parametrize(
    "steps,circle",
    [
        ({"a": "a"}, "a -> a"),
        ({"a": "b", "b": "a"}, "a -> b -> a"),
        ({"x": "a", "a": "b", "b": "c", "c": "a"}, "a -> b -> c -> a"),
    ],
)
def test_a_circle_is_named(recipe, steps, circle):
    """Step by step."""
    text = "".join(f'\n    [step.{name}]\n    sql = "SELECT {read} AS n"\n' for name, read in steps.items())
    recipe.toml(BASE + text)

    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe.path)

    assert circle == caught.value.found
