"""The benchmark's harness runs to its end and prints every row; no figure is judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
OPERATIONS = (
    "put of the five signals",
    "commit after changing 1 record",
    "commit after changing 1 %",
    "commit after appending 1 %",
    "branch; tag",
    "diff of 1 of",
    "diff of 20 of",
    "read an old version whole",
    "`dsvc log -n1`; `branch`; `status`",
    "plan; run with nothing to do, 2,000 records, 10 steps",
    "run after 1 of 2,000 input records changed",
    "a new row-wise SQL step over 2,000 records",
    "a `where` over 3 signals of 2,000 sources",
    "the threshold changed, 2,000 sources, whole processes",
    "a Python transform of",
    "first run of a task that judges 2,000 values",
    "a pass of the loop with people, nothing new; 1 answer; 2,000 sources",
    "the same commit of 1 record at 3,000 sources",
    "import of 3,000 rows from Parquet, sorted by source",
    "import of 3,000 rows from Parquet, unsorted",
    "first run of 10 steps and 1 dataset over 3,000 sources: peak memory",
)


@pytest.mark.slow
def test_benchmark_prints_every_row(tmp_path):
    """One command on a tiny table prints the Markdown table with all rows and writes the figures as JSON."""
    figures = tmp_path / "figures.json"
    options = ["--rows", "2000", "--rounds", "1", "--large", "--large-rows", "3000", "--spun", "40"]
    command = [sys.executable, "benchmarks/run.py", *options, "--dir", tmp_path, "--json", figures]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stderr
    rows = json.loads(figures.read_text())["rows"]
    assert len(OPERATIONS) == len(rows)
    for operation, row in zip(OPERATIONS, rows, strict=True):
        assert row["operation"].startswith(operation)
        assert f"| {row['operation']} |" in done.stdout
        assert all(row["figures"][name] for name in row["figures"] if not name.startswith("lance"))
