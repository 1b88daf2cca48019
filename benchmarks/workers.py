"""Measures what a second processor gives to a CPU-bound Python transform, beside what it gives to bare processes."""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
from report import Row, format_median, format_time

import dsvc

N_RECORDS = 20_000
LOOPS = 11_000
"""Turns of a loop for each record: about a millisecond of plain Python."""
BAR = 1.7
RECIPE = """\
[step.spun]
python = "steps:spin"
inputs = ["x"]
parameters = {{ round = {number}, loops = {loops} }}
"""
STEPS = """\
def spin(x: int, round: int, loops: int) -> int:
    for i in range(loops):
        x = (x * 1103515245 + 12345 + i) % 2147483648
    return x
"""


class WorkersBench:
    """A repository with one signal, and a step that spins for each record."""

    def __init__(self, directory: Path, n: int = N_RECORDS, loops: int = LOOPS) -> None:
        """Put the signal; nothing is derived yet."""
        self.n, self.loops = n, loops
        self.repo: Any = dsvc.init(directory / "workers")
        table = pa.table({"source": [f"s3://faces/{i:07d}.jpg" for i in range(n)], "x": range(n)})
        self.repo.put("x", table, producer="bench@1")
        (Path(self.repo.path) / "steps.py").write_text(STEPS)
        self._number = 0

    def run(self, workers: int) -> float:
        """Run the step anew, and return the seconds that it took."""
        self._number += 1
        recipe = RECIPE.format(number=self._number, loops=self.loops)
        (Path(self.repo.path) / "dsvc.toml").write_text(recipe)
        started = time.perf_counter()
        done = self.repo.run(workers=workers)
        seconds = time.perf_counter() - started
        if done.ran != self.n:
            raise RuntimeError(f"{done.ran} of {self.n} records ran")
        return seconds

    def run_bare(self, processes: int) -> float:
        """Do the same work in so many bare processes, and return the seconds that it took."""
        share = self.n // processes
        call = f"for x in range({share}): spin(x, 0, {self.loops})"
        started = time.perf_counter()
        running = [subprocess.Popen([sys.executable, "-c", f"{STEPS}\n{call}"]) for _ in range(processes)]
        for process in running:
            process.wait()
        return time.perf_counter() - started


def measure_workers(directory: Path, rounds: int = 1, n: int = N_RECORDS, workers: int = 2) -> Row:
    """Measure a CPU-bound transform with one worker and with two, in turn, and bare processes beside them."""
    bench = WorkersBench(directory, n)
    alone, shared, bare_alone, bare_shared = [], [], [], []
    for _ in range(rounds):
        alone.append(bench.run(1))
        shared.append(bench.run(workers))
        bare_alone.append(bench.run_bare(1))
        bare_shared.append(bench.run_bare(workers))
    gain = median(one / both for one, both in zip(alone, shared, strict=True))
    bare = median(one / both for one, both in zip(bare_alone, bare_shared, strict=True))
    return Row(
        operation=f"a Python transform of {format_time(median(alone))} with {workers} workers for 1",
        bar=f">= {BAR} x",
        aim="1.9 x",
        measured=f"{gain:.2f} x, {format_median(shared)}; bare processes {bare:.2f} x",
        passed=gain >= BAR,
        figures={
            "alone_s": alone,
            "shared_s": shared,
            "bare_alone_s": bare_alone,
            "bare_shared_s": bare_shared,
            "load": list(os.getloadavg()),
        },
    )
