"""The proxy that makes faults: each is what a client sees, and what was not planned passes as it is."""

import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dsvc.testing.http_faults import FaultyProxy, Reset, ResetBody, Slow, Status, Truncate

BODY = bytes(range(256)) * 2000


@pytest.fixture
def proxy():
    """A proxy before a server that tells back what it was asked."""

    class Echo(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Length", str(len(sent or BODY)))
            self.send_header("X-Asked", f"{self.command} {self.path} {self.headers['Host']}")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(sent or BODY)

        do_PUT = do_HEAD = do_GET  # noqa: N815 - the names that the base class looks for

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    with FaultyProxy(f"http://127.0.0.1:{server.server_address[1]}") as proxy:
        yield proxy
    server.shutdown()
    server.server_close()


def ask(proxy, path="/a", method="GET", body=None):
    """Return status, head and body of one request."""
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_what_is_not_planned_passes(proxy):
    """Method, path, host and bodies of any size, both ways; the head of a HEAD says what the body would have."""
    status, head, body = ask(proxy, "/a%20b?x=1")

    assert (200, BODY) == (status, body)
    assert f"GET /a%20b?x=1 {proxy.url.removeprefix('http://')}" == head["X-Asked"]
    assert BODY[::-1] == ask(proxy, method="PUT", body=BODY[::-1])[2]
    _, head, body = ask(proxy, method="HEAD")
    assert (str(len(BODY)), b"") == (head["Content-Length"], body)
    assert {"/a b": 1, "/a": 2} == proxy.requests


def test_faults_come_in_order_and_end(proxy):
    """One for each request of the path; other paths are not touched."""
    proxy.plan("/a", Status(500), Status(503, "SlowDown"))

    assert [200, 500, 503, 200] == [ask(proxy, path)[0] for path in ("/b", "/a", "/a", "/a")]
    assert 200 == ask(proxy, "/a")[0]


def test_a_status_has_a_document_as_s3_has(proxy):
    """With the code."""
    proxy.plan("/a", Status(503, "SlowDown"))

    assert b"<Code>SlowDown</Code>" in ask(proxy)[2]


@pytest.mark.parametrize(
    "fault,error",
    [
        (Reset(), ConnectionResetError),
        (Truncate(100_000), http.client.IncompleteRead),
        (ResetBody(100_000), ConnectionResetError),
    ],
    ids=["reset", "truncate", "reset within the body"],
)
def test_a_broken_connection_is_broken(proxy, fault, error):
    """As a client of the standard library tells it."""
    proxy.plan("/a", fault)

    with pytest.raises(error):
        ask(proxy)
    assert 200 == ask(proxy)[0]


def test_a_fault_may_be_for_ever_and_for_every_path(proxy):
    """Until it is healed; a path with a plan of its own follows that."""
    proxy.plan(None, Status(500), forever=True)
    proxy.plan("/a", Status(403))

    assert [403, 500, 500, 500] == [ask(proxy, path)[0] for path in ("/a", "/a", "/b", "/c")]
    proxy.heal()
    assert 200 == ask(proxy, "/a")[0]


def test_requests_at_one_time_are_counted(proxy):
    """While they are answered."""
    proxy.plan(None, Slow(0.3), forever=True)
    threads = [threading.Thread(target=ask, args=(proxy,)) for _ in range(5)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 5 == proxy.most_at_once
    assert time.monotonic() - began >= 0.3
