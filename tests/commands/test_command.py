"""What every command looks like."""

from pathlib import Path

import click
import pytest

from dsvc.commands._command import (
    STATUS_SOME_FAILED,
    DocumentedGroup,
    command,
    load_plugin_command,
    plugin_commands,
)
from dsvc.errors import PluginError


@command(examples=["dsvc greet Ada"], statuses={STATUS_SOME_FAILED: "some were away"})
@click.argument("name")
def greet(*, name):
    """Say hello.

    To everyone named.
    """
    click.echo(f"hello {name}")


def help_of(of):
    """Return what `-h` prints."""
    return of.get_help(click.Context(of, info_name=of.name))


def test_help_line_has_no_period():
    """The docstring's summary is a sentence, the help line is not."""
    assert "Say hello\n\nTo everyone named." == greet.help.replace("\n    ", "\n")


def test_help_ends_with_example_and_statuses():
    """Statuses are sorted, and the usual ones are among them."""
    tail = help_of(greet).partition("Example:")[2]

    assert "\n  dsvc greet Ada\n" in tail
    assert ["0", "1", "2", "3", "10"] == [
        line.split()[0] for line in tail.partition("Exit status:")[2].splitlines()[1:]
    ]


def test_command_without_repository_has_no_status_for_one():
    """A command that works anywhere cannot end with `not in a repository`."""

    @command(examples=["dsvc where"], in_repository=False)
    def where():
        """Say where."""

    assert [0, 2] == list(where.statuses)


def test_group_takes_its_commands():
    """A command of a group is named after its function, without the underscore that keeps it off a builtin."""

    @click.group(cls=DocumentedGroup)
    def things():
        """Look at things."""

    @command(group=things, examples=["dsvc things list"])
    def list_():
        """List things."""

    assert ["list"] == list(things.commands)
    assert "Look at things" == things.help


def test_plugin_commands_are_not_loaded(monkeypatch):
    """Looking for a name imports no plugin."""
    from importlib.metadata import EntryPoint

    broken = EntryPoint("x", "no_such_module:x", "dsvc.commands")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [broken])

    assert {"x": broken} == plugin_commands()


def test_a_command_that_does_not_load_is_a_broken_plugin():
    """Named, with what its module raised."""
    from importlib.metadata import EntryPoint

    with pytest.raises(PluginError, match="cannot be loaded from 'no_such_module:x': ModuleNotFoundError"):
        load_plugin_command(EntryPoint("x", "no_such_module:x", "dsvc.commands"))
    assert Path is load_plugin_command(EntryPoint("x", "pathlib:Path", "dsvc.commands"))
