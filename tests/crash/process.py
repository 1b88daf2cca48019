"""Starting a process, letting it work for a moment, and killing it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).parents[2]


class Victim:
    """A Python module run as a process that says what it begins and what is done."""

    def __init__(self, module: str) -> None:
        """Start the process; it imports what it needs and waits."""
        command = [sys.executable, "-m", module]
        self._process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def work(self, line: str, seconds: float) -> tuple[int | None, int | None]:
        """Give the process its line, kill it after a while, and return the last number begun and the last one done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        ready = self._process.stdout.readline()
        assert ready == "ready\n", "the process ended before it was ready"
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        time.sleep(seconds)
        self.kill()
        begun = done = None
        for said in self._process.stdout.read().splitlines():
            verb, number = said.split()
            begun, done = (int(number), done) if verb == "begin" else (begun, int(number))
        # Had the process failed on its own, it would not have died of the signal.
        assert -signal.SIGKILL == self._process.returncode
        return begun, done

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
