"""Looking at a feed without taking anything in."""

import json
from dataclasses import replace

import pytest

from dsvc.errors import FeedError, UserError
from dsvc.feeds.check import check_feed
from dsvc.plugins.manager import Plugins
from dsvc.recipe.load import load_recipe

RECIPE = """
[feed.images]
plugin  = "files"
path    = "images.jsonl"
pointer = "uri"

[feed.outputs]
plugin = "files"
path   = "outputs.jsonl"
about  = { feed = "images", field = "image", key = "id" }

[signal.quality]
from    = "images"
type    = "rating(5)"
value   = "quality"
version = "version"
accept  = "<2"

[signal.spoof]
from  = "outputs"
only  = { worker = "spoof" }
value = "score"
"""


@pytest.fixture(name="check")
def make_check(tmp_path):
    """Checks a feed of a recipe whose documents are given."""
    (tmp_path / "dsvc.toml").write_text(RECIPE)
    plugins = Plugins()

    def check(name, documents, **options):
        lines = "".join(f"{json.dumps(document)}\n" for document in documents)
        (tmp_path / f"{name}.jsonl").write_text(lines)
        return check_feed(load_recipe(tmp_path, plugins=plugins), plugins, name, environ={}, **options)

    return check


def test_good_documents_are_good(check):
    """Values and versions of each signal of the feed, and of no other."""
    found = check("images", [{"uri": "s3://f/1", "quality": 3, "version": "1.0"}, {"uri": "s3://f/2"}])
    (signal,) = found.signals

    assert (2, True) == (found.documents, found.is_good)
    assert ("quality", "rating(5)", 1, 1, ("1.0",)) == (
        signal.name,
        signal.type,
        signal.values,
        signal.missing,
        signal.versions,
    )


def test_what_would_be_held_is_told_with_the_line_to_add(check):
    """By version and reason, with a source that has one."""
    documents = [{"uri": "s3://f/1", "quality": 3, "version": "2.0"}, {"uri": "s3://f/2", "quality": 9, "version": "1"}]
    found = check("images", documents)
    held = {item.version: item for item in found.signals[0].held}

    assert not found.is_good
    assert ("s3://f/1", 'accept = "<3"') == (held["2.0"].pointer, held["2.0"].line)
    assert "9" in held["1"].why


def test_documents_without_a_source_are_counted(check):
    """A pointer that is none makes a document unusable; the others are looked at."""
    found = check("images", [{"uri": ""}, {"quality": 2}, {"uri": "s3://f/1", "quality": 2, "version": "1"}])

    assert [("uri is no pointer", 2)] == [(odd.why, odd.count) for odd in found.unusable]
    assert (3, 1) == (found.documents, found.signals[0].values)


def test_what_would_be_held_of_another_feeds_source_is_named_by_its_key(check):
    """As the document has it: nothing else is known of the source here."""
    scores = {"a.jpg": "high", "b.jpg": 0.5, "c.jpg": 0.25}
    documents = [{"image": key, "worker": "spoof", "score": score} for key, score in scores.items()]
    (held,) = check("outputs", documents).signals[0].held

    assert "a.jpg" == held.pointer


def test_documents_about_other_sources_need_a_key(check):
    """A feed with `about` is checked by its field; documents that `only` leaves out take no part."""
    found = check("outputs", [{"image": 1, "worker": "spoof", "score": 0.5}, {"image": 2, "worker": "age", "score": 3}])

    assert (2, True) == (found.documents, found.is_good)
    assert ("float64", 1, 0) == (found.signals[0].type, found.signals[0].values, found.signals[0].missing)


def test_only_some_documents_are_looked_at(check):
    """`limit` is how many."""
    assert 2 == check("images", [{"uri": f"s3://f/{number}"} for number in range(9)], limit=2).documents


def test_unknown_feed_lists_those_there_are(check):
    """The hint has their names."""
    with pytest.raises(UserError) as caught:
        check("imgs", [])

    assert "images, outputs" in caught.value.hint


def test_feed_that_cannot_be_read_is_an_error(check, tmp_path):
    """A missing file is no empty feed."""
    check("images", [])
    recipe = load_recipe(tmp_path)
    images = replace(recipe.feeds["images"], options={"path": "none.jsonl"})
    with pytest.raises(FeedError, match=r"none\.jsonl"):
        check_feed(replace(recipe, feeds={"images": images}), Plugins(), "images", environ={})
