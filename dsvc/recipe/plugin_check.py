"""What can be told of an installed plugin without using it: whether it loads, and whether what it declares is sound.

A recipe meets these declarations when it is loaded; here they are looked at before any recipe names them.

Source: docs/how-to/plugins.md#checking.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, version
from typing import Any

from dsvc.errors import DsvcError
from dsvc.objects.types import parse_type
from dsvc.plugins.manager import Plugins
from dsvc.plugins.options import REQUIRED, Option
from dsvc.recipe.versions import VersionRange

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_SUFFIX = re.compile(r"\.[a-z0-9_]+(\.[a-z0-9_]+)*")
_NEEDS = re.compile(r"dsvc\s*(\[[^\]]*\])?\s*\(?([^;)]*)\)?\s*(;.*)?")
_KINDS_OF_TRANSFORM = {"map", "group", "global"}


@dataclass(frozen=True)
class PluginReport:
    """What was found of one plugin.

    Attributes:
        name: Of its entry point.
        package: What it was installed with, None if that is not known.
        version: Of the package.
        offers: (kind, name) of what it offers.
        problems: What is wrong with it; none for a plugin that is well.
    """

    name: str
    package: str | None
    version: str | None
    offers: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()


def check_plugins(plugins: Plugins) -> list[PluginReport]:
    """Return what is found of each plugin, in the order of their names. Nothing of them is called but their hooks."""
    offered: dict[str, list[tuple[str, str]]] = {entry.name: [] for entry in plugins.entries}
    problems: dict[str, list[str]] = {entry.name: [] for entry in plugins.entries}
    for kind in plugins.kinds:
        for name, givers in sorted(plugins.offers(kind).items()):
            for plugin, offer in givers:
                offered[plugin].append((kind, name))
                problems[plugin] += (f"{kind} {name!r}: {problem}" for problem in _problems(kind, name, offer))
                others = [repr(other) for other, _ in givers if other != plugin]
                if others:
                    problems[plugin].append(f"{kind} {name!r}: offered by {' and '.join(others)} too")
    reports = []
    for entry in plugins.entries:
        broken = plugins.broken.get(entry.name)
        found = [f"{broken.hook}: {broken.reason}"] if broken is not None else []
        found += [*problems[entry.name], *unmet_needs(entry)]
        if broken is None and not offered[entry.name]:
            found.append("it offers nothing: no hook of it gives a name")
        dist = entry.dist
        reports.append(
            PluginReport(
                entry.name,
                None if dist is None else dist.name,
                None if dist is None else dist.version,
                tuple(offered[entry.name]),
                tuple(found),
            )
        )
    return reports


def unmet_needs(entry: EntryPoint) -> Iterator[str]:
    """Yield why the package of an entry point does not go with this version of dsvc."""
    dist: Distribution | None = entry.dist
    try:
        ours = version("dsvc")
    except PackageNotFoundError:
        return
    for line in (dist.requires if dist is not None else None) or ():
        match = _NEEDS.fullmatch(line.strip())
        if match is None or not match[2].strip() or "extra" in (match[3] or ""):
            continue
        try:
            needed = VersionRange.parse(match[2].strip())
        except (DsvcError, ValueError):
            continue  # a way to write ranges that is pip's business
        if ours not in needed:
            yield f"it needs dsvc {match[2].strip()}, and this is {ours}"


def _problems(kind: str, name: str, offer: type) -> Iterator[str]:
    """Yield what is wrong with one offer."""
    if _NAME.fullmatch(name) is None:
        yield "a name is lower-case letters, digits, - and _, and begins with a letter"
    lacking = sorted(getattr(offer, "__abstractmethods__", ()))
    if lacking:
        yield f"{offer.__name__} lacks {', '.join(lacking)}"
    if not inspect.getdoc(offer) or inspect.getdoc(offer) == inspect.getdoc(offer.__mro__[1]):
        yield f"{offer.__name__} has no docstring that says what it is"
    check = _CHECKS.get(kind)
    if check is not None:
        yield from check(offer)


def _check_feed(offer: Any) -> Iterator[str]:
    yield from _check_options("options", offer.options)
    unknown = [key for key in offer.meaning_keys if key not in offer.options]
    if unknown:
        yield f"meaning_keys: {', '.join(map(repr, unknown))} not among its options"


def _check_transform(offer: Any) -> Iterator[str]:
    yield from _check_text(offer, "version")
    yield from _check_type(offer, "output")
    yield from _check_options("parameters", offer.parameters)
    if offer.kind not in _KINDS_OF_TRANSFORM:
        yield f"kind: expected one of {', '.join(sorted(_KINDS_OF_TRANSFORM))}, found {offer.kind!r}"
    for column, type_ in offer.inputs.items():
        if type_ is not None and (why := _no_type(type_)):
            yield f"inputs: {column!r}: {why}"


def _check_producer(offer: Any) -> Iterator[str]:
    yield from _check_type(offer, "output")
    yield from _check_text(offer, "adapter_version")
    try:
        VersionRange.parse(offer.accept)
    except AttributeError:
        yield "accept: there is none"
    except (DsvcError, TypeError, ValueError) as err:
        yield f"accept: {err}"


def _check_exporter(offer: Any) -> Iterator[str]:
    yield from _check_options("options", offer.options)
    suffix = getattr(offer, "suffix", None)
    if not isinstance(suffix, str) or _SUFFIX.fullmatch(suffix) is None:
        yield f"suffix: expected a dot and lower-case letters or digits, found {suffix!r}"


def _check_platform(offer: Any) -> Iterator[str]:
    yield from _check_options("options", offer.options)


_CHECKS: Mapping[str, Callable[[Any], Iterator[str]]] = {
    "feed": _check_feed,
    "transform": _check_transform,
    "producer": _check_producer,
    "exporter": _check_exporter,
    "platform": _check_platform,
}


def _check_text(offer: Any, name: str) -> Iterator[str]:
    text = getattr(offer, name, None)
    if not isinstance(text, str) or not text.strip():
        yield f"{name}: expected a text, found {text!r}"


def _check_type(offer: Any, name: str) -> Iterator[str]:
    text = getattr(offer, name, None)
    if why := _no_type(text):
        yield f"{name}: {why}"


def _no_type(text: Any) -> str | None:
    """Return why a text is no type; None where it is one."""
    if not isinstance(text, str):
        return f"expected a type, found {text!r}"
    try:
        parse_type(text)
    except DsvcError as err:
        return err.message
    return None


def _check_options(what: str, declared: Any) -> Iterator[str]:
    if not isinstance(declared, Mapping):
        yield f"{what}: expected key -> Option, found {declared!r}"
        return
    for key, option in declared.items():
        if not isinstance(option, Option):
            yield f"{what}: {key!r}: expected an Option, found {option!r}"
        elif not isinstance(key, str) or _KEY.fullmatch(key) is None:
            yield f"{what}: {key!r} is no key of a recipe"
        elif not option.doc:
            yield f"{what}: {key!r} is not explained"
        elif option.default is not REQUIRED and option.default is not None and not option.accepts(option.default):
            yield f"{what}: {key!r}: the default {option.default!r} is not {option.expected}"
