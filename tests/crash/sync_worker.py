"""Does passes of the annotation loop until it is killed: `python -m tests.crash.sync_worker DIRECTORY TIME_US`."""

import os
import sys

from dsvc.errors import DsvcError
from dsvc.repository import Repository


def main() -> None:
    """Work on the directory of the first argument, at the time of the second."""
    directory, now_us = sys.argv[1], int(sys.argv[2])
    with Repository.open(directory, author="Ada", clock=lambda: now_us) as repo:
        try:
            repo.annotate_sync(dry_run=True)  # what is imported on the way must not take the time in which it is killed
        except DsvcError as err:
            if not err.retryable:
                raise
    print("ready", flush=True)
    n_failed = 0
    while n_failed < int(os.environ.get("DSVC_TEST_MOST_FAILED", "0")) + 1:
        try:
            with Repository.open(directory, author="Ada", clock=lambda: now_us) as repo:
                repo.annotate_sync(close_lots=True)
        except DsvcError as err:
            n_failed += 1
            if not err.retryable:  # a server that was killed comes back; anything else is a finding
                raise
        print("pass", flush=True)


if __name__ == "__main__":
    main()
