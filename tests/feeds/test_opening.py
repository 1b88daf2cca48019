"""Opening a feed, and closing it whatever happens."""

import pytest

from dsvc.errors import ConfigError, FeedError, PluginError
from dsvc.feeds.opening import open_feed
from dsvc.plugins import DocumentBatch, Feed, Option
from dsvc.recipe.spec import FeedSpec


class Numbers(Feed):
    """A feed that remembers how it was made, and whether it was closed."""

    options = {"address": Option(str, "an address"), "size": Option(int, "a size", 3)}
    made: list["Numbers"] = []

    def __init__(self, *args):
        super().__init__(*args)
        self.is_closed = False
        self.made.append(self)

    def read(self, cursor=None):
        yield DocumentBatch([{"n": 1}], [1])

    def close(self):
        self.is_closed = True


class OnePlugin:
    """Offers `Numbers` under every name."""

    def get_feed(self, name):
        return Numbers


SPEC = FeedSpec("images", "numbers", {"address": "at ${PLACE}"}, pointer="uri", cursor="at", filter={"n": 1})


def opened(tmp_path, environ, fields=("uri",)):
    """Open the feed of `SPEC`."""
    return open_feed(SPEC, OnePlugin(), tmp_path, environ, fields)


def test_options_are_expanded_and_filled_in(tmp_path):
    """Environment variables, defaults, and what of the documents is asked for."""
    with opened(tmp_path, {"PLACE": "home"}) as feed:
        assert {"address": "at home", "size": 3} == feed.values
        assert ({"n": 1}, ("uri",), "at") == (feed.query.filter, feed.query.fields, feed.query.cursor)
        assert tmp_path == feed.base_dir

    assert feed.is_closed


def test_no_fields_asks_for_whole_documents(tmp_path):
    """A feed need not know in advance what is read."""
    with opened(tmp_path, {"PLACE": "home"}, fields=()) as feed:
        assert feed.query.fields is None


def test_missing_variable_is_named(tmp_path):
    """Before the feed is made."""
    with pytest.raises(ConfigError, match="PLACE"), opened(tmp_path, {}):
        pass


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(FeedError(feed="images", reason="gone"), FeedError, id="its-own-error-is-kept"),
        pytest.param(ZeroDivisionError("x"), PluginError, id="another-error-names-the-plugin"),
    ],
)
def test_feed_is_closed_after_an_error(error, expected, tmp_path):
    """What a plugin raises is told as an error of that plugin."""
    with pytest.raises(expected), opened(tmp_path, {"PLACE": "home"}):
        raise error

    assert Numbers.made[-1].is_closed
