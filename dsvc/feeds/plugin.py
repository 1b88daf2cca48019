"""The feeds that come with dsvc, offered as any plugin offers its own."""

from __future__ import annotations

from collections.abc import Mapping

from dsvc.feeds.files import FilesFeed
from dsvc.feeds.mongodb import MongodbFeed
from dsvc.plugins import hookimpl
from dsvc.plugins.contracts import Feed


@hookimpl
def dsvc_feeds() -> Mapping[str, type[Feed]]:
    """Return the feeds by name."""
    return {"files": FilesFeed, "mongodb": MongodbFeed}
