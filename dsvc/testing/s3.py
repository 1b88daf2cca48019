"""A real S3 interface for tests, on loopback, for as long as a context is open.

What comes first: a server that `DSVC_TEST_S3_URL` names, with the credentials that boto3 finds; else a server of
`moto`, in a process of its own, that answers as S3 does and keeps everything in memory.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

URL_VARIABLE = "DSVC_TEST_S3_URL"
READY_S = 60.0
"""How long a server may take to start on a busy machine; 1 to 2 s is usual."""
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""What a client of our own server is started with; AWS_ENDPOINT_URL comes to it."""

_TRIES = 3


class S3UnavailableError(RuntimeError):
    """No server can be had here; the message says why."""


@contextmanager
def running_s3() -> Iterator[str]:
    """Give the address of a server that answers, and stop it in the end if it was started here.

    Raises:
        S3UnavailableError: If there is none and none can be started.
    """
    if url := os.environ.get(URL_VARIABLE):
        yield url
        return
    if find_spec("moto") is None:
        raise S3UnavailableError(f"{URL_VARIABLE} names no server, and moto is not installed: pip install 'dsvc[dev]'")
    process, port = _start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start() -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(_TRIES):  # somebody else may take the port in between
        port = free_port()
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **ENVIRONMENT}
        )
        if _wait_until_ready(process, port):
            return process, port
        process.kill()
        process.wait()
    raise S3UnavailableError(f"moto's server did not answer within {READY_S:.0f} s")


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
