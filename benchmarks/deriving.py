"""Measures derivation in process: plans and runs of ten steps over the table, and a dataset whose threshold moves."""

from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import pyarrow as pa
from measures import N_SMALL, PRODUCER
from processes import find_dsvc
from report import Row, format_median, format_size, format_time
from signal_table import SIGNALS, change_spoof, make_table
from timing import median_ratio, run_process, time_call, time_calls

import dsvc

STEPS = {
    "area": "bbox.w * bbox.h",
    "shape": "bbox.w / (bbox.h + 1)",
    "percent": "round(spoof * 100)",
    "eye": "kp[1] + kp[2]",
    "big": "area > 0.5",
    "good": "quality >= 3",
    "early": "meta.ts < 1700000000",
    "risk": "percent + quality",
    "mark": "big AND good",
    "grade": "CASE WHEN mark THEN risk ELSE risk / 2 END",
}
"""Ten row-wise steps, four of which read others; `grade` is three steps behind the signals."""
WHERE = "quality >= 3 AND spoof < {threshold} AND bbox.score > 0.25"


def make_recipe(threshold: float, steps: dict[str, str] | None = None) -> str:
    """Return a recipe of steps, by default the ten, and one dataset."""
    lines = [f'[step.{name}]\nsql = "SELECT {sql} AS {name}"' for name, sql in (steps or STEPS).items()]
    where = WHERE.format(threshold=threshold)
    return "\n".join([*lines, f'[dataset.train]\nwhere = "{where}"\ncolumns = {{ box = "bbox", spoof = "spoof" }}\n'])


class DerivingBench:
    """A repository that holds the table, with the recipe beside it."""

    def __init__(self, n: int, directory: Path, rounds: int) -> None:
        """Put the table; nothing is derived yet."""
        self.n, self.rounds = n, rounds
        self.table = make_table(n)
        self.repo: Any = dsvc.init(directory / f"deriving-{n}")
        for name in SIGNALS:
            self.repo.put(name, self.table.select(["source", name]), producer=PRODUCER)
        self.repo.commit("put")
        self._numbers = count(1)
        self.edit(make_recipe(0.5))

    def derive(self) -> None:
        """Make everything that the recipe says, and commit."""
        self.repo.run()
        self.repo.commit("derived")

    def edit(self, recipe: str) -> None:
        """Write the recipe, as an editor does."""
        (Path(self.repo.path) / "dsvc.toml").write_text(recipe, encoding="utf-8")

    def next_number(self) -> int:
        """Return another number each time, for an expression that no trace knows."""
        return next(self._numbers)


def measure_nothing_to_do(bench: DerivingBench) -> Row:
    """Measure plan and run where everything is current."""
    bench.repo.plan()
    plan_s, run_s = time_calls(bench.repo.plan, N_SMALL), time_calls(bench.repo.run, N_SMALL)
    return Row(
        operation=f"plan; run with nothing to do, {bench.n:,} records, {len(STEPS)} steps",
        bar="<= 50 ms; <= 50 ms in process",
        aim="5 ms",
        measured=f"{format_median(plan_s)}; {format_median(run_s)}",
        passed=max(median(plan_s), median(run_s)) <= 0.05,
        figures={"plan_s": plan_s, "run_s": run_s},
    )


def measure_run_memory(directory: Path, n: int) -> Row:
    """Measure the peak memory of the first `dsvc run` of all steps and the dataset over `n` sources."""
    bench = DerivingBench(n, directory, 1)
    bench.repo.close()
    process = run_process([*find_dsvc(), "run"], Path(bench.repo.path))
    return Row(
        operation=f"first run of {len(STEPS)} steps and 1 dataset over {n:,} sources: peak memory",
        bar="bounded, stated",
        aim="-",
        measured=f"{format_size(process.peak_bytes)}, {format_time(process.seconds)}",
        passed=True,
        figures={"peak_bytes": [process.peak_bytes], "seconds": [process.seconds]},
    )


def measure_one_changed(bench: DerivingBench) -> Row:
    """Measure a run after one input record changed, on which three steps and the dataset depend."""
    seconds = []
    for _ in range(bench.rounds):
        bench.repo.put("spoof", change_spoof(bench.table, 1, seed=bench.next_number()), producer=PRODUCER)
        seconds.append(time_call(bench.repo.run))
    return Row(
        operation=f"run after 1 of {bench.n:,} input records changed, {len(STEPS)} steps, 1 dataset",
        bar="<= 100 ms beside the transform",
        aim="100 ms",
        measured=f"{format_median(seconds)}, the transforms included",
        passed=median(seconds) <= 0.1,
        figures={"run_s": seconds},
    )


def measure_new_step(bench: DerivingBench) -> Row:
    """Measure a new SQL step over all records, against DuckDB alone on the same Arrow table and a put of its result."""
    ours, theirs = [], []
    table = bench.table
    for _ in range(bench.rounds):
        number = bench.next_number()
        sql = f"bbox.w * bbox.h + {number}"
        theirs.append(time_call(partial(_put_by_hand, bench.repo, table, sql, f"by_hand_{number}")))
        bench.edit(make_recipe(0.5, {**STEPS, "fresh": sql}))
        ours.append(time_call(bench.repo.run))
    ratio = median_ratio(ours, theirs)
    return Row(
        operation=f"a new row-wise SQL step over {bench.n:,} records",
        bar="<= 1.5 x (DuckDB alone + put of its result)",
        aim="1.0 x",
        measured=f"{format_median(ours)} = {ratio:.2f} x",
        passed=ratio <= 1.5,
        figures={"dsvc_s": ours, "by_hand_s": theirs, "ratio": [ratio]},
    )


def _put_by_hand(repo: Any, table: pa.Table, sql: str, name: str) -> None:
    with duckdb.connect() as connection:
        facts = connection.from_arrow(table)
        made = facts.project(f"source, {sql} AS {name}").to_arrow_table()
    repo.put(name, made, producer=PRODUCER)


def measure_threshold(bench: DerivingBench) -> Row:
    """Measure from an edited threshold of a `where` over three signals to the commit of the dataset."""

    def choose(threshold: float) -> float:
        def change() -> None:
            bench.edit(make_recipe(threshold))
            bench.repo.run()
            bench.repo.commit(f"spoof < {threshold}")

        return time_call(change)

    bench.edit(make_recipe(0.5))
    bench.repo.run()
    bench.repo.commit("before", allow_empty=True)
    thresholds = [0.5 + bench.next_number() / 1000 for _ in range(bench.rounds)]
    seconds = [choose(threshold) for threshold in thresholds]
    back_s = [choose(threshold) for threshold in [0.5, *thresholds[:-1]]]
    return Row(
        operation=f"a `where` over 3 signals of {bench.n:,} sources, from edited threshold to commit; taken back",
        bar="<= 1.0 s",
        aim="0.3 s",
        measured=f"{format_median(seconds)}; {format_median(back_s)}",
        passed=median(seconds) <= 1.0,
        figures={"run_s": seconds, "back_s": back_s},
    )
