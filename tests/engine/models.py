"""What random steps and datasets mean, in plain Python, beside how a recipe says them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

from dsvc.plugins import hookimpl
from dsvc.plugins.contracts import Outcome, Transform
from dsvc.plugins.manager import Plugins
from dsvc.plugins.options import Option

FAILS = "boom"
CODES = (0, 1, 2)

Values = tuple[Any, ...]


def worth(values: Iterable[Any]) -> int:
    """Return a number for the inputs of one record; versions are numbers too."""
    return sum(int(value or 0) for value in values)


def of_record(values: Values, p: int, code: int) -> int | None:
    """Return the value of a record by itself.

    Raises:
        ValueError: For one sum of seven.
    """
    total = worth(values)
    if total % 7 == 6:
        raise ValueError(FAILS)
    return None if total % 5 == 4 else total * 10 + p + code


def of_group(members: Sequence[Values], p: int, code: int) -> list[Any]:
    """Return the values of a group's members, which depend on all of them and their order.

    A member now and then gets text, which is no int64 and fails alone.

    Raises:
        ValueError: For one sum of nine.
    """
    totals = [worth(values) for values in members]
    whole = sum((i + 1) * total for i, total in enumerate(totals))
    if whole % 9 == 8:
        raise ValueError(FAILS)
    made: list[Any] = []
    for i, total in enumerate(totals):
        value = total * 100 + whole % 5 * 10 + len(totals) + i + p + code
        made.append("text" if total % 13 == 12 else None if total % 5 == 4 else value)
    return made


PYTHON = """
import pyarrow as pa
from tests.engine.models import of_group, of_record

# {comment}
def record(*values, p):
    return of_record(values, p, {code})

def batch(rows, p):
    columns = [rows.column(i).to_pylist() for i in range(rows.num_columns)]
    return pa.array([record(*values, p=p) for values in zip(*columns)], pa.int64())

def group(*inputs, p):
    return of_group(list(zip(*inputs)), p, {code})

def group_batch(rows, p):
    made = group(*(rows.column(i).to_pylist() for i in range(rows.num_columns)), p=p)
    return made if "text" in made else pa.array(made, pa.int64())
"""

SQL, FUNCTIONS, INSTALLED = ("add", "cut", "pair"), ("python", "batch"), ("pixels",)
KINDS = (*SQL, *FUNCTIONS, *INSTALLED)


@dataclass(frozen=True)
class StepModel:
    """One step: how a recipe says it, and what it means."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    parameter: int = 1
    code: int = 0
    version: str | None = None
    optional: tuple[str, ...] = ()
    scope: str = "record"
    group: str | None = None
    comment: int = 0

    @property
    def identity(self) -> tuple[Any, ...]:
        """Equal where the transform hash is."""
        version = self.version if self.kind in FUNCTIONS else None
        code = self.code if version is None else None
        # An SQL step names itself where its value is one column, a Python step its module.
        name = "" if self.kind in ("pair", "pixels") else self.name
        return name, self.kind, self.inputs, self.parameter, code, version, self.optional, self.scope, self.group

    @property
    def depends(self) -> tuple[str, ...]:
        """Every path whose value decides whether a record is made again."""
        named = self.inputs if self.group in (None, *self.inputs) else (*self.inputs, str(self.group))
        return (*named, "content.id") if self.kind == "pixels" else named

    @property
    def required(self) -> tuple[str, ...]:
        """The paths without which there is no record."""
        return tuple(path for path in self.depends if path not in (*self.optional, "content.id"))

    @property
    def fields(self) -> tuple[str, ...]:
        """The paths that its values give to others."""
        return (f"{self.name}.m", f"{self.name}.v") if self.kind == "pair" else (self.name,)

    def toml(self) -> str:
        """The step in a recipe."""
        lines = [f"[step.{self.name}]", f"# {self.comment}"]
        if self.kind == "pixels":
            lines += [f'transform = "{transform_name(self.scope, len(self.inputs), self.code)}"']
            lines += [f"inputs = {['pixels', *self.inputs]}", f"parameters = {{ p = {self.parameter} }}"]
        elif self.kind in FUNCTIONS:
            lines += self._function()
        else:
            lines += self._sql()
        if self.optional:
            lines.append(f"optional = {list(self.optional)}")
        if self.group is not None:
            lines.append(f'group = "{self.group}"')
        if self.scope == "global":
            lines.append("global = true")
        return "\n".join(lines)

    def _sql(self) -> list[str]:
        x, y = self.inputs[0], self.inputs[-1]
        text = {
            "add": f"{x} + {self.parameter * 100 + self.code} AS {self.name}",
            "cut": f"{x} // {self.parameter + 2} + {self.code} AS {self.name}",
            "pair": f"{x} % 3 AS m, coalesce({y}, {self.parameter}) + {self.code} AS v",
        }[self.kind]
        # The type that the engine finds depends on the inputs' types, and so on whether anybody has them.
        type_ = "struct<m: int64, v: int64>" if self.kind == "pair" else "int64"
        return [f'sql = "SELECT {text} -- {self.comment}"', f'type = "{type_}"']

    def _function(self) -> list[str]:
        name = {
            ("python", False): "record",
            ("batch", False): "batch",
            ("python", True): "group",
            ("batch", True): "group_batch",
        }[self.kind, self.scope != "record"]
        lines = [f'python = "code_{self.name}:{name}"', f"inputs = {list(self.inputs)}", 'type = "int64"']
        lines.append(f"parameters = {{ p = {self.parameter} }}")
        if self.kind == "batch":
            lines.append("batch = true")
        if self.version is not None:
            lines.append(f'version = "{self.version}"')
        return lines

    def python(self) -> str:
        """The module of a Python step."""
        return PYTHON.format(code=self.code, comment=self.comment)

    def units(self, seen: dict[str, Values]) -> list[tuple[str, ...]]:
        """Return the sources that are made together, of those with inputs `seen`."""
        if self.scope == "record":
            return [(source,) for source in seen]
        if self.scope == "global":
            return [tuple(seen)] if seen else []
        at = self.depends.index(str(self.group))
        groups: dict[str, list[str]] = {}
        for source, values in seen.items():
            key = sorted(values[at].items()) if isinstance(values[at], dict) else values[at]
            groups.setdefault(f"alone {source}" if key is None else repr(key), []).append(source)
        return [tuple(members) for members in groups.values()]

    def make(self, members: Sequence[Values]) -> list[Any]:
        """Return what the step makes of some sources together; text is a failure.

        Args:
            members: For each, what `depends` names.
        """
        inputs = [values[: len(self.inputs)] for values in members]
        try:
            if self.scope != "record":
                return [
                    f"expected int64, found {value!r}" if value == "text" else value
                    for value in of_group(inputs, self.parameter, self.code)
                ]
            return [self._value(inputs[0])]
        except ValueError as err:
            return [f"ValueError: {err}"] * len(members)

    def _value(self, values: Values) -> Any:
        if self.kind not in SQL:
            return of_record(values, self.parameter, self.code)
        x, y = values[0], values[-1]
        if self.kind == "add":
            return None if x is None else x + self.parameter * 100 + self.code
        if self.kind == "cut":
            return None if x is None else x // (self.parameter + 2) + self.code
        return {"m": None if x is None else x % 3, "v": (self.parameter if y is None else y) + self.code}


@dataclass(frozen=True)
class DatasetModel:
    """One dataset."""

    where: str
    """A path, whose value must be above `least`."""
    least: int
    by: str | None = None

    def toml(self) -> str:
        """The dataset in a recipe."""
        lines = ["[dataset.data]", f'where = "{self.where} > {self.least}"', f'columns = {{ x = "{self.where}" }}']
        if self.by is not None:
            lines += ['split = "parts"', "[split.parts]", f'by = "{self.by}"', "parts = { one = 0.5, two = 0.3 }"]
        return "\n".join(lines)


def transform_name(scope: str, n_inputs: int, code: int) -> str:
    """Return the name of an installed transform."""
    return f"{scope}{n_inputs}v{code}"


def _transform(scope: str, n_inputs: int, code_: int) -> type[Transform]:
    class Model(Transform):
        """Needs pixels, and looks at none: that they may have changed is all that matters."""

        version = str(code_)
        output = "int64"
        kind = "map" if scope == "record" else scope
        needs_pixels = True
        inputs = {f"x{i}": None for i in range(n_inputs)}
        parameters = {"p": Option(int, "added", 1)}

        def __call__(self, batch, pixels=None):
            columns = [batch.column(name).to_pylist() for name in self.inputs]
            members = list(zip(*columns, strict=True)) if columns else [()] * batch.num_rows
            if self.kind == "map":
                return self._records(members)
            made = of_group(members, self.settings["p"], code_)
            failed = {row: "expected int64, found 'text'" for row, value in enumerate(made) if value == "text"}
            return Outcome([None if value == "text" else value for value in made], failed)

        def _records(self, members):
            made, failed = [], {}
            for row, values in enumerate(members):
                try:
                    made.append(of_record(values, self.settings["p"], code_))
                except ValueError as err:
                    made.append(None)
                    failed[row] = f"ValueError: {err}"
            return Outcome(made, failed)

    return Model


@hookimpl
def dsvc_transforms():
    """Offer a transform for every scope, number of inputs and code."""
    names = [(scope, n, code) for scope in ("record", "group", "global") for n in range(4) for code in CODES]
    return {transform_name(*name): _transform(*name) for name in names}


PLUGINS = Plugins([EntryPoint("models", __name__, "dsvc")])
