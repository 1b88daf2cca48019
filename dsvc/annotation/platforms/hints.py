"""Hearing webhooks: a small receiver that turns what platforms send into hints to poll.

A webhook is sent once, may be lost, doubled, late or forged, and a sender waits for its answer while a person waits for
theirs. So it is answered at once, whatever comes; only its platform can tell whether it is authentic; and of what it
says nothing is believed but which project to look at.

    POST http://host:port/<platform>
"""

from __future__ import annotations

import threading
from collections.abc import Callable, MutableMapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any, Final, Self

from dsvc.plugins.platforms import Platform

MAX_BODY: Final = 1 << 20
"""Bytes of a webhook that are read; a longer one is answered and dropped."""
_DIGITS = len(str(MAX_BODY))
_PATIENCE_S = 10

Heard = Callable[[tuple[str, str]], object]
"""Called with the platform's name and the project, from a thread of the receiver's; it must return at once."""


class HintReceiver:
    """Listens for webhooks while it is open.

    Args:
        platforms: By name, as the path of an address says it; may be added to while it listens.
        heard: What is told of each authentic hint.
        host: Where to listen.
        port: 0 for any that is free.
    """

    def __init__(
        self, platforms: MutableMapping[str, Platform], heard: Heard, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.platforms = platforms
        self._heard = heard
        self._server = ThreadingHTTPServer((host, port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.n_refused = 0
        """Of what came and was not authentic."""

    @property
    def url(self) -> str:
        """The address, without a platform."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Take what was sent; tell of it if it is authentic."""
        name = path.strip("/")
        platform = self.platforms.get(name)
        project = None if platform is None else platform.read_hint(headers, body)
        if project is None:
            self.n_refused += 1
        else:
            self._heard((name, project))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            timeout = _PATIENCE_S

            def do_POST(self) -> None:
                """Answer first, look afterwards."""
                length = self.headers.get("Content-Length", "")
                is_short = length.isdecimal() and len(length) <= _DIGITS and int(length) <= MAX_BODY
                body = self._read(int(length)) if is_short else None
                self.send_response(204)
                self.end_headers()
                if body is not None:
                    receiver.take(self.path.partition("?")[0], dict(self.headers.items()), body)

            def _read(self, length: int) -> bytes:
                """Read a body within the patience as a whole: who sends a byte a second holds no thread for long."""
                until, parts = monotonic() + _PATIENCE_S, list[bytes]()
                while length > 0:
                    self.connection.settimeout(max(0.001, until - monotonic()))
                    parts.append(self.rfile.read1(length))
                    if not parts[-1]:
                        break
                    length -= len(parts[-1])
                return b"".join(parts)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's
                """Say nothing."""

        return Handler
