"""Does passes of the annotation loop until it is killed: `python -m tests.crash.sync_worker DIRECTORY TIME_US`."""

import sys

from dsvc.repository import Repository


def main() -> None:
    """Work on the directory of the first argument, at the time of the second."""
    directory, now_us = sys.argv[1], int(sys.argv[2])
    with Repository.open(directory, author="Ada", clock=lambda: now_us) as repo:
        repo.annotate_sync(dry_run=True)  # what is imported on the way must not take the time in which it is killed
    print("ready", flush=True)
    while True:
        with Repository.open(directory, author="Ada", clock=lambda: now_us) as repo:
            repo.annotate_sync(close_lots=True)
        print("pass", flush=True)


if __name__ == "__main__":
    main()
