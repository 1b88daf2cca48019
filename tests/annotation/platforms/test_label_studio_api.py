"""Talking to a server that is slow, away, wrong or right."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dsvc.annotation.platforms import label_studio_api
from dsvc.annotation.platforms.label_studio_api import LabelStudioApi
from dsvc.errors import PlatformError, PlatformUnavailableError

PERSONAL = "aaaa.bbbb.cccc"


class Script:
    """A server that answers with what it was told, in order; the last one again and again."""

    def __init__(self):
        self.answers = [(200, {})]
        self.heard = []

    def take(self, method, path, headers, body):
        self.heard.append((method, path, headers.get("Authorization"), body))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture(name="script")
def _script():
    return Script()


@pytest.fixture(name="url")
def _url(script):
    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = script.take(self.command, self.path, self.headers, json.loads(body) if body else None)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(said if isinstance(said, bytes) else json.dumps(said).encode())

        def log_message(self, *args):
            pass

    for method in ("GET", "POST", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/base/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(label_studio_api, "_PAUSE_S", 0)


def test_a_legacy_token_is_sent_as_it_is(url, script):
    """Under the path that the address has."""
    script.answers = [(200, {"a": 1})]

    assert {"a": 1} == LabelStudioApi("team", url, "f" * 40).get("/api/x", b="c d")
    assert [("GET", "/base/api/x?b=c+d", f"Token {'f' * 40}", None)] == script.heard


def test_a_personal_token_is_exchanged_and_never_sent_itself(url, script):
    """Once, until the access is taken no longer; then the call is made again, also one that changes something."""
    api = LabelStudioApi("team", url, PERSONAL)
    script.answers = [(200, {"access": "1"}), (200, {}), (401, {}), (200, {"access": "2"}), (201, {"id": 7}), (200, {})]
    api.get("/x")
    made = api.post("/y", {"z": 1})
    api.get("/x")

    refresh = ("POST", "/base/api/token/refresh/", None, {"refresh": PERSONAL})
    assert {"id": 7} == made
    assert [
        refresh,
        ("GET", "/base/x", "Bearer 1", None),
        ("POST", "/base/y", "Bearer 1", {"z": 1}),
        refresh,
        ("POST", "/base/y", "Bearer 2", {"z": 1}),
        ("GET", "/base/x", "Bearer 2", None),
    ] == script.heard


def test_what_reads_is_tried_again(url, script):
    """A few times; then the platform is away."""
    api = LabelStudioApi("team", url, "x")
    script.answers = [(503, b"busy"), (429, {}), (200, [1])]
    found = api.get("/x")
    script.answers = [(502, b"<html>")]

    assert [1] == found
    with pytest.raises(PlatformUnavailableError, match="502"):
        api.get("/x")
    assert 3 + label_studio_api.TRIES == len(script.heard)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_changes_something_is_not(url, script, status):
    """It may have happened."""
    script.answers = [(status, {"detail": "oops"})]
    with pytest.raises(PlatformUnavailableError, match="oops"):
        LabelStudioApi("team", url, "x").post("/x", {})

    assert 1 == len(script.heard)


def test_nothing_there_is_no_error(url, script):
    """For who looks, changes or deletes."""
    script.answers = [(404, {})]
    api = LabelStudioApi("team", url, "x")

    assert (None, None, False) == (api.get("/x"), api.patch("/x", {}), api.delete("/x"))


@pytest.mark.parametrize(
    ("status", "said", "why"),
    [
        (400, {"detail": "Validation error", "validation_errors": {"title": ["too short"]}}, r"title: \['too short'\]"),
        (403, b"no json", "no json"),
        (401, {"detail": "Invalid token."}, "the token is not taken: Invalid token"),
        (302, {}, "302"),
        (200, b"<html>", "is not JSON"),
    ],
)
def test_what_is_refused_is_said(url, script, status, said, why):
    """In the server's words; a redirection is followed nowhere."""
    script.answers = [(status, said)]

    with pytest.raises(PlatformError, match=why) as raised:
        LabelStudioApi("team", url, "secret").get("/x")
    assert not raised.value.retryable
    assert "secret" not in str(raised.value)


def test_a_token_that_cannot_be_exchanged_is_said(url, script):
    """And is in no message."""
    for answer in ((401, {"detail": "Token is blacklisted"}), (200, {})):
        script.answers = [answer]
        with pytest.raises(PlatformError, match="token") as raised:
            LabelStudioApi("team", url, PERSONAL).get("/x")
        assert PERSONAL not in str(raised.value)


def test_an_address_with_a_password_is_refused_without_telling_it():
    """A token is enough, and messages name the address."""
    with pytest.raises(PlatformError, match="names a user") as caught:
        LabelStudioApi("ls", "http://admin:hunter2@127.0.0.1:9", "a" * 40)
    assert "hunter2" not in str(caught.value)


def test_an_error_that_is_cut_short_is_an_outage():
    """Of what the server says as much as came."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = server.accept()
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5000\r\n\r\n<html>oops")
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(PlatformUnavailableError, match="502 <html>oops"):
        LabelStudioApi("ls", f"http://127.0.0.1:{server.getsockname()[1]}", "a" * 40).post("/api/x", {})
    thread.join()
    server.close()


def test_no_server_and_no_address():
    """The one may be asked again, the other not."""
    with pytest.raises(PlatformUnavailableError):
        LabelStudioApi("team", "http://127.0.0.1:9", "x").get("/x")
    with pytest.raises(PlatformError, match="is no address"):
        LabelStudioApi("team", "label studio", "x").post("/x", {})


def test_lists_come_in_pages(url, script):
    """All of them."""
    script.answers = [(200, {"results": [1, 2], "next": "x"}), (200, {"results": [3], "next": None})]

    assert [1, 2, 3] == list(LabelStudioApi("team", url, "x").iter_pages("/x"))
    assert ["page=1", "page=2"] == [path.split("?")[1].split("&")[0] for _, path, _, _ in script.heard]
