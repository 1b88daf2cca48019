"""Opening a feed as the recipe says, and closing it whatever happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from dsvc.errors import DsvcError, PluginError
from dsvc.plugins.contracts import Feed, FeedQuery
from dsvc.plugins.manager import Plugins
from dsvc.plugins.options import fill_options
from dsvc.recipe.secrets import expand_env
from dsvc.recipe.spec import FeedSpec


@contextmanager
def open_feed(
    spec: FeedSpec, plugins: Plugins, directory: Path, environ: Mapping[str, str], fields: Sequence[str]
) -> Iterator[Feed]:
    """Give a feed, and close it; what a plugin raises on its own account is an error that names it.

    Args:
        spec: The feed's section of the recipe.
        plugins: Offers it.
        directory: The recipe's, which relative paths start from.
        environ: What `${NAME}` in its options stands for.
        fields: Dotted paths that will be read; none asks for whole documents.

    Raises:
        PluginError: If no plugin offers it, or the plugin fails.
        ConfigError: If an environment variable is not set.
    """
    plugin = plugins.get_feed(spec.plugin)
    declared = plugin.options
    given = {name: value for name, value in spec.options.items() if name in declared}
    options = fill_options(declared, expand_env(given, environ, key=f"feed.{spec.name}"))
    query = FeedQuery(spec.filter, tuple(fields) or None, spec.cursor)
    try:
        with closing(plugin(spec.name, options, directory, query)) as feed:
            yield feed
    except DsvcError:
        raise
    except Exception as err:
        reason = f"feed {spec.name!r} failed: {type(err).__name__}: {err}"
        raise PluginError(plugin=spec.plugin, hook="read", reason=reason) from err
