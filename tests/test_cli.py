"""The front desk: finding commands, global options, and the exit status of every error."""

import io
import sys
from importlib.metadata import EntryPoint

import click
import pytest

from dsvc import cli
from dsvc.cli import BUILTIN_NAMES, main, root
from dsvc.commands._command import DocumentedCommand
from dsvc.errors import RefConflictError, UserError


def commands():
    """Yield every built-in command with its path, those of groups too."""
    ctx = click.Context(root)
    for name in sorted(BUILTIN_NAMES):
        command = root.get_command(ctx, name)
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", command.commands[sub]) for sub in command.commands)
        else:
            yield name, command


COMMANDS = dict(commands())


def fail_with(monkeypatch, error):
    """Make `dsvc boom` raise an error."""

    @click.command()
    def boom():
        raise error

    monkeypatch.setattr(cli.FrontDesk, "get_command", lambda self, ctx, name: boom if name == "boom" else None)


def test_every_name_is_a_command():
    """The table of names and the modules of commands agree."""
    assert None not in COMMANDS.values()


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_a_line_an_example_and_statuses(name):
    """Every command says what it does in one line without a period, shows an example, and its exit statuses."""
    command = COMMANDS[name]
    text = command.get_help(click.Context(command, info_name=name, help_option_names=["-h", "--help"]))

    assert isinstance(command, DocumentedCommand)
    assert not command.help.partition("\n")[0].endswith(".")
    assert "\nExample:\n  dsvc " in text
    assert "\nExit status:\n  0 " in text
    assert all(example.startswith(f"dsvc {name}") for example in command.examples)


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"completion", "demo"}))
def test_what_prints_has_json(name):
    """Every printing command takes `--json`."""
    assert "as_json" in {parameter.name for parameter in COMMANDS[name].params}


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_all_commands(option, capsys):
    """`dsvc -h` names every command under its section."""
    assert 0 == main([option])
    words = capsys.readouterr().out.split()
    assert set() == BUILTIN_NAMES - set(words)


def test_misspelt_command_gets_the_nearest(capsys):
    """A wrong name is wrong usage, and the message has the right one."""
    assert 2 == main(["comit"])
    assert "Did you mean `dsvc commit`?" in capsys.readouterr().err


def test_version_is_told(capsys):
    """`dsvc --version` prints name and version on stdout."""
    assert 0 == main(["--version"])
    assert capsys.readouterr().out.startswith("dsvc ")


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        pytest.param(UserError(message="no", hint="yes"), 1, ["Error: no", "Hint: yes"], id="user"),
        pytest.param(
            RefConflictError(ref="heads/x", expected=None, found=None), 11, ["Error:"], id="exit-code-of-class"
        ),
        pytest.param(KeyboardInterrupt(), 130, ["Interrupted"], id="interrupt"),
        pytest.param(ZeroDivisionError("x"), 70, ["Traceback", "ZeroDivisionError: x", "a bug in dsvc"], id="bug"),
        pytest.param(click.UsageError("huh"), 2, ["Error: huh"], id="usage"),
    ],
)
def test_error_has_its_status_and_words(error, status, words, monkeypatch, capsys):
    """Errors are told on stderr alone, and end with the status of their class."""
    fail_with(monkeypatch, error)

    assert status == main(["boom"])
    out, err = capsys.readouterr()
    assert "" == out
    assert [] == [word for word in words if word not in err]


def test_letters_that_a_terminal_has_not_are_escaped(monkeypatch):
    """No command fails for what it prints."""
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="latin-1", write_through=True))
    monkeypatch.setattr(cli.FrontDesk, "get_command", lambda self, ctx, name: click.Command("x", callback=speak))

    assert 0 == main(["x"])
    assert b"gr\xf6\xdfe \\u6f22\n" == out.getvalue()


def speak():
    """Print letters of two encodings."""
    click.echo("größe 漢")


@pytest.fixture(name="foreign")
def install_command(monkeypatch):
    """An installed plugin with a command `extra`, and one that tries to take over `log`."""
    found = [EntryPoint(name, "tests.test_cli:extra_command", "dsvc.commands") for name in ("extra", "log")]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: found)


@click.command()
def extra_command():
    """Do something else"""
    click.echo("extra")


@pytest.mark.usefixtures("foreign")
def test_plugin_brings_a_command(capsys):
    """A command of a plugin is found by its name and listed in the help."""
    assert 0 == main(["extra"])
    assert 0 == main(["--help"])
    assert "extra" in capsys.readouterr().out


def test_a_command_of_a_plugin_that_does_not_load_is_an_error(monkeypatch, capsys):
    """It is named, with the reason; no other command is touched, and the help says what to look at."""
    found = [EntryPoint("extra", "no_such_module:x", "dsvc.commands")]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: found)

    assert 16 == main(["extra"])
    assert "cannot be loaded from 'no_such_module:x': ModuleNotFoundError" in capsys.readouterr().err
    assert 0 == main(["--help"])
    assert "(cannot be loaded: see `dsvc plugin check`)" in capsys.readouterr().out


@pytest.mark.usefixtures("foreign")
def test_plugin_cannot_take_over_a_command():
    """A built-in name stays built in."""
    assert COMMANDS["log"] is root.get_command(click.Context(root), "log")


def test_help_of_a_group_has_whole_lines(capsys):
    """A narrow terminal wraps what a command is for, and cuts nothing off."""
    assert 0 == main(["recipe", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "Check the recipe as it lies, with its types and SQL against the draft's signals" in text
    assert 1 == text.count("...")  # of the usage line
