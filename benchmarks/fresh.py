"""One measurement in a process of its own, where nothing is decoded or verified yet; started by `run.py`.

usage: fresh.py diff REPOSITORY BEFORE AFTER SIGNAL | fresh.py read REPOSITORY REVISION

Prints one JSON object with the seconds of the call alone (imports and opening the repository are outside) and the rows.
The operating system's cache of the file is warm.
"""

import json
import sys
import time

import pyarrow as pa  # noqa: F401 - imported here so that its import is not in the figure

import dsvc


def main(operation: str, path: str, *arguments: str) -> None:
    """Open the repository, run the operation once, print what it took."""
    repo = dsvc.open(path)
    started = time.perf_counter()
    if operation == "diff":
        before, after, signal = arguments
        rows = sum(batch.num_rows for batch in repo.diff(before, after, signal=signal))
    else:
        rows = repo.read(arguments[0]).num_rows
    print(json.dumps({"seconds": time.perf_counter() - started, "rows": rows}))


if __name__ == "__main__":
    main(*sys.argv[1:])
