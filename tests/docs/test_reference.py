"""Pages that are made from the code are up to date, and everything that users can meet is named somewhere."""

import importlib.util
import inspect
import re

import click
import pytest

from dsvc import cli, errors
from dsvc.plugins import hookspecs
from dsvc.recipe.load import SECTIONS
from tests.docs.session import PROJECT

SPEC = importlib.util.spec_from_file_location("reference", PROJECT / "scripts" / "reference.py")
reference = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(reference)

TEXT = "\n".join(page.read_text(encoding="utf-8") for page in (PROJECT / "docs").rglob("*.md"))


def command_paths():
    """Yield the words of every built-in command."""
    ctx = click.Context(cli.root)
    for name in sorted(cli.BUILTIN_NAMES):
        command = cli.root.get_command(ctx, name)
        if isinstance(command, click.Group):
            yield from (f"dsvc {name} {sub}" for sub in command.commands)
        else:
            yield f"dsvc {name}"


def error_classes():
    """Yield the names of every error class."""
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.DsvcError):
            yield name


@pytest.mark.parametrize("page", reference.PAGES)
def test_made_page_is_up_to_date(page, monkeypatch):
    """`scripts/reference.py` writes it."""
    monkeypatch.delenv("COLUMNS", raising=False)

    assert reference.PAGES[page]() == (PROJECT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("command", list(command_paths()))
def test_command_is_documented(command):
    """Every command has a heading of its own in the reference, and is used in a page that people read."""
    assert f"## {command}\n" in TEXT


@pytest.mark.parametrize("name", list(error_classes()))
def test_error_is_documented(name):
    """Every error class is in the table of errors."""
    assert f"`{name}`" in TEXT


def test_exit_statuses_are_distinct():
    """Status 1 is shared; any other stands for one class and those below it."""
    own = {}
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.DsvcError) and "exit_code" in vars(kind) and kind.exit_code != 1:
            own.setdefault(kind.exit_code, []).append(kind.__name__)

    assert {} == {status: names for status, names in own.items() if len(names) > 1}
    taken = {cli.EXIT_USAGE, cli.EXIT_BUG, cli.EXIT_INTERRUPTED, cli.EXIT_BROKEN_PIPE}
    assert set() == taken & set(own)
    # One status for a job to look at: what could be done is done, and something did not come out as it should.
    assert ["DatasetCheckError"] == own[reference.STATUS_SOME_FAILED]


@pytest.mark.parametrize("name", [name for name in vars(hookspecs) if name.startswith("dsvc_")])
def test_hook_is_documented(name):
    """Every hook is in the list of hooks with its arguments."""
    assert f"{name}{inspect.signature(getattr(hookspecs, name))}" in TEXT


@pytest.mark.parametrize("section", SECTIONS)
def test_section_of_the_recipe_is_documented(section):
    """Every section of the recipe has its table of keys."""
    assert f"\n## {section}\n" in (PROJECT / "docs/reference/recipe.md").read_text(encoding="utf-8")


def test_every_environment_variable_is_documented():
    """What dsvc reads from the environment beside its options is named."""
    for name in ("DSVC_AUTHOR", "DSVC_PAGER", "NO_COLOR"):
        assert f"`{name}`" in TEXT, name


def typed_commands():
    """Yield (where, words) of every command line that a page, a message or a docstring gives in backticks."""
    pages = [PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md"), *(PROJECT / "dsvc").rglob("*.py")]
    for page in sorted(pages):
        for words in sorted(set(re.findall(r"`(dsvc [a-z-][^`\n]*)`", page.read_text(encoding="utf-8")))):
            yield pytest.param(words.split()[1:], id=f"{page.relative_to(PROJECT)}: {words}")


@pytest.mark.parametrize("words", list(typed_commands()))
def test_command_that_is_proposed_exists(words):
    """Whoever types what a page or a hint says gets a command with these options."""
    ctx = click.Context(cli.root)
    words = words[2:] if words[0] == "-C" else words
    if words[0].startswith("-"):
        return
    command = cli.root.get_command(ctx, words[0])
    assert command is not None, words
    rest = words[1:]
    if isinstance(command, click.Group) and rest:
        command = command.commands[rest[0]]
    known = {name for parameter in command.params for name in parameter.opts} | {"-h", "--help"}

    assert set() == {word for word in rest if re.fullmatch(r"-[a-zA-Z]|--[a-z-]+", word)} - known
