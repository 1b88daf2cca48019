"""The same operations on the same table with pyarrow Parquet and Lance, as their own documentation does them.

Neither syncs what it writes to the disk, so their times are for less than ours: a commit of dsvc is on the disk.
Parquet knows no versions: it has a figure for writing and for reading the whole table.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

lance: Any
try:
    import lance
except ImportError:  # benchmarks/README.md says how to get it; its column stays empty without
    lance = None


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write the table as one zstd file."""
    pq.write_table(table, path, compression="zstd")


def read_parquet(path: Path) -> int:
    """Read the whole table and return its number of rows."""
    return int(pq.read_table(path).num_rows)


class LanceTable:
    """A Lance dataset of the benchmark table."""

    def __init__(self, table: pa.Table, path: Path) -> None:
        """Write the dataset's first version."""
        self.path = path
        self.dataset: Any = lance.write_dataset(table, str(path))
        self.first_version: int = self.dataset.version

    def change(self, rows: pa.Table) -> None:
        """Commit new values of some rows."""
        self.dataset.merge_insert("source").when_matched_update_all().execute(rows)

    def append(self, rows: pa.Table) -> None:
        """Commit new rows."""
        self.dataset = lance.write_dataset(rows, str(self.path), mode="append")

    def branch(self, name: str) -> None:
        """Branch off the newest version."""
        self.dataset.create_branch(name)

    def tag(self, name: str) -> None:
        """Tag the newest version."""
        self.dataset.tags.create(name, self.dataset.version)

    def read_first(self) -> int:
        """Read the first version whole and return its number of rows."""
        return int(self.dataset.checkout_version(self.first_version).to_table().num_rows)


def directory_bytes(path: Path) -> int:
    """Return the bytes of all files below a directory, as the file system has them allocated."""
    return sum(entry.stat().st_blocks * 512 for entry in path.rglob("*") if entry.is_file())
