"""A repository with a recipe and documents, as tests of ingest want them."""

import json
from importlib.metadata import EntryPoint
from itertools import count
from unittest.mock import patch

from dsvc.feeds.ingest import ingest
from dsvc.plugins import hookimpl
from dsvc.plugins.contracts import DocumentBatch, Feed
from dsvc.plugins.manager import Plugins
from dsvc.plugins.options import Option
from dsvc.recipe.load import load_recipe
from dsvc.repository import Repository
from dsvc.store.lmdb import LmdbStore
from dsvc.store.memory import MemoryStore

COLLECTIONS: dict[str, list[dict]] = {}
"""What the feeds `memory` hold, by name."""
_numbers = count()


class MemoryFeed(Feed):
    """A collection in memory, which answers as a live one does, and notes what it was asked."""

    options = {"collection": Option(str, "a name in COLLECTIONS")}
    meaning_keys = ("collection",)
    asked: list[tuple] = []

    def _find(self, test):
        documents = [document for document in COLLECTIONS[self.values["collection"]] if test(document)]
        wanted = self.query.filter.items()
        documents = [document for document in documents if all(document.get(key) == value for key, value in wanted)]
        if self.query.cursor:
            documents.sort(key=lambda document: document[self.query.cursor])
        for start in range(0, len(documents), 3):
            part = documents[start : start + 3]
            last = str(part[-1][self.query.cursor]).encode() if self.query.cursor else None
            yield DocumentBatch(part, [document["_id"] for document in part], last)

    def read(self, cursor=None):
        """Yield documents."""
        self.asked.append(("read", self.name, cursor))
        since = -1 if cursor is None else int(cursor)
        return self._find(lambda document: cursor is None or document[self.query.cursor] >= since)

    def lookup(self, path, values):
        """Yield documents by a field."""
        self.asked.append(("lookup", self.name, sorted(values, key=str)))
        return self._find(lambda document: document.get(path) in values)


@hookimpl
def dsvc_feeds():
    """Return the feed."""
    return {"memory": MemoryFeed}


PLUGINS = Plugins([EntryPoint("feeds", "dsvc.feeds.plugin", "dsvc"), EntryPoint("memory", __name__, "dsvc")])


class World:
    """A repository in a directory of its own."""

    def __init__(self, directory, recipe="", *, in_memory=False, **files):
        self.directory = directory
        store = (lambda *_, **__: MemoryStore()) if in_memory else LmdbStore
        with patch("dsvc.repo.workspace.LmdbStore", store):
            self.repo = Repository.init(directory, author="tester")
        self.recipe(recipe)
        self.write(**files)

    def recipe(self, text, **modules):
        """Write the recipe and the Python files beside it."""
        (self.directory / "dsvc.toml").write_text(text)
        for name, code in modules.items():
            (self.directory / f"{name}.py").write_text(code)

    def write(self, **files):
        """Write documents as JSON lines: name -> documents."""
        for name, documents in files.items():
            text = "".join(json.dumps(document) + "\n" for document in documents)
            (self.directory / f"{name}.jsonl").write_text(text)

    def ingest(self, **options):
        """Ingest, and return the report."""
        return ingest(self.repo, load_recipe(self.directory, plugins=PLUGINS), PLUGINS, **options)

    def read(self, signal):
        """Return the records of a signal: source -> value."""
        if self.view.signal(signal) is None:
            return {}
        return {row["source"]: row[signal] for row in self.repo.read("@draft", [signal]).to_pylist()}

    def waiting(self, signal):
        """Return what waits of a signal: source -> (reason, detail)."""
        entry = next(entry for entry in self.view.state.ingested if entry.name == signal)
        if entry.waiting is None:
            return {}
        from dsvc.objects.encoding import get_object
        from dsvc.objects.oid import Kind
        from dsvc.objects.snapshot import Signal
        from dsvc.objects.tree import Tree

        tree = Tree(self.view.reader, get_object(self.view.reader, entry.waiting, Kind.SIGNAL, Signal))
        return {
            source: (value["reason"], json.loads(value["detail"]))
            for rows in tree.rows()
            for source, value in zip(rows.sources.to_pylist(), rows.values.to_pylist(), strict=True)
        }

    @property
    def view(self):
        """The draft."""
        return self.repo.view("@draft")

    @property
    def types(self):
        """The type of each signal."""
        return {name: self.view.signal(name).type for name in self.view.signals}

    @property
    def root(self):
        """The id of the draft's content."""
        return self.view.root_id.hex()


def fresh_root(directory, world, **options):
    """Return the root of a new repository with the same recipe, Python files and documents."""
    return fresh_world(directory, world, **options).root


def fresh_world(directory, world, **options):
    """Return a new repository with the same recipe, Python files and documents, in memory."""
    made = directory / f"fresh-{next(_numbers)}"
    other = World(made, in_memory=True)
    for path in world.directory.iterdir():
        if path.is_file():
            (made / path.name).write_bytes(path.read_bytes())
    other.ingest(**options)
    return other


# -- parts of recipes and documents ----------------------------------------------------------------------------------

IMAGES = """
[feed.images]
plugin  = "files"
path    = "images.jsonl"
pointer = "uri"
"""
LIVE = """
[feed.images]
plugin     = "memory"
collection = "images"
pointer    = "uri"
cursor     = "at"
"""
OUTPUTS = """
[feed.outputs]
plugin     = "memory"
collection = "outputs"
about      = { feed = "images", field = "image_id", key = "_id" }
cursor     = "_id"

[signal.spoof]
from    = "outputs"
only    = { worker = "spoof" }
value   = "output"
version = "v"
"""
SCORE = """
[signal.score]
from    = "images"
value   = "model.score"
version = "model.version"
"""


def image(number, **more):
    """Return a document of an image."""
    return {"_id": number, "uri": f"s3://b/{number}", "at": number, **more}


def output(number, image_id, value, **more):
    """Return a document of an output."""
    return {"_id": number, "image_id": image_id, "worker": "spoof", "output": value, "v": "1", **more}
