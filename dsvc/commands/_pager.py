"""Long output goes through a pager on a terminal, as git's does.

`DSVC_PAGER`, then `PAGER`, then `less` is started; `cat` or an empty value, `--no-pager`, and a stdout that is
no terminal mean none. `LESS` is `FRX` unless set, so that output of one screen is just printed.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

PAGER_DEFAULT = "less"
ENVIRONMENT_DEFAULTS = {"LESS": "FRX", "LV": "-c"}


@contextmanager
def pager() -> Iterator[IO[str]]:
    """Yield the stream to write long output to, and wait until it has been read.

    Leaving the pager early ends the output without an error.
    """
    argv = _pager_command()
    if not argv or not sys.stdout.isatty():
        yield sys.stdout
        return
    environment = {**ENVIRONMENT_DEFAULTS, **os.environ}
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, env=environment, text=True, errors="replace")
    try:
        with cast("IO[str]", process.stdin) as stream:
            yield stream
    except BrokenPipeError:
        pass
    finally:
        _wait(process)


def _pager_command() -> list[str]:
    """Return the pager's command line, empty for none or one that is not installed."""
    argv = shlex.split(os.environ.get("DSVC_PAGER", os.environ.get("PAGER", PAGER_DEFAULT)))
    return argv if argv and argv[0] != "cat" and shutil.which(argv[0]) else []


def _wait(process: subprocess.Popen[str]) -> None:
    """Wait for the pager; an interrupt is for the pager, which has the terminal."""
    while True:
        try:
            process.wait()
        except KeyboardInterrupt:
            continue
        return
