"""Measures the same threshold change by a DVC pipeline over Parquet files, as an engineer without dsvc would do it.

usage (by DVC, in the pipeline's directory): pipeline.py derive | pipeline.py select

Both sides are timed as whole processes, from the edited threshold to a recorded version of the dataset.  DVC's stages
use DuckDB on Parquet, its cache is on the same disk, and the stage that the threshold does not touch is not run again.
"""

import json
import shutil
import sys
import sysconfig
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import pyarrow.parquet as pq
from deriving import WHERE, DerivingBench, make_recipe
from processes import find_dsvc
from report import Row, format_median
from signal_table import SIGNALS
from timing import median_ratio, run_process

DERIVED = "bbox.w * bbox.h AS area, round(spoof * 100) AS percent"
"""What the first stage derives of the signals."""


def find_dvc() -> str | None:
    """Return the command of DVC beside this interpreter, or on the path; None where it is not installed."""
    script = Path(sysconfig.get_path("scripts")) / "dvc"
    return str(script) if script.exists() else shutil.which("dvc")


class DvcPipeline:
    """A DVC project with the table as one Parquet file a signal, a stage that derives and one that selects."""

    def __init__(self, dvc: str, bench: DerivingBench, path: Path) -> None:
        """Write everything and run it once; none of this is measured."""
        self.path, self._dvc = path, dvc
        path.mkdir()
        for name in SIGNALS:
            pq.write_table(bench.table.select(["source", name]), path / f"{name}.parquet", compression="zstd")
        python = [sys.executable, __file__]
        signals = [f"{name}.parquet" for name in SIGNALS]
        stages: dict[str, Any] = {
            "derive": {"cmd": " ".join([*python, "derive"]), "deps": signals, "outs": ["derived.parquet"]},
            "select": {
                "cmd": " ".join([*python, "select"]),
                "deps": [*signals, "derived.parquet"],
                "params": [{"params.json": ["threshold"]}],
                "outs": ["train.parquet"],
            },
        }
        (path / "dvc.yaml").write_text(json.dumps({"stages": stages}), encoding="utf-8")  # JSON is YAML
        self.edit(0.5)
        for words in (["init", "--no-scm"], ["config", "core.analytics", "false"], ["repro"]):
            run_process([dvc, *words], path)

    def edit(self, threshold: float) -> None:
        """Write the threshold, as an editor does."""
        (self.path / "params.json").write_text(json.dumps({"threshold": threshold}), encoding="utf-8")

    def run(self) -> float:
        """Return the seconds of `dvc repro`."""
        return run_process([self._dvc, "repro"], self.path).seconds


def run_dsvc(bench: DerivingBench, threshold: float, message: str) -> float:
    """Return the seconds of `dsvc run -m` after the threshold was edited."""
    bench.edit(make_recipe(threshold))
    return run_process([*find_dsvc(), "run", "-m", message], Path(bench.repo.path)).seconds


def check_out(bench: DerivingBench, to: Path) -> float:
    """Return the seconds of writing the dataset as Parquet files."""
    command = [*find_dsvc(), "checkout", "HEAD", "train", "--to", str(to)]
    return run_process(command, Path(bench.repo.path)).seconds


def measure_pipeline(bench: DerivingBench, directory: Path) -> Row:
    """Measure a changed threshold: `dvc repro` against `dsvc run -m`, and with the files written against both."""
    dvc = find_dvc()
    pipeline = None if dvc is None else DvcPipeline(dvc, bench, directory / "dvc")
    bench.repo.close()
    out = directory / "train"
    run_dsvc(bench, 0.5, "before")
    check_out(bench, out)
    ours_s, out_s, dvc_s = [], [], []
    for _, number in zip(range(bench.rounds), count(1), strict=False):
        threshold = 0.4 + number / 1000
        ours_s.append(run_dsvc(bench, threshold, f"spoof < {threshold}"))
        out_s.append(ours_s[-1] + check_out(bench, out))
        if pipeline is not None:
            pipeline.edit(threshold)
            dvc_s.append(pipeline.run())
    told = "DVC is not installed"
    if dvc_s:
        told = f"{format_median(dvc_s)}: dsvc takes {median_ratio(ours_s, dvc_s):.2f} x, with files "
        told += f"{median_ratio(out_s, dvc_s):.2f} x"
    return Row(
        operation=f"the threshold changed, {bench.n:,} sources, whole processes: `dsvc run -m`; with `checkout`",
        bar="reported beside `dvc repro`",
        aim="-",
        measured=f"{format_median(ours_s)}; {format_median(out_s)}; `dvc repro` {told}",
        passed=not dvc_s or median(ours_s) < median(dvc_s),
        figures={"dsvc_s": ours_s, "with_files_s": out_s} | ({"dvc_s": dvc_s} if dvc_s else {}),
    )


def derive() -> None:
    """Run the first stage: derive two columns of the signals."""
    _join("bbox", "spoof").project(f"source, {DERIVED}").write_parquet("derived.parquet")


def select() -> None:
    """Run the second stage: write the rows that the threshold selects."""
    threshold = json.loads(Path("params.json").read_text(encoding="utf-8"))["threshold"]
    chosen = _join(*SIGNALS).filter(WHERE.format(threshold=threshold))
    chosen.project("source, bbox AS box, spoof").write_parquet("train.parquet")


def _join(first: str, *others: str) -> duckdb.DuckDBPyRelation:
    joined = duckdb.read_parquet(f"{first}.parquet")
    for name in others:
        joined = joined.join(duckdb.read_parquet(f"{name}.parquet"), "source")
    return joined


if __name__ == "__main__":
    {"derive": derive, "select": select}[sys.argv[1]]()
