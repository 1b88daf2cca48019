"""Finding plugins: entry points are loaded when the first plugin is looked for, each on its own.

A plugin that breaks, on load or in a hook, takes nothing else with it: its error is kept and raised only when a name
is asked for that no working plugin offers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Final, cast

import pluggy

from dsvc.errors import PluginError, PluginNotFoundError
from dsvc.plugins import hookspecs
from dsvc.plugins.contracts import Executor, Exporter, Feed, Producer, Transform
from dsvc.plugins.platforms import Platform

if TYPE_CHECKING:
    from pluggy import HookImpl

_KINDS: Final[Mapping[str, tuple[str, type]]] = {
    "feed": ("dsvc_feeds", Feed),
    "transform": ("dsvc_transforms", Transform),
    "producer": ("dsvc_producers", Producer),
    "exporter": ("dsvc_exporters", Exporter),
    "executor": ("dsvc_executors", Executor),
    "platform": ("dsvc_platforms", Platform),
}


class Plugins:
    """The plugins of this environment, or of the entry points given.

    Args:
        found: Entry points to use instead of those installed; for tests.
    """

    def __init__(self, found: Iterable[EntryPoint] | None = None) -> None:
        self._found = found
        self._broken: dict[str, PluginError] = {}
        self._offers: dict[str, dict[str, list[tuple[str, type]]]] = {}

    def get_feed(self, name: str) -> type[Feed]:
        """Return a feed; as `get_transform`."""
        return cast("type[Feed]", self._get("feed", name))

    def get_transform(self, name: str) -> type[Transform]:
        """Return the transform of this name.

        Raises:
            PluginNotFoundError: If no plugin offers it; the message lists what there is.
            PluginError: If none offers it and a plugin is broken that might, or if two offer it.
        """
        return cast("type[Transform]", self._get("transform", name))

    def find_producer(self, name: str) -> type[Producer] | None:
        """Return the producer of this name; None where no plugin offers it and none is broken that might.

        A producer need not be installed, so only what could be it is an error.

        Raises:
            PluginError: If none offers it and a plugin is broken that might, or if two offer it.
        """
        if name not in self._offered("producer") and not self._broken:
            return None
        return cast("type[Producer]", self._get("producer", name))

    def get_exporter(self, name: str) -> type[Exporter]:
        """Return an exporter; as `get_transform`."""
        return cast("type[Exporter]", self._get("exporter", name))

    def get_executor(self, name: str) -> type[Executor]:
        """Return an executor; as `get_transform`."""
        return cast("type[Executor]", self._get("executor", name))

    def get_platform(self, name: str) -> type[Platform]:
        """Return an annotation platform; as `get_transform`."""
        return cast("type[Platform]", self._get("platform", name))

    def names(self, kind: str) -> list[str]:
        """Return the sorted names of what is offered; `kind` is `feed`, `transform`, and so on."""
        return sorted(self._offered(kind))

    @property
    def kinds(self) -> tuple[str, ...]:
        """What a plugin can offer: `feed`, `transform`, and so on."""
        return tuple(_KINDS)

    def offers(self, kind: str) -> Mapping[str, Sequence[tuple[str, type]]]:
        """Return what is offered of one kind: name -> (plugin, class), several where plugins clash."""
        return self._offered(kind)

    @cached_property
    def entries(self) -> tuple[EntryPoint, ...]:
        """The plugins that there are, broken ones included, in the order in which they are loaded."""
        found = entry_points(group=hookspecs.GROUP) if self._found is None else self._found
        return tuple(sorted(found, key=lambda entry: (entry.name, entry.value)))

    @property
    def broken(self) -> Mapping[str, PluginError]:
        """The plugins that failed so far, by entry point name, with their errors."""
        _ = self._manager
        return self._broken

    @cached_property
    def _manager(self) -> pluggy.PluginManager:
        manager = pluggy.PluginManager(hookspecs.GROUP)
        manager.add_hookspecs(hookspecs)
        for entry in self.entries:
            try:
                manager.register(entry.load(), entry.name)
                manager.check_pending()
            except Exception as err:  # noqa: BLE001 - a plugin's module may raise anything
                manager.unregister(name=entry.name)
                self._break(entry.name, "load", f"cannot be loaded from {entry.value!r}: {_told(err)}", err)
        return manager

    def _break(self, plugin: str, hook: str, reason: str, cause: BaseException | None = None) -> None:
        error = PluginError(plugin=plugin, hook=hook, reason=reason, hint=f"update or uninstall the plugin {plugin!r}")
        error.__cause__ = cause
        self._broken.setdefault(plugin, error)

    def _offered(self, kind: str) -> dict[str, list[tuple[str, type]]]:
        """Return name -> [(plugin, class), ...] of one kind."""
        if kind not in self._offers:
            hook, contract = _KINDS[kind]
            offers: dict[str, list[tuple[str, type]]] = {}
            for implementation in getattr(self._manager.hook, hook).get_hookimpls():
                for name, offered in self._ask(implementation, hook, contract).items():
                    offers.setdefault(name, []).append((implementation.plugin_name, offered))
            self._offers[kind] = offers
        return self._offers[kind]

    def _ask(self, implementation: HookImpl, hook: str, contract: type) -> Mapping[str, type]:
        """Return what one plugin offers; nothing, with its error kept, if that breaks the contract."""
        plugin = implementation.plugin_name
        try:
            offered = implementation.function()
        except Exception as err:  # noqa: BLE001 - a hook may raise anything
            self._break(plugin, hook, _told(err), err)
            return {}
        if not isinstance(offered, Mapping):
            self._break(plugin, hook, f"must return names and classes, returned {type(offered).__name__}")
            return {}
        for name, item in offered.items():
            if not (isinstance(name, str) and isinstance(item, type) and issubclass(item, contract)):
                self._break(plugin, hook, f"{name!r}: expected a subclass of {contract.__name__}, found {item!r}")
                return {}
        return offered

    def _get(self, kind: str, name: str) -> type:
        offers = self._offered(kind).get(name, [])
        if len(offers) == 1:
            return offers[0][1]
        hook = _KINDS[kind][0]
        if offers:
            others = " and ".join(repr(plugin) for plugin, _ in offers)
            raise PluginError(
                plugin=name, hook=hook, reason=f"offered by {others}", hint="uninstall all of them but one"
            )
        if self._broken:
            first = next(iter(self._broken.values()))
            broken = ", ".join(repr(plugin) for plugin in self._broken)
            raise PluginError(
                plugin=first.plugin,
                hook=first.hook,
                reason=f"{first.reason}; no other plugin offers the {kind} {name!r} (broken: {broken})",
                hint=first.hint,
            ) from first
        near = get_close_matches(name, self.names(kind), 1)
        raise PluginNotFoundError(
            plugin=name, what=kind, hook=hook, available=self.names(kind), nearest=near[0] if near else None
        )


def _told(err: BaseException) -> str:
    return f"{type(err).__name__}: {err}"
