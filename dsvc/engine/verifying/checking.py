"""Checking a recipe against the signals of a version before anything is made: types, SQL, and functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from dsvc.engine.datasets.shape import check_shape
from dsvc.engine.making.loading import Loader
from dsvc.engine.reading.inputs import Input, Inputs
from dsvc.errors import DeriveError, DsvcError, SchemaError
from dsvc.objects.oid import ZERO
from dsvc.objects.types import Type
from dsvc.plugins.manager import Plugins
from dsvc.recipe.check import Problem, check_text, place_key
from dsvc.recipe.expressions import Expression
from dsvc.recipe.nodes import derives, node_names
from dsvc.recipe.paths import InputPath
from dsvc.recipe.python import Namespace
from dsvc.recipe.spec import CONTENT_ID, DatasetSpec, KeyPath, Recipe, StepSpec
from dsvc.recipe.task_spec import TaskSpec
from dsvc.repo.view import View

_FITTING = "SQL that fits the types of what it names"


def check_recipe(view: View, directory: Path, plugins: Plugins, also_known: Iterable[str] = ()) -> tuple[Problem, ...]:
    """Return everything that is wrong with a recipe, in order of file and line. Runs its Python files, no function.

    What depends on something wrong, or on a signal whose type nobody knows yet, is checked as far as it can be.

    Args:
        view: The version whose signals it is checked against; the draft.
        directory: Where `dsvc.toml` is.
        plugins: Offers feeds and transforms.
        also_known: The signals that are put by hand.
    """
    checked = check_text(directory, plugins=plugins, also_known=also_known)
    if checked.recipe is None:
        return checked.problems
    broken = {name for section, name in checked.broken if section in ("signal", "step", "task")}
    found = [*checked.problems, *_Checking(view, checked.recipe, plugins, broken).problems()]
    return tuple(sorted(dict.fromkeys(found), key=place_key))


class _Checking:
    """The types of signals as far as they are known, and what does not fit them."""

    def __init__(self, view: View, recipe: Recipe, plugins: Plugins, broken: Iterable[str]) -> None:
        self._view, self._recipe, self._plugins = view, recipe, plugins
        self._loader = Loader(recipe, plugins)
        self._types: dict[str, Type] = {
            name: Type.decode(view.get_signal(name).type) for name in view.signals if not derives(recipe, name)
        }
        self._types |= self._loader.declared_types
        for name in broken:
            self._types.pop(name, None)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with signals, steps, splits and datasets."""
        yield from self._formats()
        for name in node_names(self._recipe):
            yield from self._task(name) if name in self._recipe.tasks else self._step(self._recipe.steps[name])
        for split in self._recipe.splits.values():
            yield from self._expression(("split", split.name, "by"), split.by)
        for dataset in self._recipe.datasets.values():
            yield from self._dataset(dataset)

    def _formats(self) -> Iterator[Problem]:
        namespace = Namespace(self._recipe.directory)
        for signal in self._recipe.signals.values():
            for range_, reference in signal.formats:
                try:
                    namespace.load(reference)
                except DsvcError as err:
                    yield self._unloaded(("signal", signal.name, "formats", str(range_)), err)

    def _dataset(self, spec: DatasetSpec) -> Iterator[Problem]:
        path: KeyPath = ("dataset", spec.name)
        if spec.where is not None:
            yield from self._expression((*path, "where"), spec.where, is_condition=True)
        if spec.sample is not None and spec.sample.per is not None:
            yield from self._expression((*path, "sample", "per"), spec.sample.per)
        if spec.base is not None and not any((*path, key) in self._recipe.places for key in ("columns", "signals")):
            return  # its columns are those of the dataset that it is made from
        wrong = [problem for c, e in spec.columns for problem in self._expression((*path, "columns", c), e)]
        yield from wrong
        if not wrong and all(self._is_as_stored(e) for _, e in spec.columns):
            try:
                check_shape(self._loader, self._view, spec)
            except DsvcError as err:
                yield Problem.of(err, self._recipe, path)

    def _is_as_stored(self, expression: Expression) -> bool:
        """Tell whether the version's signals have the types that they will have."""
        stored = {path.signal: self._view.signal(path.signal) for path in expression.inputs}
        return all(
            signal is None or Type.decode(signal.type) == self._types.get(name) for name, signal in stored.items()
        )

    def _step(self, spec: StepSpec) -> Iterator[Problem]:
        path: KeyPath = ("step", spec.name, spec.kind)
        wrong = list(self._fields(spec))
        yield from (Problem.of(err, self._recipe, ("step", spec.name, key)) for key, err in wrong)
        type_ = spec.type
        unloaded = self._load(spec)
        if unloaded is not None:
            yield self._unloaded(path, unloaded)
        elif self._is_known(spec.inputs) and not wrong:
            try:
                type_ = self._loader.output_type(spec, self._inputs(spec.depends, spec.required))
                self._loader.transform_hash(spec, type_)
            except DsvcError as err:
                yield self._problem(path, err)
        if type_ is None:
            self._types.pop(spec.name, None)
        else:
            self._types[spec.name] = type_

    def _task(self, name: str) -> Iterator[Problem]:
        task, path = self._recipe.tasks[name], ("task", name)
        if task.ask is not None:
            yield from self._expression((*path, "ask"), task.ask, is_condition=True)
        if task.shown.crop is not None:
            yield from self._expression((*path, "image", "crop"), task.shown.crop)
        if task.audit is not None and task.audit.lot.by is not None:
            yield from self._expression((*path, "audit", "lot", "by"), task.audit.lot.by)
        judged = None if task.of is None else self._types.get(task.of.signal)
        if judged is not None and judged.physical != task.type.physical:
            found = f"{task.type}, and {task.of} is {judged}"
            yield Problem.of(self._recipe.error((*path, "type"), "the type of the signal that is judged", found))
        yield from self._task_formats(task)

    def _task_formats(self, task: TaskSpec) -> Iterator[Problem]:
        namespace = Namespace(self._recipe.directory)
        for range_, reference in task.formats:
            try:
                namespace.load(reference)
            except DsvcError as err:
                yield self._unloaded(("task", task.name, "formats", str(range_)), err)

    def _load(self, spec: StepSpec) -> DsvcError | None:
        """Return why the code of a step cannot be called, if it cannot."""
        try:
            # Any type will do: what is loaded is not called.
            self._loader.load(spec, spec.type or Type(("null",)), ZERO)
        except DsvcError as err:
            return err
        return None

    def _fields(self, spec: StepSpec) -> Iterator[tuple[str, SchemaError]]:
        """Yield the key and an error for each field that its signal does not have."""
        if spec.kind == "sql":
            return  # the engine's own words say where in the SQL
        for path in spec.depends:
            try:
                if path.signal in self._types:
                    self._inputs([path]).type_of(path)
            except SchemaError as err:
                yield ("inputs" if path in spec.inputs else "group"), err

    def _expression(self, path: KeyPath, expression: Expression, *, is_condition: bool = False) -> Iterator[Problem]:
        if not self._is_known(expression.inputs):
            return
        evaluator = self._loader.evaluator
        name = str(path[1])
        try:
            inputs = self._inputs(expression.inputs)
            columns = {item: _empty(inputs.type_of(item)) for item in expression.inputs}
            if is_condition:
                evaluator.where(expression, columns, n_rows=0, name=name)
            else:
                Type.from_arrow(evaluator.evaluate([expression], columns, n_rows=0, name=name)[0].type)
        except (DeriveError, SchemaError) as err:
            yield self._problem(path, err)

    def _is_known(self, paths: Iterable[InputPath]) -> bool:
        """Tell whether the types of some inputs are known."""
        return all(path.circumstance or path.signal in self._types or path == CONTENT_ID for path in paths)

    def _inputs(self, paths: Iterable[InputPath], required: Iterable[InputPath] = ()) -> Inputs:
        """Return inputs that have types and no records."""
        needed = set(required)
        types: Mapping[str, Type] = self._types
        return Inputs(self._view.reader, [Input(path, path in needed) for path in paths], types)

    def _unloaded(self, path: KeyPath, err: DsvcError) -> Problem:
        """Return why code cannot be called; where the error is told of a Python file, with who names it."""
        problem, place = Problem.of(err, self._recipe, path), self._recipe.error(path, "")
        if problem.file == place.file or problem.hint:
            return problem
        return replace(problem, hint=f"{place.key} names it, {place.place}")

    def _problem(self, path: KeyPath, err: DsvcError) -> Problem:
        if isinstance(err, DeriveError):
            return Problem.of(self._recipe.error(path, _FITTING, err.reason, hint=err.hint))
        return Problem.of(err, self._recipe, path)


def _empty(type_: Type) -> pa.Array:
    return pa.array([], type_.arrow)
