"""What an installed producer says of a signal: type, accepted versions and adapters, where the recipe says nothing.

A signal whose `producer` no plugin offers is what the recipe says and no more, so a recipe that only names a producer
means the same with and without plugins until one offers that name.

Source: docs/how-to/model-worker.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dsvc.errors import PluginError, SchemaError
from dsvc.objects.types import parse_type
from dsvc.recipe.versions import VersionRange

if TYPE_CHECKING:
    from dsvc.plugins.manager import Plugins
    from dsvc.recipe.spec import SignalSpec

Adapt = Callable[[str, Any], Any]
"""Turns (version, raw output) into today's value."""


def fill_producer(spec: SignalSpec, given: Collection[str], plugins: Plugins) -> SignalSpec:
    """Return a signal with what its producer declares, if a plugin offers one of the name that the recipe gives.

    Args:
        spec: The signal as the recipe says.
        given: The keys of its section. Only where `producer` is among them is a plugin looked for; `type` and `accept`
            stay what the recipe says.
        plugins: Offers the producers.

    Raises:
        PluginError: If what the producer declares is no type or no range, or a plugin is broken that might offer it.
    """
    producer = plugins.find_producer(spec.producer) if "producer" in given else None
    if producer is None:
        return spec
    try:
        type_, accept = parse_type(producer.output), VersionRange.parse(producer.accept)
        adapter_version = str(producer.adapter_version)
    except (SchemaError, ValueError, AttributeError) as err:
        reason = f"what it declares is wrong: {err}"
        raise PluginError(
            plugin=spec.producer, hook="dsvc_producers", reason=reason, hint="update or uninstall the plugin"
        ) from err
    return replace(
        spec,
        type=spec.type if "type" in given else type_,
        accept=spec.accept if "accept" in given else accept,
        adapter_version=adapter_version,
    )


def load_adapt(spec: SignalSpec, plugins: Plugins) -> Adapt | None:
    """Return what adapts the values of a signal that no range of its `formats` has; None where nothing does."""
    if spec.adapter_version is None:
        return None
    producer = plugins.find_producer(spec.producer)
    return None if producer is None else producer().adapt
