"""Keeping what a recipe's code prints and reads apart from what a command prints and is given."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from pathlib import Path

_IN, _OUT, _ERR = 0, 1, 2


@contextmanager
def apart() -> Iterator[None]:
    """Let code that is called inside print to stderr and read nothing, as it does in a worker.

    stdout is for what was asked, objects for programs not least. And a step that reads stdin, or whose child process
    does, would wait for whoever sits at the terminal.
    """
    from dsvc.engine.making.talk import Talk  # no command needs it that runs nothing

    sys.stdout.flush()
    with ExitStack() as stack, Path(os.devnull).open(encoding="utf-8") as nothing:
        stack.callback(setattr, sys, "stdin", sys.stdin)
        sys.stdin = nothing
        stack.enter_context(redirect_stdout(Talk(sys.stderr)))
        for fd, instead in ((_OUT, _ERR), (_IN, nothing.fileno())):
            with suppress(OSError):  # a program may have been started without one of them
                stack.callback(_restore, os.dup(fd), fd)
                os.dup2(instead, fd)
        yield


def _restore(kept: int, fd: int) -> None:
    os.dup2(kept, fd)
    os.close(kept)
