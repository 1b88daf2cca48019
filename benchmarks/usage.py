"""How many objects a repository stores and how many bytes they take, read from its file as docs/format.md describes it.

usage: usage.py REPOSITORY

LMDB must not be opened twice by one process, so the counting is done by a process of its own.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lmdb
from timing import run_process

OBJECT_PREFIX = b"o"


@dataclass(frozen=True)
class Usage:
    """Objects of a store."""

    count: int
    stored_bytes: int
    """Bytes of their frames as stored, compression included, the database's own pages not."""

    def __sub__(self, before: "Usage") -> "Usage":
        return Usage(self.count - before.count, self.stored_bytes - before.stored_bytes)


def object_usage(repo: Any) -> Usage:
    """Return the usage of an open repository."""
    path = Path(repo.path)
    return Usage(**json.loads(run_process([sys.executable, __file__, str(path)], path).stdout))


def count_objects(path: Path) -> Usage:
    """Count the objects in the store of the repository in a directory."""
    count = stored_bytes = 0
    with lmdb.open(str(path / ".dsvc" / "store"), readonly=True) as env, env.begin(buffers=True) as txn:
        cursor = txn.cursor()
        found = cursor.set_range(OBJECT_PREFIX)
        while found and bytes(cursor.key()[:1]) == OBJECT_PREFIX:
            count += 1
            stored_bytes += len(cursor.value())
            found = cursor.next()
    return Usage(count, stored_bytes)


if __name__ == "__main__":
    print(json.dumps(asdict(count_objects(Path(sys.argv[1])))))
