"""A receiver of webhooks."""

import queue
import socket
import urllib.request

import pytest

from dsvc.annotation.platforms import hints
from dsvc.annotation.platforms.hints import MAX_BODY, HintReceiver
from dsvc.testing.fake_platform import HINT_HEADER, FakePlatform, FakeServer


def send(url, headers, body):
    """Return the status of a webhook."""
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.status


@pytest.fixture(name="heard")
def _heard():
    return queue.Queue()


@pytest.fixture(name="receiver")
def _receiver(heard):
    with HintReceiver({"team": FakePlatform(FakeServer(lambda: 0))}, heard.put) as receiver:
        yield receiver


def test_an_authentic_hint_is_told(receiver, heard):
    """With the platform that the address names, as often as it comes."""
    statuses = [send(f"{receiver.url}/team", {HINT_HEADER: "hush"}, b'{"project": "a@1"}') for _ in range(2)]

    assert ([204, 204], ("team", "a@1"), ("team", "a@1")) == (statuses, heard.get(timeout=5), heard.get(timeout=5))


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("team", {}, b'{"project": "a@1"}'),
        ("team", {HINT_HEADER: "guess"}, b'{"project": "a@1"}'),
        ("team", {HINT_HEADER: "hush"}, b"["),
        ("team", {HINT_HEADER: "hush"}, b'{"project": 7}'),
        ("other", {HINT_HEADER: "hush"}, b'{"project": "a@1"}'),
        ("team", {HINT_HEADER: "hush"}, b" " * (MAX_BODY + 1)),
    ],
)
def test_others_are_answered_and_dropped(receiver, heard, path, headers, body):
    """A sender learns nothing from it."""
    if len(body) > MAX_BODY:
        receiver.take(path, headers, body)
    else:
        assert 204 == send(f"{receiver.url}/{path}", headers, body)
    send(f"{receiver.url}/team", {HINT_HEADER: "hush"}, b'{"project": "last@1"}')

    assert ("team", "last@1") == heard.get(timeout=5)
    assert heard.empty()


def test_who_sends_slowly_is_let_go(heard, monkeypatch):
    """The patience is for a body as a whole, whatever length it claims."""
    monkeypatch.setattr(hints, "_PATIENCE_S", 0.3)
    with HintReceiver({"team": FakePlatform(FakeServer(lambda: 0))}, heard.put) as receiver:
        host, port = receiver.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as slow:
            slow.sendall(b"POST /team HTTP/1.0\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(100):
                try:
                    slow.sendall(b"x")
                    slow.settimeout(0.1)
                    if slow.recv(100) == b"":
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            else:
                raise AssertionError("it was never let go")
        with socket.create_connection((host, int(port)), timeout=20) as absurd:
            absurd.sendall(b"POST /team HTTP/1.0\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n")
            assert b" 204 " in absurd.recv(100)

    assert heard.empty()
