"""Runs the examples of a page as one session, in a directory of its own.

A fenced block says in its info string what is to be done with it:

| info string | meaning |
| --- | --- |
| `console run` | lines after `$ ` are given to bash, what they print is compared |
| `python run` | a script, or with `>>> ` a doctest |
| `toml file="dsvc.toml"` (any language) | the block is written to the file |
| `toml append="dsvc.toml"` | the block is written after what the file holds |
| `python skip="why"`, `console skip="why"` | shown only |

Comparison is loose: `...` stands for anything, ids and times for any id and time, and white space does not count.
"""

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
RUNNABLE = ("console", "python")
TIMEOUT_S = 120

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?P<rest>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_ATTRIBUTE = re.compile(r'(\w+)(?:="([^"]*)")?')
_LOOSE = (
    (re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?"), "<time>"),
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    attributes: dict[str, str]
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(PROJECT)}:{self.line}"


@dataclass(frozen=True)
class Example:
    """One command line and what it is said to print."""

    command: str
    expected: str


def read_blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page in order."""
    text = page.read_text(encoding="utf-8")
    for fence in _FENCE.finditer(text):
        indent = fence["indent"]
        yield Block(
            page=page,
            line=text.count("\n", 0, fence.start()) + 1,
            language=fence["language"],
            attributes=dict(_ATTRIBUTE.findall(fence["rest"])),
            text="".join(line.removeprefix(indent) for line in fence["text"].splitlines(keepends=True)),
        )


def read_examples(text: str) -> Iterator[Example]:
    """Yield the command lines of a console block, a line after `> ` continuing the one before."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        n_command = 1
        while n_command < len(lines) and lines[n_command].startswith("> "):
            n_command += 1
        command = "\n".join(line.removeprefix("> ") for line in lines[:n_command])
        yield Example(command, "\n".join(lines[n_command:]).strip())


def loosely_equal(expected: str, found: str) -> bool:
    """Tell whether found text is what a page shows."""
    for pattern, name in _LOOSE:
        expected, found = pattern.sub(name, expected), pattern.sub(name, found)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(expected.strip() + "\n", found.strip() + "\n", flags)


class Session:
    """A directory, an environment, and on the path the `dsvc` under test, `pytest`, and `pip` for one local package."""

    def __init__(self, directory: Path) -> None:
        self._top = directory
        self._directory = directory / "work"
        """Where the next block runs; `cd` in a console block moves it."""
        self._directory.mkdir()
        programs = directory / "bin"
        programs.mkdir()
        site = directory / "site"
        # Packages of a page are built with what is installed here: tests do not reach the network.
        pip = f'-m pip install --quiet --no-index --no-deps --no-build-isolation --upgrade --target "{site}"'
        shims = {
            "dsvc": '-m dsvc "$@"',
            "pip": f'{pip} "$2"',
            "pytest": '-m pytest -p no:cacheprovider -p no:randomly "$@"',
        }
        for name, arguments in shims.items():
            shim = programs / name
            shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}\n')
            shim.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DSVC_", "GIT_"))}
        self._environment = kept | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": f"{PROJECT}{os.pathsep}{site}",
            "HOME": str(directory),
            "DSVC_AUTHOR": "Ada <ada@example.org>",
            "COLUMNS": "120",
        }

    def run(self, block: Block) -> None:
        """Do what the block says and compare; an AssertionError names the place."""
        if name := block.attributes.get("file") or block.attributes.get("append"):
            path = self._directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a" if "append" in block.attributes else "w") as file:
                file.write(block.text)
        elif "run" in block.attributes and block.language == "python":
            self._run_python(block)
        elif "run" in block.attributes:
            for example in read_examples(block.text):
                self._run_command(block, example)

    def _run_command(self, block: Block, example: Example) -> None:
        place = self._top / "place"
        done = self._start(["bash", "-c", f"{example.command}\nstatus=$?\npwd >'{place}'\nexit $status"])
        self._directory = Path(place.read_text().strip())
        shown = f"{block.place}: $ {example.command}\n{done.stdout}{done.stderr}"
        if done.returncode:
            assert "Error:" in example.expected, f"{shown}\nexit status {done.returncode}"
        if example.expected:
            # Hints and other talk may be left out of a page.
            found = (done.stdout, done.stdout + done.stderr)
            assert any(loosely_equal(example.expected, text) for text in found), f"{shown}\n{example.expected}"

    def _run_python(self, block: Block) -> None:
        script = self._top / "example.txt"
        script.write_text(block.text)
        is_doctest = block.text.startswith(">>> ")
        options = ["-m", "doctest", "-o", "ELLIPSIS", "-o", "NORMALIZE_WHITESPACE"] if is_doctest else []
        done = self._start([sys.executable, *options, str(script)])
        assert 0 == done.returncode, f"{block.place}\n{done.stdout}{done.stderr}"

    def _start(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv,
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
