"""Measure dsvc's speed table: every row in one run, its peers beside it.

usage: python benchmarks/run.py [--rows N] [--rounds N] [--large] [--dir DIR] [--json FILE]

See benchmarks/README.md for the set-up and for what each row means.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deriving import (
    DerivingBench,
    measure_new_step,
    measure_nothing_to_do,
    measure_one_changed,
    measure_run_memory,
    measure_threshold,
)
from measures import (
    Bench,
    measure_append,
    measure_branch_and_tag,
    measure_diff,
    measure_first_commit,
    measure_large_one_record,
    measure_one_record,
    measure_random_percent,
    measure_read,
)
from people import measure_first_task, measure_passes
from pipeline import measure_pipeline
from processes import measure_commands, measure_import_memory
from report import Row, describe_machine, render_json, render_markdown
from workers import N_RECORDS, measure_workers

LARGE_ROWS = 10_000_000


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="sources in the table (default: 1,000,000)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of what takes long (default: 5)")
    parser.add_argument("--large", action="store_true", help=f"also measure {LARGE_ROWS:,} sources (several minutes)")
    parser.add_argument("--spun", type=int, default=N_RECORDS, help=argparse.SUPPRESS)
    parser.add_argument("--large-rows", type=int, default=LARGE_ROWS, help=argparse.SUPPRESS)
    parser.add_argument("--dir", type=Path, help="where to put the data (default: the system's temporary directory)")
    parser.add_argument("--json", type=Path, help="also write every figure to this file")
    return parser.parse_args()


def iter_rows(options: argparse.Namespace, directory: Path) -> Iterator[Row]:
    """Measure row by row; later rows use the repository that the first one leaves."""
    bench = Bench(options.rows, directory, options.rounds)
    yield measure_first_commit(bench)
    one_record = measure_one_record(bench)
    yield one_record
    yield measure_random_percent(bench)
    yield measure_append(bench)
    yield measure_branch_and_tag(bench)
    yield measure_diff(bench, 1, warm_bar_s=0.003, aim="1 ms")
    yield measure_diff(bench, bench.percent, warm_bar_s=0.1, aim="40 ms")
    yield measure_read(bench)
    yield measure_commands(Path(bench.repo.path))
    del bench
    yield from iter_deriving_rows(options, directory)
    if options.large:
        yield measure_large_one_record(directory, options.large_rows, one_record)
        yield measure_import_memory(directory, options.large_rows, is_sorted=True)
        yield measure_import_memory(directory, options.large_rows, is_sorted=False)
        yield measure_run_memory(directory, options.large_rows)


def iter_deriving_rows(options: argparse.Namespace, directory: Path) -> Iterator[Row]:
    """Measure what plans and runs cost, in a repository of their own."""
    deriving = DerivingBench(options.rows, directory, options.rounds)
    deriving.derive()
    yield measure_nothing_to_do(deriving)
    yield measure_one_changed(deriving)
    yield measure_new_step(deriving)
    yield measure_threshold(deriving)
    yield measure_pipeline(deriving, directory)
    yield measure_workers(directory, n=options.spun)
    yield measure_first_task(directory, options.rows)
    yield measure_passes(directory, options.rows, options.rounds)


def main() -> None:
    """Measure, say on stderr how far it is, and print the table."""
    options = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="dsvc-bench-", dir=options.dir) as directory:
        rows = []
        for row in iter_rows(options, Path(directory)):
            print(f"{row.operation}: {row.measured}", file=sys.stderr, flush=True)
            rows.append(row)
    machine = describe_machine()
    print(render_markdown(rows, machine, f"{options.rows:,} sources, 5 signals, medians of several runs."))
    if options.json:
        described = {"rows": options.rows, "rounds": options.rounds, "large": options.large}
        options.json.write_text(render_json(rows, machine, described), encoding="utf-8")


if __name__ == "__main__":
    main()
