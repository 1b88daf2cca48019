"""Measures whole processes: the commands an engineer types all day, and the memory of a large import."""

import shutil
import sys
import sysconfig
from pathlib import Path
from statistics import median

import pyarrow.parquet as pq
from report import Row, format_size, format_time
from signal_table import make_table, shuffle
from timing import median_ratio, run_in_turn, run_process

import dsvc

GIB = 2**30
PRODUCER = "bench@1.0"
ROW_GROUP = 2**20
"""Rows of a row group: what pyarrow writes when nothing is asked for."""

PYTHON_CLICK = [sys.executable, "-c", "import click"]
COMMANDS = {"log": ["log", "-n1"], "branch": ["branch"], "status": ["status"]}


def find_dsvc() -> list[str]:
    """Return the command line that starts dsvc: the installed command beside this interpreter, else the module."""
    script = Path(sysconfig.get_path("scripts")) / "dsvc"
    return [str(script)] if script.exists() else [sys.executable, "-m", "dsvc"]


def measure_commands(repo_path: Path, runs: int = 15) -> Row:
    """Measure `dsvc log -n1`, `branch` and `status` as whole processes against one that imports click."""
    commands = {name: [*find_dsvc(), *arguments] for name, arguments in COMMANDS.items()}
    seconds = run_in_turn({"click": PYTHON_CLICK, **commands}, repo_path, runs)
    ratios = {name: median_ratio(seconds[name], seconds["click"]) for name in COMMANDS}
    return Row(
        operation="`dsvc log -n1`; `branch`; `status`: the whole process",
        bar="<= 2.5 x `python -c 'import click'`",
        aim="1.5 x",
        measured="; ".join(f"{format_time(median(seconds[name]))} = {ratios[name]:.2f} x" for name in COMMANDS),
        passed=max(ratios.values()) <= 2.5,
        figures={f"{name}_s": found for name, found in seconds.items()},
    )


def measure_import_memory(directory: Path, n: int, *, is_sorted: bool) -> Row:
    """Measure the peak memory of `dsvc put` of a Parquet file of `n` rows with all five columns."""
    path = directory / "import.parquet"
    table = make_table(n)
    pq.write_table(table if is_sorted else shuffle(table), path, compression="zstd", row_group_size=ROW_GROUP)
    del table
    repo_path = directory / ("import-sorted" if is_sorted else "import-unsorted")
    dsvc.init(repo_path)
    process = run_process([*find_dsvc(), "put", "face", str(path), "--producer", PRODUCER], repo_path)
    path.unlink()
    shutil.rmtree(repo_path)
    return Row(
        operation=f"import of {n:,} rows from Parquet, {'sorted by source' if is_sorted else 'unsorted'}: peak memory",
        bar="<= 1.5 GiB",
        aim="0.8 GiB",
        measured=f"{format_size(process.peak_bytes)}, {format_time(process.seconds)}",
        passed=process.peak_bytes <= 1.5 * GIB,
        figures={"peak_bytes": [process.peak_bytes], "seconds": [process.seconds]},
    )
