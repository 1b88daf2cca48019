#!/usr/bin/env python3
"""Writes the pages of docs/ that are made from the code; `--check` says which are out of date.

| page | made from |
| --- | --- |
| docs/reference/cli.md | the commands of `dsvc.cli` |
| docs/reference/errors.md | the classes of `dsvc.errors` and the statuses of `dsvc.cli` |
| docs/reference/hooks.md | the hooks of `dsvc.plugins.hookspecs` |
| docs/reference/json.md | the objects that `dsvc.commands` prints with `--json` |
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))  # a checkout need not be installed to describe itself

from dsvc import cli, errors  # noqa: E402
from dsvc.annotation.answers.records import Ask  # noqa: E402
from dsvc.annotation.judging.concord import Concord  # noqa: E402
from dsvc.annotation.overview import Effects, PlatformWork, TaskCost, TaskWork  # noqa: E402
from dsvc.annotation.syncing import AskStatus, PlatformTurn  # noqa: E402
from dsvc.commands._command import PLUGIN_COMMANDS, STATUS_SOME_FAILED  # noqa: E402
from dsvc.engine.looking.coverage import SignalCoverage  # noqa: E402
from dsvc.engine.looking.funnel import Funnel, Stage  # noqa: E402
from dsvc.engine.looking.movement import Cause, Movement, Reason  # noqa: E402
from dsvc.engine.looking.profile import ColumnProfile  # noqa: E402
from dsvc.engine.planning.plan import DatasetPlan, StepPlan  # noqa: E402
from dsvc.engine.planning.planned import ROWS  # noqa: E402
from dsvc.engine.planning.task_plan import TaskPlan  # noqa: E402
from dsvc.plugins import hookspecs  # noqa: E402
from dsvc.recipe.check import Problem  # noqa: E402

WIDTH = 100
"""Columns of the help texts."""
NOTICE = "<!-- Made by scripts/reference.py; edit the code instead. -->"


def cli_page() -> str:
    """Return the command reference."""
    lines = [
        "# Commands",
        "",
        NOTICE,
        "",
        "`dsvc COMMAND -h` prints the same for one command.",
        "Every option can also be given in the environment, as `DSVC_COMMAND_OPTION`:",
        "`DSVC_LOG_LIMIT=5` is `dsvc log --limit 5`.",
        "",
        "| variable | what it says |",
        "| --- | --- |",
        "| `DSVC_AUTHOR` | who commits; else `author` in `.dsvc/config.toml`, git's user, the login name |",
        "| `DSVC_PAGER`, `PAGER` | the pager for long output; `cat` or nothing for none |",
        "| `NO_COLOR` | print without colour |",
        "",
        "What prints takes `--json`: one JSON object a line, each with a `type`;",
        "fields may be added and are never renamed.",
        "",
        "## dsvc",
        "",
        "```text",
        click.Context(
            cli.root, info_name="dsvc", help_option_names=["-h", "--help"], max_content_width=WIDTH
        ).get_help(),
        "```",
    ]
    for path, command, ctx in _commands():
        lines += ["", f"## {path}", "", "```text", command.get_help(ctx), "```"]
    return "\n".join(lines) + "\n"


def _root_context() -> click.Context:
    return click.Context(cli.root, info_name="dsvc", help_option_names=["-h", "--help"], terminal_width=WIDTH)


def _commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield the built-in commands, those of a group after it."""
    root = click.Context(
        cli.root, info_name="dsvc", help_option_names=["-h", "--help"], max_content_width=WIDTH, terminal_width=WIDTH
    )
    for name in sorted(cli.BUILTIN_NAMES):
        command = cli.root.get_command(root, name)
        if command is None:
            raise LookupError(name)
        ctx = click.Context(command, info_name=name, parent=root)
        yield f"dsvc {name}", command, ctx
        if isinstance(command, click.Group):
            for sub_name in command.list_commands(ctx):
                sub = command.commands[sub_name]
                yield f"dsvc {name} {sub_name}", sub, click.Context(sub, info_name=sub_name, parent=ctx)


def errors_page() -> str:
    """Return the table of errors and exit statuses."""
    classes: list[type[errors.DsvcError]] = [errors.DsvcError, *_subclasses(errors.DsvcError)]
    rows = [f"| {'&emsp;' * _depth(kind)}`{kind.__name__}` | {kind.exit_code} | {_summary(kind)} |" for kind in classes]
    return (
        "\n".join(
            [
                "# Errors and exit statuses",
                "",
                NOTICE,
                "",
                "A command that cannot do what it was asked says so on stderr, in up to three parts:",
                "`Error:` names the thing, what was expected and what was found,",
                "`Caused by:` gives the error behind it, and `Hint:` the next thing to type.",
                "",
                "| exit status | meaning |",
                "| --- | --- |",
                "| 0 | done |",
                f"| {cli.EXIT_USAGE} | wrong usage; the message shows the right one |",
                f"| {STATUS_SOME_FAILED} | done, but some records failed; `dsvc status` counts them |",
                "| 1, 10 to 16 | an error of the table below |",
                f"| {cli.EXIT_BUG} | a bug in dsvc; the traceback is printed |",
                f"| {cli.EXIT_INTERRUPTED} | interrupted |",
                f"| {cli.EXIT_BROKEN_PIPE} | the reader of the output has gone |",
                "",
                "In Python the classes are in `dsvc.errors`; each has `.message`, `.hint`, `.exit_code`",
                "and fields of its own.",
                "",
                "| class | exit status | raised when |",
                "| --- | --- | --- |",
                *rows,
            ]
        )
        + "\n"
    )


def _summary(kind: type[errors.DsvcError]) -> str:
    return (inspect.getdoc(kind) or "").splitlines()[0]


def _depth(kind: type[errors.DsvcError]) -> int:
    """Return how many errors a class stands below."""
    return sum(issubclass(base, errors.DsvcError) for base in kind.__mro__) - 1


def _subclasses(kind: type[errors.DsvcError]) -> Iterator[type[errors.DsvcError]]:
    """Yield the error classes below one, depth first, in the order of the module."""
    for sub in kind.__subclasses__():
        yield sub
        yield from _subclasses(sub)


def hooks_page() -> str:
    """Return the hooks a plugin may implement."""
    lines = [
        "# Hooks",
        "",
        NOTICE,
        "",
        "A plugin is a package with an entry point in the group `dsvc` that names a module with hook implementations.",
        f"A command of the command line is an entry point in the group `{PLUGIN_COMMANDS}`:",
        "its name is the command as typed, and it names a click command.",
    ]
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction):
        if name.startswith("dsvc_"):
            lines += [
                "",
                f"## {name}",
                "",
                "```text",
                f"{name}{inspect.signature(function)}",
                "",
                inspect.getdoc(function) or "",
                "```",
            ]
    return "\n".join(lines) + "\n"


SPREAD: Mapping[str, tuple[Any, set[str]]] = {
    "agreement": (Concord, set()),
    "ask": ((*inspect.get_annotations(Ask), *inspect.get_annotations(AskStatus)), {"ask", "type"}),
    "change": ((), set()),  # said below the table
    "column-stats": (ColumnProfile, {"name", "type"}),
    "dataset-cause": (Cause, set()),
    "dataset-coverage": (SignalCoverage, {"type"}),
    "dataset-funnel": (Funnel, {"stages"}),
    "dataset-move": (Reason, set()),
    "dataset-movement": (Movement, {"causes"}),
    "dataset-stage": (Stage, set()),
    "divergent-record": (("source", "op", "kept", "made", "why"), set()),
    "planned-dataset": (DatasetPlan, set()),
    "planned-record": (ROWS.names, set()),
    "planned-step": (StepPlan, set()),
    "planned-task": (TaskPlan, set()),
    "platform-turn": (PlatformTurn, set()),
    "platform-work": (PlatformWork, set()),
    "priced-task": (TaskPlan, set()),
    "recipe-problem": (Problem, set()),
    "row": ((), set()),  # as change
    "task-cost": (TaskCost, set()),
    "task-effects": (Effects, set()),
    "task-work": (TaskWork, set()),
    "typed-answer": (("outcome", "value"), set()),
}
"""Objects that take over fields: of what, and those that they have under another name or as objects of their own."""


def json_page() -> str:
    """Return the table of objects that commands print with `--json`."""
    rows = [f"| `{kind}` | {', '.join(f'`{field}`' for field in fields)} |" for kind, fields in sorted(_objects())]
    lines = [
        "# Objects for programs",
        "",
        NOTICE,
        "",
        "With `--json` a command prints one JSON object a line; its `type` says which fields it has.",
        "Fields may be added; none is renamed, and none changes its meaning.",
        "",
        "- Ids are whole and in hex; so are binary values.",
        "- Times are ISO 8601 with their offset. Decimals and durations (in seconds) are text.",
        '- Numbers that JSON cannot write are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`.',
        "- `null` is what is not there, and a null value; a record that is not there is not printed.",
        "",
        "| type | fields |",
        "| --- | --- |",
        *rows,
        "",
        "`row` (from `dsvc read`) has a field for each column besides; `change` (from `dsvc diff`) has",
        "`signal`, `source`, `op`, `before`, `after`, and with `--provenance` also `before_provenance` and",
        "`after_provenance`.",
    ]
    return "\n".join(lines) + "\n"


def _objects() -> Iterator[tuple[str, list[str]]]:
    """Yield type and other fields of every object that commands print; a type has one set of fields."""
    seen: dict[str, list[str]] = {}
    for module in sorted((PROJECT / "dsvc" / "commands").glob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
                if "type" not in keys:
                    continue
                fields = [str(key) for key in keys if key != "type"]
                for name in _type_names(node.values[keys.index("type")]):
                    spread = [field for field in _spread(name) if field not in fields] if None in node.keys else []
                    if seen.setdefault(name, fields + spread) != fields + spread:
                        raise ValueError(f"{name} has two sets of fields: {seen[name]} and {fields + spread}")
    yield from seen.items()


def _type_names(kind: ast.expr) -> Iterator[str]:
    """Yield the types that an object may be of, which are written where it is made."""
    if isinstance(kind, ast.IfExp):
        yield from _type_names(kind.body)
        yield from _type_names(kind.orelse)
    elif isinstance(kind, ast.Constant):
        yield str(kind.value)
    else:
        raise TypeError(f"the type of an object is no literal: {ast.unparse(kind)}")


def _spread(name: str) -> list[str]:
    """Return the fields that an object takes over from something, by which the code does not name them."""
    if name not in SPREAD:
        raise KeyError(f"{name!r} spreads something: say in SPREAD what")
    found, left_out = SPREAD[name]
    if not isinstance(found, type):
        names = list(found)
    elif issubclass(found, msgspec.Struct):
        names = [field.name for field in msgspec.structs.fields(found)]
    else:
        names = list(getattr(found, "_fields", ())) or list(inspect.get_annotations(found))
    return [field for field in names if field not in left_out]


PAGES = {
    "docs/reference/cli.md": cli_page,
    "docs/reference/errors.md": errors_page,
    "docs/reference/hooks.md": hooks_page,
    "docs/reference/json.md": json_page,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or say which differ."""
    stale = []
    for name, make in PAGES.items():
        path = PROJECT / name
        text = make()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{name} {'is out of date' if '--check' in arguments else 'written'}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
