"""A worker process: calls a step for batches that come over a pipe, until its parent is gone.

It opens no store and writes nothing. What the step prints goes to stderr, and an interrupt is for the parent, who
ends its workers: a worker whose pipe is closed ends at once, in the middle of a call too.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from dsvc.engine.making.talk import Talk

CODE, BATCH = b"c", b"b"
"""What a message begins with: the code to call from now on, pickled, or a batch to call it for."""
DONE, FAILED = b"d", b"f"
"""What an answer begins with: the result, or why the code cannot be called at all."""


def serve(connection: Connection) -> None:
    """Answer the messages of a connection, one by one, until it is closed."""
    messages: SimpleQueue[bytes] = SimpleQueue()
    # Beside the calls, so that the parent's end is noticed however long one takes.
    threading.Thread(target=_listen, args=(connection, messages), daemon=True).start()
    call: Any = None
    while True:
        message = messages.get()
        body = message[1:]
        try:
            if message[:1] == CODE:
                call = pickle.loads(body)  # noqa: S301 - from our parent alone
                continue
            answer = DONE + call(body)
        except BaseException as err:  # noqa: BLE001 - whatever it is, the parent must know
            answer = FAILED + f"{type(err).__name__}: {err}".encode("utf-8", "backslashreplace")
        connection.send_bytes(answer)


def _listen(connection: Connection, messages: SimpleQueue[bytes]) -> None:
    while True:
        try:
            messages.put(connection.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)  # nobody waits for an answer any more


def main() -> None:
    """Serve the connection whose file descriptor is the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout, sys.stderr = Talk(sys.stdout), Talk(sys.stderr)
    serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
