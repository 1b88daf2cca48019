"""What every command looks like: one help line, an example, and the exit statuses it can end with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

STATUS_DONE = 0
STATUS_SOME_FAILED = 3
"""Everything was done that could be, but some records failed; `dsvc status` names them."""
STATUS_DIFFERS = 4
"""What was made again is not equal to what is stored, which stays."""
STATUS_NOT_COMPARED = 18
"""Something could not be made again; as `NotReproducibleError`."""

PLUGIN_COMMANDS = "dsvc.commands"
"""Entry point group of plugins' commands: the entry point's name is the command as typed."""

_ALWAYS = {0: "done", 2: "wrong usage"}
_IN_REPOSITORY = {1: "refused; the message says what to do", 10: "not in a repository"}


class DocumentedCommand(click.Command):
    """A command whose help ends with an Example block and an Exit status block."""

    def __init__(
        self, *args: Any, examples: Sequence[str] = (), statuses: Mapping[int, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.help = _without_period(self.help)
        self.examples = tuple(examples)
        """Command lines that work as they stand, in a repository that has what they name."""
        self.statuses = dict(sorted((statuses or _ALWAYS).items()))
        """Exit status -> what it says."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples and the exit statuses."""
        if self.examples:
            with formatter.section("Example"):
                for line in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
        with formatter.section("Exit status"):
            formatter.write_dl([(str(status), meaning) for status, meaning in self.statuses.items()])


class DocumentedGroup(click.Group):
    """A group whose help line has the form of a command's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help = _without_period(self.help)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help line of every command, whole, on as many lines as it needs."""
        listed = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, item.get_short_help_str(200)) for name, item in listed if item is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _without_period(text: str | None) -> str | None:
    """Return a docstring with a help line's form: its first line ends without a period."""
    summary, newline, rest = (text or "").strip().partition("\n")
    return summary.removesuffix(".") + newline + rest or None


def command(
    *,
    examples: Sequence[str],
    group: click.Group | None = None,
    name: str | None = None,
    in_repository: bool = True,
    statuses: Mapping[int, str] | None = None,
) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command; its docstring is the help, the first line the summary.

    Args:
        examples: Command lines to show in the help.
        group: The group it belongs to; the root's lazy table finds it when None.
        name: The name as typed, when it is not the function's.
        in_repository: Whether it works on a repository, and so can end with the statuses of that.
        statuses: Exit statuses it has beside the usual ones, or with a more exact meaning.
    """
    every = {**_ALWAYS, **(_IN_REPOSITORY if in_repository else {}), **(statuses or {})}
    make = click.command if group is None else group.command

    def decorate(function: Callable[..., Any]) -> click.Command:
        named = name or function.__name__.rstrip("_")
        return make(named, cls=DocumentedCommand, examples=examples, statuses=every)(function)

    return decorate


def plugin_commands() -> dict[str, EntryPoint]:
    """Return the entry points of plugins' commands by name; none is loaded."""
    from importlib.metadata import entry_points  # costs more than a whole `dsvc log`

    return {point.name: point for point in entry_points(group=PLUGIN_COMMANDS)}


def load_plugin_command(entry_point: EntryPoint) -> object:
    """Return what the entry point of a plugin's command names.

    Raises:
        PluginError: If it cannot be loaded.
    """
    try:
        return entry_point.load()
    except Exception as err:
        from dsvc.errors import PluginError

        raise PluginError(
            plugin=entry_point.name,
            hook="command",
            reason=f"cannot be loaded from {entry_point.value!r}: {type(err).__name__}: {err}",
            hint="update or uninstall the package that brings it",
        ) from err
