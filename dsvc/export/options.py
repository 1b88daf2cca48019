"""Making the exporter of a format from what the caller says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsvc.errors import ConfigError
from dsvc.plugins.contracts import Exporter
from dsvc.plugins.manager import Plugins
from dsvc.plugins.options import fill_options, iter_problems


def make_exporter(plugins: Plugins, name: str, given: Mapping[str, Any]) -> tuple[Exporter, dict[str, Any]]:
    """Return the exporter of a format, and all its options.

    Args:
        plugins: Offers formats.
        name: The format.
        given: Some of its options.

    Raises:
        PluginNotFoundError: If no plugin offers the format.
        ConfigError: If it has no such option, or the option no such value.
    """
    kind = plugins.get_exporter(name)
    for problem in iter_problems(kind.options, given):
        raise ConfigError(
            file=f"format {name!r}",
            key=problem.key,
            expected=problem.expected,
            found=problem.found,
            hint=f"did you mean {problem.nearest!r}?" if problem.nearest else None,
        )
    options = fill_options(kind.options, given)
    return kind(options), options
