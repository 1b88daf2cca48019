"""A repository in memory beside a recipe, for tests of what the two make of each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from dsvc.engine.datasets.selections import BoundDataset, bind_dataset
from dsvc.engine.making.binding import Bound, bind_step
from dsvc.engine.making.loading import Loader
from dsvc.engine.making.report import RunReport
from dsvc.engine.planning.plan import DatasetPlan, Plan, StepPlan, plan
from dsvc.engine.run import run
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import Kind
from dsvc.objects.snapshot import Signal
from dsvc.plugins.manager import Plugins
from dsvc.recipe.load import load_recipe
from dsvc.recipe.spec import Recipe
from tests.engine.world import BASE, make_repository, put_records, read_records


class Project:
    """Signals `a` and `b` of int64 and `c` of structs of int64 f and g, and whatever recipe is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.repo = make_repository(path)
        self.plugins = Plugins([])

    def put(self, signal: str, records: dict[str, Any], producer: str = "w@1") -> None:
        """Put records."""
        put_records(self.repo, signal, records, producer)

    def write(self, recipe: str, **modules: str) -> None:
        """Write the recipe and Python files beside it."""
        (self.path / "dsvc.toml").write_text(recipe)
        for name, code in modules.items():
            (self.path / f"{name}.py").write_text(code)

    def recipe(self) -> Recipe:
        """Load the recipe."""
        return load_recipe(self.path, plugins=self.plugins, also_known=BASE)

    def loader(self) -> Loader:
        """Return what loads the recipe's steps."""
        return Loader(self.recipe(), self.plugins)

    def view(self):
        """The draft."""
        return self.repo.view("@draft")

    def run(self, **more: Any) -> RunReport:
        """Run the recipe."""
        return run(self.repo, self.recipe(), self.plugins, **more)

    def plan(self) -> Plan:
        """Plan a run of the recipe."""
        return plan(self.repo, self.recipe(), self.plugins)

    def plan_step(self, name: str) -> StepPlan:
        """Plan one step."""
        return next(step for step in self.plan().steps if step.name == name)

    def plan_dataset(self, name: str) -> DatasetPlan:
        """Plan one dataset."""
        return next(dataset for dataset in self.plan().datasets if dataset.name == name)

    def bind(self, step: str) -> Bound | None:
        """Bind a step."""
        loader = self.loader()
        return bind_step(self.repo, self.view(), loader, loader.recipe.steps[step])

    def bind_dataset(self, name: str) -> BoundDataset:
        """Bind a dataset."""
        loader = self.loader()
        return bind_dataset(self.view(), loader, loader.recipe.datasets[name])

    def read(self, signal: str) -> dict[str, Any]:
        """Return the records of a signal."""
        return read_records(self.repo, self.view().signal(signal))

    def waiting(self, step: str) -> dict[str, str]:
        """Return who waits for a record of a step, and why in detail."""
        view = self.view()
        entry = next(entry for entry in view.state.derived if entry.name == step)
        if entry.waiting is None:
            return {}
        records = read_records(self.repo, get_object(view.reader, entry.waiting, Kind.SIGNAL, Signal))
        return {source: value["detail"] for source, value in records.items()}

    def selection(self, dataset: str) -> dict[str, int | None]:
        """Return the part of each source; empty for a dataset that has no source to tell of."""
        view = self.view()
        return read_records(self.repo, view.selection(view.dataset(dataset))) if dataset in view.datasets else {}


def told(struct: msgspec.Struct, *names: str) -> tuple[Any, ...]:
    """Return some of a struct's fields."""
    return tuple(getattr(struct, name) for name in names)
