"""The front desk: the root command, global options, and the one map from errors to exit statuses.

A command's module is imported when that command is invoked (or listed by `dsvc --help`), never before;
a command of a plugin is looked for only when no built-in command has the name.
Only this module turns an exception into words on stderr and an exit status:

| what reached the front desk | printed | exit status |
| --- | --- | --- |
| `DsvcError` | `Error:`, `Caused by:`, `Hint:` | `exit_code` of its class |
| wrong usage (click) | the usage line and the nearest spelling | 2 |
| interrupt | `Interrupted` | 130 |
| reader of stdout has gone | nothing | 141 |
| no room for what is printed | `Error:` | 1 |
| anything else: a bug | the traceback | 70 |
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
from collections.abc import Sequence
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dsvc.commands._command import DocumentedGroup, load_plugin_command, plugin_commands
from dsvc.commands._render import PAGER_WANTED, print_bug, print_error
from dsvc.errors import DsvcError, PluginError, UserError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint
    from typing import TextIO

SECTIONS: dict[str, tuple[str, ...]] = {
    "Start": ("init", "demo"),
    "Take records in": ("ingest", "put", "remove", "feed"),
    "Derive": ("recipe", "plan", "try", "run", "reproduce"),
    "People": ("annotate",),
    "Look": ("status", "log", "show", "diff", "read", "dataset", "sql", "blame"),
    "Keep versions": ("commit", "branch", "switch", "tag", "checkout"),
    "The tool itself": ("op", "plugin", "completion"),
}
"""Built-in commands as `dsvc --help` lists them; each is the attribute of its own name in `dsvc.commands.<name>`."""

BUILTIN_NAMES = frozenset(name for names in SECTIONS.values() for name in names)

EXIT_USAGE = 2
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

NOT_PRINTED = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT}  # files and stores have errors of their own

COMPLETION_VARIABLE = "_DSVC_COMPLETE"


class FrontDesk(DocumentedGroup):
    """The root group, whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, those of plugins last."""
        return [*(name for names in SECTIONS.values() for name in names), *sorted(_foreign())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, importing its module now; None when there is none."""
        if cmd_name in BUILTIN_NAMES:
            from importlib import import_module

            module = cmd_name + "_" * iskeyword(cmd_name)
            command = getattr(import_module(f"dsvc.commands.{module}"), module)
        else:
            entry_point = _foreign().get(cmd_name)
            command = None if entry_point is None else load_plugin_command(entry_point)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command the arguments name, or refuse with the nearest name there is."""
        name = args[0]
        command = self.get_command(ctx, name)
        if command is not None:
            return name, command, args[1:]
        if ctx.resilient_parsing or name.startswith("-"):
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches

        nearest = get_close_matches(name, self.list_commands(ctx), n=1)
        hint = f"Did you mean `dsvc {nearest[0]}`?" if nearest else "`dsvc --help` lists the commands."
        raise click.UsageError(f"no command is called `{name}`. {hint}", ctx=ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands section by section."""
        sections = {**SECTIONS, "From plugins": tuple(sorted(_foreign()))}
        width = max(map(len, BUILTIN_NAMES))
        for title, names in sections.items():
            rows = [(name.ljust(width), line) for name in names if (line := self._help_line(ctx, name)) is not None]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def _help_line(self, ctx: click.Context, name: str) -> str | None:
        try:
            command = self.get_command(ctx, name)
        except PluginError:  # one broken plugin must not take the help away
            return "(cannot be loaded: see `dsvc plugin check`)"
        return None if command is None else command.get_short_help_str(100)


def _foreign() -> dict[str, EntryPoint]:
    """Return the commands of plugins; a built-in name cannot be taken over."""
    return {name: point for name, point in plugin_commands().items() if name not in BUILTIN_NAMES}


def _enter_directory(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None and not ctx.resilient_parsing:
        os.chdir(value)


@click.group(cls=FrontDesk, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C",
    "directory",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    callback=_enter_directory,
    expose_value=False,
    help="Run as if started in DIR",
)
@click.option("--no-color", is_flag=True, help="Print without colour (also NO_COLOR)")
@click.option("--no-pager", is_flag=True, help="Print long output without a pager")
@click.version_option(package_name="dsvc", message="%(prog)s %(version)s", help="Print the version and exit")
@click.pass_context
def root(ctx: click.Context, *, no_color: bool, no_pager: bool) -> None:
    """Version datasets of signals about images that never leave their bucket."""
    if no_color or os.environ.get("NO_COLOR"):
        ctx.color = False
    ctx.meta[PAGER_WANTED] = not no_pager


def main(args: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status.

    Args:
        args: Arguments after the program's name; those of the process when None.
    """
    atexit.register(_end_quickly)
    sys.stdout, sys.stderr = (stream or _nowhere() for stream in (sys.stdout, sys.stderr))  # None where it is closed
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a letter that the terminal has not is escaped, and stops nothing
            stream.reconfigure(errors="backslashreplace")
    instruction = os.environ.get(COMPLETION_VARIABLE)
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(root, {}, "dsvc", COMPLETION_VARIABLE, instruction)
    try:
        status = _invoke(list(sys.argv[1:] if args is None else args))
        sys.stdout.flush()
    except OSError as error:
        # Python flushes stdout once more at exit: give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return EXIT_BROKEN_PIPE
        print_error(UserError(message=f"cannot print: {error.strerror}"))
        return UserError.exit_code
    return status


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _end_quickly() -> None:
    """Let what is left go with the process: looking through it once more takes a fifth of a quick command.

    Commands that have loaded an engine are not quick, and engines want to see their objects go.
    """
    if not sys.modules.keys() & {"pyarrow", "duckdb"}:
        gc.freeze()


def _invoke(args: list[str]) -> int:
    try:
        with root.make_context("dsvc", args, auto_envvar_prefix="DSVC") as ctx:
            root.invoke(ctx)
    except click.exceptions.Exit as request:
        return request.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted", err=True)
        return EXIT_INTERRUPTED
    except DsvcError as error:
        print_error(error)
        return error.exit_code
    except Exception as error:  # whatever is no DsvcError is a bug, and is shown whole
        if isinstance(error, OSError) and error.errno in NOT_PRINTED:
            raise
        print_bug(error)
        return EXIT_BUG
    return 0
