"""The sections of `dsvc.toml`, each read into its spec. What one section says of another is checked in `graph.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from dsvc.errors import SchemaError
from dsvc.objects.types import Type, parse_type
from dsvc.plugins.options import fill_options, iter_problems
from dsvc.recipe.expressions import Place, parse_expression, parse_select
from dsvc.recipe.files import REFERENCE
from dsvc.recipe.names import COLUMN, COLUMN_RULE
from dsvc.recipe.paths import InputPath
from dsvc.recipe.producers import fill_producer
from dsvc.recipe.scopes import check_kind, read_scope, refuse_scope
from dsvc.recipe.secrets import VARIABLE
from dsvc.recipe.spec import PIXELS, AboutSpec, FeedSpec, SignalSpec, SplitSpec, StepSpec
from dsvc.recipe.table import Table, shown
from dsvc.recipe.versions import EVERY_VERSION, VersionRange

if TYPE_CHECKING:
    from dsvc.plugins.manager import Plugins
    from dsvc.plugins.options import Option

MAX_PARTS = 127
"""Parts of a split; the index of one is stored as int8."""

_REFERENCE_RULE = "`module:function`, of a Python file beside dsvc.toml"


_MAPPING_KEYS = ("pointer", "content_id", "size", "modified", "cursor", "about", "filter")
_FEED_KEYS = ("plugin", *_MAPPING_KEYS)


def read_feed(table: Table, plugins: Plugins | None) -> FeedSpec:
    """Return one `[feed.NAME]`; with `plugins`, its options are checked against the plugin's declaration."""
    plugin = table.require("plugin", "the name of a feed plugin, e.g. `files` or `mongodb`")
    about = _read_about(table)
    if about is None:
        pointer = table.path_text("pointer")
        if pointer is None:
            table.require(
                "pointer", "the dotted path of the pointer, or `about` for documents of another feed's sources"
            )
    else:
        pointer = None
        table.refuse(("pointer", "content_id", "size", "modified"), "a feed with `about` adds no sources")
    spec = FeedSpec(
        name=table.name,
        plugin=plugin,
        pointer=pointer,
        content_id=None if about else table.path_text("content_id"),
        size=None if about else table.path_text("size"),
        modified=None if about else table.path_text("modified"),
        cursor=table.path_text("cursor"),
        about=about,
        filter=table.table("filter"),
        options=table.rest(),
    )
    for key in _MAPPING_KEYS:
        _refuse_variables(table, (key,), table.get(key, object))
    if plugins is not None:
        check_options(table, plugins.get_feed(plugin).options, spec.options, also=_FEED_KEYS)
    return spec


def _read_about(table: Table) -> AboutSpec | None:
    if not table.table("about"):
        return None
    inner = Table(table.recipe, (*table.path, "about"), table.table("about"))
    paths = [inner.require("feed", "the name of a feed")]
    for key in ("field", "key"):
        inner.require(key, "a dotted path into a document")
        paths.append(inner.path_text(key) or "")
    inner.finish()
    return AboutSpec(*paths)


def read_signal(table: Table, plugins: Plugins | None = None) -> SignalSpec:
    """Return one `[signal.NAME]`; with `plugins`, what its producer declares is filled in."""
    feed = table.require("from", "the name of a feed")
    value, fields = table.path_text("value"), table.paths("fields")
    if (value is None) == (not fields):
        found = "both" if fields else "neither"
        raise table.error(None, "either `value`, a dotted path, or `fields`, a table of them", found)
    check_columns(table, "fields", fields)
    only = table.table("only")
    for path, literal in only.items():
        if not isinstance(literal, str | int | float | bool) or not all(path.split(".")):
            raise table.error(
                ("only", path), "a dotted path and the text, number or bool to find there", shown(literal)
            )
    spec = SignalSpec(
        name=table.name,
        feed=feed,
        value=value,
        fields=tuple(sorted(fields.items())),
        version=table.path_text("version"),
        producer=table.text("producer") or table.name,
        only=only,
        type=read_type(table),
        accept=read_range(table, "accept", table.text("accept")),
        formats=read_formats(table),
        content_id=table.path_text("content_id"),
    )
    finish_without_variables(table)
    return spec if plugins is None else fill_producer(spec, tuple(table), plugins)


def read_formats(table: Table) -> tuple[tuple[VersionRange, str], ...]:
    """Return the adapters of old versions, in file order."""
    formats = table.table("formats", "a table of version ranges and `module:function`")
    for text, reference in formats.items():
        if not isinstance(reference, str) or not REFERENCE.fullmatch(reference):
            raise table.error(("formats", text), _REFERENCE_RULE, shown(reference))
    return tuple((read_range(table, ("formats", text), text), reference) for text, reference in formats.items())


def read_range(table: Table, key: Any, text: str | None) -> VersionRange:
    """Return the versions that a text names; all where there is none."""
    try:
        return EVERY_VERSION if text is None else VersionRange.parse(text)
    except ValueError as err:
        raise table.error(key, str(err), repr(text)) from err


def read_type(table: Table) -> Type | None:
    """Return the declared type; None where there is none."""
    text = table.text("type", "a type, e.g. `boxes`, `rating(5)` or `int64`")
    try:
        return None if text is None else parse_type(text)
    except SchemaError as err:
        raise table.error("type", "a type", repr(text), hint=err.hint) from err


def read_step(table: Table, plugins: Plugins | None) -> StepSpec:
    """Return one `[step.NAME]`; with `plugins`, an installed transform's declaration is checked and filled in."""
    given = [kind for kind in ("sql", "python", "transform") if table.text(kind) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise table.error(None, "one of `sql`, `python` and `transform`", found)
    read = {"sql": _read_sql, "python": _read_python, "transform": _read_transform}[given[0]]
    spec = read(table, plugins)
    salt = table.text("salt")
    finish_without_variables(table)
    return spec if salt is None else replace(spec, salt=salt)


def _read_sql(table: Table, _: Plugins | None) -> StepSpec:
    text = table.require("sql")
    table.refuse(("inputs",), "they are the signals that the SQL names")
    table.refuse(("parameters", "environment", "files", "batch"), "an SQL step has none")
    refuse_scope(table)
    select = parse_select(text, place_of(table, "sql"))
    if not select.inputs:
        raise table.error("sql", "at least one signal", "none")
    return StepSpec(
        name=table.name,
        kind="sql",
        code=text,
        select=select,
        inputs=select.inputs,
        optional=_read_optional(table, select.inputs),
        version=table.text("version"),
        type=read_type(table),
    )


def _read_python(table: Table, _: Plugins | None) -> StepSpec:
    reference = table.require("python")
    if not REFERENCE.fullmatch(reference):
        raise table.error("python", _REFERENCE_RULE, repr(reference))
    inputs, pixels = _read_inputs(table)
    if pixels:
        raise table.error("inputs", "signals: only an installed transform reads pixels", repr(PIXELS))
    parameters = table.table("parameters")
    for key in parameters:
        if not key.isidentifier():
            raise table.error(("parameters", key), "the name of an argument", repr(key))
    optional = _read_optional(table, inputs)
    scope = read_scope(table, optional)
    return StepSpec(
        name=table.name,
        kind="python",
        code=reference,
        inputs=inputs,
        optional=optional,
        batch=table.flag("batch"),
        parameters=_check_parameters(table, parameters),
        version=table.text("version"),
        environment=_read_environment(table),
        files=_read_files(table),
        type=read_type(table),
        scope=scope.scope,
        group=scope.group,
    )


def _read_transform(table: Table, plugins: Plugins | None) -> StepSpec:
    name = table.require("transform")
    table.refuse(("version", "batch", "type"), "an installed transform declares its own")
    inputs, pixels = _read_inputs(table)
    parameters = _check_parameters(table, table.table("parameters"))
    optional = _read_optional(table, inputs)
    scope = read_scope(table, optional)
    if plugins is not None:
        transform = plugins.get_transform(name)
        check_kind(table, name, transform, scope)
        check_options(table, transform.parameters, parameters, "parameters")
        parameters = fill_options(transform.parameters, parameters)
        if pixels != transform.needs_pixels:
            expected = f"`{PIXELS}` among them" if transform.needs_pixels else f"no `{PIXELS}`: {name} reads none"
            raise table.error("inputs", expected, shown([str(path) for path in inputs]))
        if len(inputs) != len(transform.inputs):
            expected = (
                ", ".join(f"{role} ({type_ or 'any type'})" for role, type_ in transform.inputs.items()) or "none"
            )
            raise table.error("inputs", f"{expected}, in this order", shown([str(path) for path in inputs]))
    return StepSpec(
        name=table.name,
        kind="transform",
        code=name,
        inputs=inputs,
        pixels=pixels,
        optional=optional,
        parameters=parameters,
        environment=_read_environment(table),
        files=_read_files(table),
        scope=scope.scope,
        group=scope.group,
    )


def _read_inputs(table: Table) -> tuple[tuple[InputPath, ...], bool]:
    texts = table.texts("inputs", 'an array of signals and fields, e.g. `["face_detection", "capture.country"]`')
    paths = []
    for index, text in enumerate(texts):
        try:
            path = InputPath.parse(text)
        except ValueError as err:
            raise table.error(("inputs", index), "a signal or a field of one", repr(text)) from err
        if text != PIXELS:
            paths.append(path)
    if not texts:
        raise table.error("inputs", "at least one signal", "none")
    return tuple(paths), PIXELS in texts


def _read_optional(table: Table, inputs: tuple[InputPath, ...]) -> frozenset[InputPath]:
    """Return the inputs that `optional` names, each or by their signal."""
    optional: set[InputPath] = set()
    for index, text in enumerate(table.texts("optional")):
        named = {path for path in inputs if text in (str(path), path.signal)}
        if not named:
            known = ", ".join(map(str, inputs))
            raise table.error(("optional", index), f"one of the inputs ({known})", repr(text))
        optional |= named
    return frozenset(optional)


def _check_parameters(table: Table, parameters: Mapping[str, Any]) -> dict[str, Any]:
    def check(path: tuple[str | int, ...], value: Any) -> None:
        if isinstance(value, Mapping):
            for key, child in value.items():
                check((*path, key), child)
        elif isinstance(value, list):
            for index, child in enumerate(value):
                check((*path, index), child)
        elif not isinstance(value, str | int | float | bool):
            raise table.error(path, "a text, number, bool, array or table", shown(value))

    check(("parameters",), parameters)
    return dict(parameters)


def _read_environment(table: Table) -> Mapping[str, Any]:
    environment = table.table("environment", 'a table, e.g. `{ opencv = "4.10" }`')
    for key, value in environment.items():
        if not isinstance(value, str | int | float | bool):
            raise table.error(("environment", key), "a text, number or bool", shown(value))
    return environment


def _read_files(table: Table) -> tuple[str, ...]:
    files = table.texts("files", "an array of paths")
    for index, file in enumerate(files):
        if PurePosixPath(file).is_absolute():
            raise table.error(("files", index), "a path relative to the directory of dsvc.toml", repr(file))
    return files


def read_split(table: Table) -> SplitSpec:
    """Return one `[split.NAME]`."""
    by = parse_expression(table.require("by", "an expression, e.g. `capture.subject`"), place_of(table, "by"))
    if not by.inputs:
        raise table.error("by", "at least one signal", "none")
    given = table.get("parts", Mapping, "a table of names and shares, e.g. `{ train = 0.8, test = 0.2 }`")
    if not given or len(given) > MAX_PARTS:
        raise table.error("parts", f"1 to {MAX_PARTS} names with shares", shown(given) if given else "nothing")
    check_columns(table, "parts", given)
    parts = []
    for name, share in given.items():
        exact = Decimal(share) if isinstance(share, int | Decimal) and not isinstance(share, bool) else None
        if exact is None or not exact.is_finite() or not 0 < exact <= 1:
            raise table.error(("parts", name), "a share above 0 and at most 1", shown(share))
        parts.append((name, exact))
    total = sum(share for _, share in parts)
    if total > 1:
        raise table.error("parts", "shares whose sum is at most 1", f"{total}")
    spec = SplitSpec(table.name, by, tuple(parts), table.get("seed", str) or "")
    finish_without_variables(table)
    return spec


def check_columns(table: Table, key: str, names: Mapping[str, Any]) -> None:
    """Check names of columns, fields or parts: a form, and no two that differ by case alone."""
    seen: dict[str, str] = {}
    for name in names:
        if not COLUMN.fullmatch(name):
            raise table.error((key, name), COLUMN_RULE, repr(name))
        if key == "columns" and name == "source":
            raise table.error((key, name), "another name: `source` is the pointer", repr(name))
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise table.error((key, name), "names that differ by more than case", f"{other!r} and {name!r}")


def check_options(
    table: Table, declared: Mapping[str, Option], given: Mapping[str, Any], *inner: str, also: Sequence[str] = ()
) -> None:
    """Check what is given against a plugin's declaration; `also` are keys that could have been meant besides."""
    for problem in iter_problems(declared, given):
        unknown = problem.key not in declared
        near = get_close_matches(problem.key, (*declared, *also), 1) if unknown else []
        nearest = near[0] if near else problem.nearest
        raise table.error((*inner, problem.key), problem.expected, problem.found, nearest=nearest)


def place_of(table: Table, *key: str) -> Place:
    """Return where a key of a table is written."""
    error = table.error(key, "")
    return Place(error.file, error.line, error.key)


def finish_without_variables(table: Table) -> None:
    """Check that every key was asked for, and that none refers to the environment."""
    table.finish()
    for key in table:
        _refuse_variables(table, (key,), table.get(key, object))


def _refuse_variables(table: Table, key: tuple[str | int, ...], value: Any) -> None:
    """Check that nothing refers to the environment, of which no hash may know."""
    if isinstance(value, str) and VARIABLE.search(value):
        raise table.error(key, "no environment variable: only the options of a feed's plugin have them", repr(value))
    if isinstance(value, Mapping):
        for name, child in value.items():
            _refuse_variables(table, (*key, name), child)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _refuse_variables(table, (*key, index), child)
