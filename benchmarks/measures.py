"""Measures each operation of the table in process: ours and the peers' in turn, medians of several runs."""

import json
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import peers
import pyarrow as pa
from peers import LanceTable, directory_bytes
from report import Row, format_median, format_size, format_time
from signal_table import SIGNALS, change_spoof, make_table
from timing import median_ratio, run_process, time_call, time_calls, time_each
from usage import Usage, object_usage

import dsvc

PRODUCER = "bench@1.0"
FRESH = str(Path(__file__).with_name("fresh.py"))
KIB = 1024
COLD_DIFF_BAR_S = 0.150
N_SMALL = 25
"""Runs of what takes milliseconds."""
N_COLD = 7
"""Runs in a fresh process."""
N_LANCE = 5
"""Runs of what takes Lance tens of milliseconds and more."""


class Bench:
    """What the measurements share: the table, and a repository and a Lance dataset that hold it."""

    def __init__(self, n: int, directory: Path, rounds: int) -> None:
        """Make the table of `n` sources; nothing is written yet."""
        self.n = n
        self.directory = directory
        self.rounds = rounds
        self.table = make_table(n)
        self.percent = max(1, n // 100)
        self.parquet_path = directory / "table.parquet"
        self.lance: LanceTable | None = None
        self.repo: Any = None
        self.first_commit_id = ""
        self.first_commit_s: list[float] = []
        self.first_usage = Usage(0, 0)
        self._changes = 0

    def make_first_commit(self, name: str) -> float:
        """Put and commit the table in a new repository, which is the one in use from now on; return the seconds."""
        self.repo = dsvc.init(self.directory / name)
        seconds = time_call(partial(self.commit_all, self.table))
        self.first_commit_id = next(iter(self.repo.log("HEAD"))).id
        return seconds

    def commit_all(self, table: pa.Table) -> None:
        """Put all five signals of a table and commit."""
        for name in SIGNALS:
            self.repo.put(name, table.select(["source", name]), producer=PRODUCER)
        self.repo.commit("all")

    def commit_spoof(self, rows: pa.Table) -> None:
        """Put spoof values and commit."""
        self.repo.put("spoof", rows, producer=PRODUCER)
        self.repo.commit("spoof")

    def make_changes(self, count: int, runs: int) -> list[pa.Table]:
        """Return new spoof values for `count` random sources, other ones in every table of every call."""
        self._changes += runs
        return [change_spoof(self.table, count, seed=self._changes - i) for i in range(runs)]

    def make_lance(self, name: str) -> None:
        """Write the table as a new Lance dataset, which is the one in use from now on."""
        self.lance = LanceTable(self.table, self.directory / name)

    def time_lance(self, method: str, items: Iterable[Any]) -> list[float]:
        """Return the seconds of a method of the Lance dataset with each item; none without Lance."""
        return [] if self.lance is None else time_each(getattr(self.lance, method), items)

    def run_fresh(self, *arguments: str) -> tuple[float, int]:
        """Run one measurement in a process of its own and return its seconds and rows."""
        result = json.loads(run_process([sys.executable, FRESH, *arguments], self.directory).stdout)
        return result["seconds"], result["rows"]


def measure_first_commit(bench: Bench) -> Row:
    """Measure put of the five signals and the first commit, into an empty repository each time."""
    Bench(2000, bench.directory, 1).make_first_commit("warm-up")
    parquet_s, lance_s = [], []
    for i in range(bench.rounds):
        parquet_s.append(time_call(partial(peers.write_parquet, bench.table, bench.parquet_path)))
        if peers.lance is not None:
            lance_s.append(time_call(partial(bench.make_lance, f"table-{i}.lance")))
        bench.first_commit_s.append(bench.make_first_commit(f"repo-{i}"))
    bench.first_usage = object_usage(bench.repo)
    ratio = median_ratio(bench.first_commit_s, parquet_s)
    parquet_bytes = bench.parquet_path.stat().st_size
    stored_ratio = directory_bytes(Path(bench.repo.path)) / parquet_bytes
    lance = "-"
    if bench.lance is not None:
        lance = f"{median_ratio(lance_s, parquet_s):.2f} x; {directory_bytes(bench.lance.path) / parquet_bytes:.2f} x"
    return Row(
        operation="put of the five signals + first commit, durable; stored",
        bar="<= 1.0 x Parquet; <= 1.35 x its file",
        aim="0.6 x",
        measured=f"{format_median(bench.first_commit_s)} = {ratio:.2f} x; {stored_ratio:.2f} x",
        passed=ratio <= 1.0 and stored_ratio <= 1.35,
        parquet=f"{format_median(parquet_s)}; {format_size(parquet_bytes)}",
        lance=lance,
        figures={
            "dsvc_s": bench.first_commit_s,
            "parquet_s": parquet_s,
            "lance_s": lance_s,
            "ratio": [ratio],
            "stored_ratio": [stored_ratio],
            "object_bytes": [bench.first_usage.stored_bytes],
        },
    )


def measure_one_record(bench: Bench) -> Row:
    """Measure the commit of one changed record, and the objects that it adds."""
    changes = bench.make_changes(1, N_SMALL)
    before = object_usage(bench.repo)
    seconds = time_each(bench.commit_spoof, changes)
    added = object_usage(bench.repo) - before
    size_bytes, objects = added.stored_bytes / N_SMALL, added.count / N_SMALL
    lance_s = bench.time_lance("change", changes[:N_LANCE])
    return Row(
        operation="commit after changing 1 record, durable; written",
        bar="<= 5 ms; <= 64 KiB",
        aim="2 ms",
        measured=f"{format_median(seconds)}; {format_size(size_bytes)} in {objects:.1f} objects",
        passed=median(seconds) <= 5e-3 and size_bytes <= 64 * KIB,
        lance=format_median(lance_s),
        figures={"dsvc_s": seconds, "lance_s": lance_s, "objects": [objects], "written_bytes": [size_bytes]},
    )


def measure_large_one_record(directory: Path, n: int, small: Row) -> Row:
    """Measure the same commit of one changed record among `n`, against its row at the size of the main table."""
    bench = Bench(n, directory, 1)
    first_commit_s = bench.make_first_commit("large")
    seconds = time_each(bench.commit_spoof, bench.make_changes(1, N_SMALL))
    ratio = median(seconds) / median(small.figures["dsvc_s"])
    return Row(
        operation=f"the same commit of 1 record at {n:,} sources",
        bar="<= 2 x",
        aim="1.3 x",
        measured=f"{format_median(seconds)} = {ratio:.2f} x",
        passed=ratio <= 2.0,
        figures={"dsvc_s": seconds, "ratio": [ratio], "first_commit_s": [first_commit_s]},
    )


def measure_random_percent(bench: Bench) -> Row:
    """Measure the commit of 1 % of one 4-byte signal, changed at random."""
    changes = bench.make_changes(bench.percent, bench.rounds)
    before = object_usage(bench.repo)
    seconds = time_each(bench.commit_spoof, changes)
    growth = (object_usage(bench.repo) - before).stored_bytes / bench.rounds / bench.table["spoof"].nbytes
    ratio = median(seconds) / median(bench.first_commit_s)
    lance_s = bench.time_lance("change", changes)
    return Row(
        operation="commit after changing 1 % of one 4-byte signal at random",
        bar="<= 0.25 x the first commit; growth <= 1.4 x the column",
        aim="0.1 x",
        measured=f"{format_median(seconds)} = {ratio:.2f} x; {growth:.2f} x",
        passed=ratio <= 0.25 and growth <= 1.4,
        lance=format_median(lance_s),
        figures={"dsvc_s": seconds, "lance_s": lance_s, "ratio": [ratio], "growth": [growth]},
    )


def measure_append(bench: Bench) -> Row:
    """Measure the commit of 1 % new sources in all five signals, behind all that are there."""
    parts = [make_table(bench.percent, seed=i, year=2027 + i) for i in range(bench.rounds)]
    before = object_usage(bench.repo)
    seconds = time_each(bench.commit_all, parts)
    added = (object_usage(bench.repo) - before).stored_bytes / bench.rounds
    # One version's objects after the first append; a later one adds as much to a larger whole.
    size_after = bench.first_usage.stored_bytes * (1 + bench.percent / bench.n)
    growth = added / (size_after * bench.percent / bench.n)
    ratio = median(seconds) / median(bench.first_commit_s)
    lance_s = bench.time_lance("append", parts)
    return Row(
        operation="commit after appending 1 % to all five",
        bar="<= 0.1 x the first commit; growth <= 1.5 x 1 % of the size",
        aim="0.02 x",
        measured=f"{format_median(seconds)} = {ratio:.3f} x; {growth:.2f} x",
        passed=ratio <= 0.1 and growth <= 1.5,
        lance=format_median(lance_s),
        figures={"dsvc_s": seconds, "lance_s": lance_s, "ratio": [ratio], "growth": [growth]},
    )


def measure_branch_and_tag(bench: Bench) -> Row:
    """Measure making a branch and a tag of the newest commit."""
    branches, tags = ([f"{kind}-{i:03d}" for i in range(N_SMALL)] for kind in ("branch", "tag"))
    branch_s, tag_s = time_each(bench.repo.branch, branches), time_each(bench.repo.tag, tags)
    lance_branch_s = bench.time_lance("branch", branches[:N_LANCE])
    lance_tag_s = bench.time_lance("tag", tags[:N_LANCE])
    return Row(
        operation="branch; tag",
        bar="<= 1 ms in process",
        aim="0.5 ms",
        measured=f"{format_median(branch_s)}; {format_median(tag_s)}",
        passed=max(median(branch_s), median(tag_s)) <= 1e-3,
        lance=f"{format_median(lance_branch_s)}; {format_median(lance_tag_s)}",
        figures={"branch_s": branch_s, "tag_s": tag_s, "lance_branch_s": lance_branch_s, "lance_tag_s": lance_tag_s},
    )


def measure_diff(bench: Bench, count: int, *, warm_bar_s: float, aim: str) -> Row:
    """Measure the diff of two commits between which `count` spoof values changed, with the values before and after."""
    (change,) = bench.make_changes(count, 1)
    bench.commit_spoof(change)

    def diff() -> int:
        return sum(batch.num_rows for batch in bench.repo.diff("HEAD~1", "HEAD", signal="spoof"))

    found = diff()
    if found != count:
        raise AssertionError(f"{count} records changed, the diff shows {found}")
    warm_s = time_calls(diff, N_SMALL)
    cold_s = [bench.run_fresh("diff", str(bench.repo.path), "HEAD~1", "HEAD", "spoof")[0] for _ in range(N_COLD)]
    return Row(
        operation=f"diff of {count:,} of {bench.n:,} records, exact rows with both values",
        bar=f"<= {format_time(warm_bar_s)} warm, {format_time(COLD_DIFF_BAR_S)} cold",
        aim=aim,
        measured=f"{format_median(warm_s)} warm, {format_median(cold_s)} cold",
        passed=median(warm_s) <= warm_bar_s and median(cold_s) <= COLD_DIFF_BAR_S,
        figures={"warm_s": warm_s, "cold_s": cold_s},
    )


def measure_read(bench: Bench) -> Row:
    """Measure reading the first version whole: once in a fresh process, then again and again in this one."""
    revision = bench.first_commit_id
    first_s, rows = bench.run_fresh("read", str(bench.repo.path), revision)
    if rows != bench.n:
        raise AssertionError(f"{bench.n} rows expected, {rows} read")
    bench.repo.read(revision)
    seconds, parquet_s, lance_s = [], [], []
    for _ in range(bench.rounds):
        parquet_s.append(time_call(partial(peers.read_parquet, bench.parquet_path)))
        seconds.append(time_call(partial(bench.repo.read, revision)))
        if bench.lance is not None:
            lance_s.append(time_call(bench.lance.read_first))
    ratio = median_ratio(seconds, parquet_s)
    return Row(
        operation="read an old version whole, second read (first read, fresh process)",
        bar="<= 0.8 x Parquet",
        aim="0.4 x",
        measured=f"{format_median(seconds)} = {ratio:.2f} x (first {format_time(first_s)})",
        passed=ratio <= 0.8,
        parquet=format_median(parquet_s),
        lance=format_median(lance_s),
        figures={"dsvc_s": seconds, "parquet_s": parquet_s, "lance_s": lance_s, "ratio": [ratio], "first_s": [first_s]},
    )
