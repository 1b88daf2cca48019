"""`dsvc plugin`."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import click
import pytest

from dsvc.plugins.contracts import Feed, Outcome, Transform
from dsvc.plugins.hookspecs import hookimpl


class Zero(Transform):
    """A transform that gives 0."""

    version, output = "1", "int64"

    def __call__(self, batch, pixels=None):
        return Outcome([0] * batch.num_rows)


class Nothing(Feed):
    """A feed without documents."""

    def read(self, cursor=None):
        yield from ()


@click.command()
def extra():
    """Do more"""


@click.command()
def mute():  # noqa: D103 - a command without help is what it is for
    pass


@pytest.fixture(name="install")
def _install(monkeypatch):
    """Installs plugins (name -> what its transforms are) and commands (name -> what the entry point names)."""

    def install(commands=(), **transforms):
        entries = []
        for name, offered in transforms.items():
            module = ModuleType(f"module_{name}")
            module.dsvc_transforms = hookimpl(specname="dsvc_transforms")(lambda offered=offered: offered)
            monkeypatch.setitem(sys.modules, module.__name__, module)
            entries.append(EntryPoint(name, module.__name__, "dsvc"))
        points = [EntryPoint(name, value, "dsvc.commands") for name, value in commands]
        found = {"dsvc": entries, "dsvc.commands": points}

        def entry_points(group):
            return found[group]

        monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
        monkeypatch.setattr("dsvc.plugins.manager.entry_points", entry_points)

    return install


EXTRA = ("extra", "tests.commands.test_plugin:extra")


class TestLs:
    """`dsvc plugin ls`."""

    def test_offers_are_listed_by_kind(self, shell, install):
        """One line for each thing that a plugin offers, of every kind, commands too."""
        install([EXTRA], ours={"zero": Zero, "nought": Zero})

        assert ["transform  nought", "transform  zero", "command    extra"] == [
            line.rstrip() for line in shell("plugin", "ls").lines
        ]
        assert {"type": "plugin", "kind": "transform", "name": "nought", "package": None} in shell.json("plugin", "ls")

    def test_what_is_installed_is_named_with_its_package(self, shell):
        """And our own plugins are among it, with every kind that comes with dsvc."""
        found = shell.json("plugin", "ls")

        assert {"feed", "exporter", "executor"} <= {item["kind"] for item in found}
        assert any(item["package"].startswith("dsvc ") for item in found)

    def test_broken_plugin_is_shown_and_fails(self, shell, install):
        """The others are listed; the exit status says that one is broken."""
        install(bad=["no mapping"], good={"zero": Zero})
        result = shell("plugin", "ls", expect=3)

        assert "must return names and classes" in result.out
        assert "zero" in result.out

    def test_both_of_two_plugins_with_one_name_are_listed(self, shell, install):
        """Neither can be used, and one sees why."""
        install(one={"zero": Zero}, two={"zero": Zero})

        assert 2 == len(shell("plugin", "ls").lines)


class TestCheck:
    """`dsvc plugin check`."""

    def test_what_is_sound_is_ok(self, shell, install):
        """One line for each plugin, with what it offers."""
        install([EXTRA], ours={"zero": Zero})

        assert ["ok", "ours", "transform", "zero"] == shell("plugin", "check").lines[0].split()
        assert ["ok", "extra", "command", "extra"] == shell("plugin", "check").lines[1].split()
        assert {
            "type": "plugin-check",
            "name": "ours",
            "package": None,
            "version": None,
            "offers": [["transform", "zero"]],
            "problems": [],
        } == shell.json("plugin", "check")[0]

    def test_problems_are_listed_and_fail(self, shell, install):
        """Below their plugin; the exit status says that there are some."""
        install(bad={"zero": type("Bad", (Zero,), {"__doc__": "Bad.", "output": "intt"})}, good={"nought": Zero})
        result = shell("plugin", "check", expect=3)

        assert result.lines[0].split()[:2] == ["broken", "bad"]
        assert "        transform 'zero': output: there is no type 'intt'" == result.lines[1]
        assert result.lines[2].split()[:2] == ["ok", "good"]

    def test_one_plugin_is_checked_by_its_name_or_what_it_offers(self, shell, install):
        """What is wrong elsewhere does not count then."""
        install(bad=["no mapping"], good={"zero": Zero})

        for name in ("good", "zero"):
            assert ["good"] == [item["name"] for item in shell.json("plugin", "check", name)]
        shell("plugin", "check", "bad", expect=3)

    def test_a_package_is_checked_by_its_name(self, shell):
        """All plugins that came with it."""
        found = shell.json("plugin", "check", "dsvc")

        assert {"exporters", "feeds"} <= {item["name"] for item in found}
        assert [] == [problem for item in found for problem in item["problems"]]

    def test_a_name_that_there_is_not(self, shell, install):
        """With the nearest."""
        install(sharpness={"zero": Zero})

        assert "did you mean 'sharpness'?" in shell("plugin", "check", "sharpnes", expect=1).err
        assert "dsvc plugin ls" in shell("plugin", "check", "xyz", expect=1).err

    @pytest.mark.parametrize(
        "name,value,problem",
        [
            ("extra", "no_such_module:x", "cannot be loaded from 'no_such_module:x': ModuleNotFoundError"),
            ("extra", "tests.commands.test_plugin:Zero", "expected a click command, found ABCMeta"),
            ("mute", "tests.commands.test_plugin:mute", "it has no help line"),
            ("log", "tests.commands.test_plugin:extra", "dsvc has one of that name, which comes first"),
            ("try", "tests.commands.test_plugin:extra", "dsvc has one of that name, which comes first"),
        ],
        ids=["does not load", "no command", "no help", "built in", "built in, a word of Python"],
    )
    def test_a_command_that_is_wrong_is_told(self, shell, install, name, value, problem):
        """As any plugin."""
        install([(name, value)])

        assert f"command {name!r}: {problem}" in shell("plugin", "check", expect=3).out

    def test_two_commands_of_one_name_are_told(self, shell, install):
        """Of both."""
        install([EXTRA, EXTRA])

        assert 2 == shell("plugin", "check", expect=3).out.count("another plugin has it too")


def test_hook_commands(shell, install):
    """A command of a plugin is an entry point: found by its name, without asking any hook."""
    install([EXTRA], broken=["no mapping"])

    assert "" == shell("extra").out
    assert "extra" in shell("--help").out
