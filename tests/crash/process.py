"""Starting a process, letting it work for a moment, and killing it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

PROJECT = Path(__file__).parents[2]
N_KILLS = int(os.environ.get("DSVC_TEST_KILLS", "60"))
"""Kills of a campaign; a thorough one takes hundreds: DSVC_TEST_KILLS=500."""
MOST_DONE = 12
"""Operations a process finishes at most before it is killed, somewhere in the next ones."""
LONGEST_WAIT_S = 0.02


class Victim:
    """A Python module run as a process that says what it begins and what is done."""

    def __init__(self, module: str) -> None:
        """Start the process; it imports what it needs and waits."""
        command = [sys.executable, "-m", module]
        self._process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def work(self, line: str, n_done: int, seconds: float) -> tuple[int | None, int | None]:
        """Let the process work on a line, and kill it.

        Args:
            line: What it waits for.
            n_done: Operations to let it finish.
            seconds: How long to let it go on after that.

        Returns:
            The last number it began and the last one it said was done.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        ready = self._process.stdout.readline()
        assert ready == "ready\n", "the process ended before it was ready"
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        said = self._listen(self._process.stdout, n_done)
        time.sleep(seconds)
        self.kill()
        said += self._process.stdout.read().splitlines()
        # Had the process failed on its own, it would not have died of the signal.
        assert -signal.SIGKILL == self._process.returncode
        numbers = {verb: int(number) for verb, number in map(str.split, said)}
        return numbers.get("begin"), numbers.get("done")

    @staticmethod
    def _listen(stdout: IO[str], n_done: int) -> list[str]:
        """Return the lines until so many operations are done, or the process has ended."""
        said: list[str] = []
        while n_done > 0 and (line := stdout.readline()):
            said.append(line)
            n_done -= line.startswith("done")
        return said

    def kill(self) -> None:
        """Kill the process and wait until it is gone."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Kill the process if it is still there and let go of its pipes."""
        if self._process.poll() is None:
            self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


def iter_victims(module: str, count: int) -> Iterator[Victim]:
    """Yield processes to kill; the next one starts while the one before is at work."""
    coming = Victim(module)
    try:
        for i in range(count):
            victim, coming = coming, Victim(module) if i + 1 < count else coming
            with closing(victim):
                yield victim
    finally:
        coming.close()
