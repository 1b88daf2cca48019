"""A repository in memory with a recipe, for tests of the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import dedent
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from dsvc.engine.making.binding import bind_step
from dsvc.engine.making.loading import Loader
from dsvc.engine.making.output import WAITING_TYPE
from dsvc.engine.planning.plan import plan
from dsvc.engine.run import run
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import ZERO, Kind
from dsvc.objects.snapshot import Root, Signal
from dsvc.objects.state import Ingested
from dsvc.objects.types import Type
from dsvc.plugins.manager import Plugins
from dsvc.recipe.load import load_recipe
from dsvc.repo.draft import DraftEdit
from tests.engine.signals import read_signal, write_signal, write_standings
from tests.engine.world import make_repository


class Bench:
    """A repository, a recipe that can be written, and everything that can be done with both."""

    def __init__(self, path):
        self.path = path
        self.repo = make_repository(path)
        self.plugins = Plugins()
        self.known = {"content"}

    def put(self, signal: str, records: Mapping[str, Any], producer: str = "w@1", type_: pa.DataType | None = None):
        """Put records given as source -> value."""
        table = pa.table({"source": list(records), signal: pa.array(list(records.values()), type_)})
        self.repo.put(signal, table, producer=producer)
        self.known.add(signal)

    def place(self, signal: str, records: Mapping[str, Any], type_: Type):
        """Let a signal have exactly these records, as an ingest would, whatever its name."""

        def edit(view, writer):
            oid, _ = write_signal(writer, dict(records), type_)
            kept = [pair for pair in view.root.signals if pair[0] != signal]
            return DraftEdit(Root(tuple(sorted([*kept, (signal, oid)])), view.root.datasets))

        self.repo.edit_draft(edit, command="ingest")

    def stand(self, signal: str, records: Mapping[str, tuple[Any, str]], stale: Iterable[str] = ()):
        """Let an int64 signal have exactly these values and standings, and these sources wait as stale."""

        def edit(view, writer):
            oid, found = write_standings(writer, dict(records))
            why = {source: {"detail": "{}", "reason": "stale"} for source in stale}
            waiting, listed = write_signal(writer, why, WAITING_TYPE)
            kept = [pair for pair in view.root.signals if pair[0] != signal]
            others = [entry for entry in view.state.ingested if entry.name != signal]
            mine = Ingested(signal, ZERO, "f", waiting if listed else None)
            ingested = tuple(sorted([*others, mine], key=lambda entry: entry.name))
            signals = tuple(sorted([*kept, *([(signal, oid)] if found else [])]))
            root, state = Root(signals, view.root.datasets), msgspec.structs.replace(view.state, ingested=ingested)
            return DraftEdit(root, state)

        self.repo.edit_draft(edit, command="ingest")
        self.known.add(signal)

    def write(self, recipe: str, **modules: str):
        """Write a recipe and its Python files."""
        (self.path / "dsvc.toml").write_text(dedent(recipe))
        for name, code in modules.items():
            (self.path / f"{name}.py").write_text(dedent(code))

    @property
    def view(self):
        """The draft."""
        return self.repo.view("@draft")

    @property
    def recipe(self):
        """The recipe as it is written now."""
        return load_recipe(self.path, plugins=self.plugins, also_known=self.known)

    @property
    def loader(self):
        """A loader of the recipe."""
        return Loader(self.recipe, self.plugins)

    def run(self, **options: Any):
        """Run the draft."""
        return run(self.repo, self.recipe, self.plugins, **options)

    def plan(self):
        """Plan the draft."""
        return plan(self.repo, self.recipe, self.plugins)

    def bind(self, step: str):
        """Bind a step to the draft."""
        loader = self.loader
        return bind_step(self.repo, self.view, loader, loader.recipe.steps[step])

    def read(self, signal: str):
        """Return the records of a signal of the draft."""
        return read_signal(self.repo.store.objects, self.view.signal(signal))

    def waiting(self, signal: str):
        """Return source -> detail of who waits for a record."""
        oid = self.view.waiting.get(signal)
        if oid is None:
            return {}
        found = get_object(self.repo.store.objects, oid, Kind.SIGNAL, Signal)
        return {source: value["detail"] for source, value in read_signal(self.repo.store.objects, found).items()}

    def select(self, dataset: str):
        """Return the selection of a dataset."""
        return read_signal(self.repo.store.objects, self.view.selection(self.view.dataset(dataset)))


@pytest.fixture
def bench(tmp_path):
    """An empty repository."""
    return Bench(tmp_path / "faces")
