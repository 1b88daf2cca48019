"""One measurement in a process of its own, where nothing is decoded or verified yet; started by `run.py`.

usage: fresh.py diff REPOSITORY BEFORE AFTER SIGNAL | fresh.py read REPOSITORY REVISION

Prints one JSON object with the seconds of the call and the rows. What the call imports is imported before, by the same
call on a repository of one record; the operating system's cache of the file is warm.
"""

import json
import sys
import tempfile
import time
from typing import Any

import pyarrow as pa

import dsvc


def count_rows(repo: Any, operation: str, *arguments: str) -> int:
    """Run the operation and return how many rows it gave."""
    if operation == "diff":
        before, after, signal = arguments
        return sum(batch.num_rows for batch in repo.diff(before, after, signal=signal))
    return int(repo.read(arguments[0]).num_rows)


def import_everything(operation: str) -> None:
    """Run the operation where it costs nothing but its imports."""
    with tempfile.TemporaryDirectory() as directory, dsvc.init(directory) as repo:
        for value in (1, 2):
            repo.put("spoof", pa.table({"source": ["s3://a/b"], "spoof": [value]}), producer="bench@1")
            repo.commit(str(value))
        count_rows(repo, operation, *(["HEAD~1", "HEAD", "spoof"] if operation == "diff" else ["HEAD"]))


def main(operation: str, path: str, *arguments: str) -> None:
    """Open the repository, run the operation once, print what it took."""
    import_everything(operation)
    with dsvc.open(path) as repo:
        started = time.perf_counter()
        rows = count_rows(repo, operation, *arguments)
        print(json.dumps({"seconds": time.perf_counter() - started, "rows": rows}))


if __name__ == "__main__":
    main(*sys.argv[1:])
