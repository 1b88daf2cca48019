from importlib.metadata import EntryPoint

from dsvc.feeds.files import FilesFeed
from dsvc.feeds.mongodb import MongodbFeed
from dsvc.plugins.manager import Plugins


def test_our_feeds_are_found_as_any_plugins_are():
    """By the names that recipes use."""
    plugins = Plugins([EntryPoint("feeds", "dsvc.feeds.plugin", "dsvc")])

    assert ["files", "mongodb"] == plugins.names("feed")
    assert (FilesFeed, MongodbFeed) == (plugins.get_feed("files"), plugins.get_feed("mongodb"))
