"""An HTTP proxy before a real server that makes the faults of real networks: for tests of who must survive them.

    with FaultyProxy("http://127.0.0.1:9000") as proxy:
        proxy.plan("/faces/a.jpg", Status(503, "SlowDown"), Reset())     # its first two requests; the third passes
        proxy.plan(None, Slow(0.2), forever=True)                        # every request that has no plan of its own

| fault | what the client sees |
| --- | --- |
| `Status` | an error of S3's form; the server hears nothing of the request |
| `Reset` | the connection is reset before any answer |
| `Truncate` | the true head, then a body that ends early |
| `ResetBody` | the same, but the connection is reset in the middle of the body |
| `Slow` | the true answer, later |
"""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive"}


@dataclass(frozen=True)
class Status:
    """An answer of this status, with the code of S3's error document."""

    status: int
    code: str = "InternalError"


@dataclass(frozen=True)
class Reset:
    """The connection is reset before any answer."""


@dataclass(frozen=True)
class Truncate:
    """The body ends after so many bytes, and the connection with it; the head promises all of it."""

    size: int


@dataclass(frozen=True)
class ResetBody:
    """The connection is reset after so many bytes of the body."""

    size: int


@dataclass(frozen=True)
class Slow:
    """The answer comes so much later."""

    seconds: float


Fault = Status | Reset | Truncate | ResetBody | Slow


class FaultyProxy:
    """Passes requests on to a server, but for those that it was told to spoil. A context manager.

    Args:
        upstream: Address of the server, e.g. `http://127.0.0.1:9000`.
    """

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._plans: dict[str | None, list[Fault]] = {}
        self._forever: dict[str | None, Fault] = {}
        self._lock = threading.Lock()
        self._now = 0
        self.requests: Counter[str] = Counter()
        """Requests so far, by path as it reads (percent signs decoded)."""
        self.most_at_once = 0
        """The most requests that were answered at one time."""
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def plan(self, path: str | None, *faults: Fault, forever: bool = False) -> None:
        """Spoil the next requests of a path, one fault each.

        Args:
            path: As it reads, e.g. `/bucket/key`; None for every path without a plan of its own.
            faults: In the order of requests.
            forever: Let the last of them be that of all requests after, too.
        """
        with self._lock:
            self._plans.setdefault(path, []).extend(faults)
            if forever:
                self._forever[path] = faults[-1]

    def heal(self) -> None:
        """Forget all faults that were planned."""
        with self._lock:
            self._plans.clear()
            self._forever.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _next_fault(self, path: str) -> Fault | None:
        with self._lock:
            self.requests[path] += 1
            for at in (path, None):
                if self._plans.get(at):
                    return self._plans[at].pop(0)
                if at in self._forever:
                    return self._forever[at]
            return None

    def _count(self, change: int) -> None:
        with self._lock:
            self._now += change
            self.most_at_once = max(self.most_at_once, self._now)

    def _pass_on(self, handler: BaseHTTPRequestHandler) -> tuple[int, list[tuple[str, str]], bytes]:
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length) if length else None
        connection = http.client.HTTPConnection(self._host, self._port, timeout=60)
        try:
            connection.putrequest(handler.command, handler.path, skip_host=True, skip_accept_encoding=True)
            for name, value in handler.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    connection.putheader(name, value)  # the client's own Host too: it is part of what was signed
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that leave are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    proxy: FaultyProxy
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a request of any method."""
        self.proxy._count(1)  # noqa: SLF001 - one thing in two classes
        try:
            self._answer(self.proxy._next_fault(unquote(self.path.partition("?")[0])))  # noqa: SLF001 - as above
        finally:
            self.proxy._count(-1)  # noqa: SLF001 - as above

    do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that the base class looks for

    def _answer(self, fault: Fault | None) -> None:
        if isinstance(fault, Slow):
            time.sleep(fault.seconds)
        if isinstance(fault, Reset):
            self._reset()
            return
        if isinstance(fault, Status):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            text = f'<?xml version="1.0"?><Error><Code>{fault.code}</Code><Message>planned</Message></Error>'
            self._send(fault.status, [("Content-Type", "application/xml")], text.encode())
            return
        status, headers, body = self.proxy._pass_on(self)  # noqa: SLF001 - one thing in two classes
        if isinstance(fault, Truncate | ResetBody):
            self._send(status, headers, body, fault.size)
            end: Callable[[], None] = self._close if isinstance(fault, Truncate) else self._reset
            end()
        else:
            self._send(status, headers, body)

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes, size: int | None = None) -> None:
        self.send_response_only(status)
        promised = len(body)
        for name, value in headers:
            if name.lower() == "content-length":
                promised = int(value)  # of a HEAD: what the body would have
            elif name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(promised))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:size])
        self.wfile.flush()

    def _close(self) -> None:
        self.close_connection = True

    def _reset(self) -> None:
        # With a linger of zero, closing sends RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RD)
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""
