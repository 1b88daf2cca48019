"""The server of S3's interface that tests run against."""

import urllib.error
import urllib.request

import pytest

from dsvc.testing import s3
from dsvc.testing.s3 import URL_VARIABLE, S3UnavailableError, free_port, running_s3


@pytest.mark.service
def test_a_server_runs_while_the_context_is_open(monkeypatch):
    """It answers as S3 does, and is gone afterwards."""
    pytest.importorskip("moto")
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    with running_s3() as url:
        request = urllib.request.Request(f"{url}/faces", method="PUT")
        assert 200 == urllib.request.urlopen(request, timeout=10).status
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{url}/faces/none", timeout=10)

    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=1)


def test_a_server_that_is_named_is_used(monkeypatch):
    """And left alone."""
    monkeypatch.setenv(URL_VARIABLE, "http://somewhere")

    with running_s3() as url:
        assert "http://somewhere" == url


def test_what_cannot_be_had_is_said(monkeypatch):
    """With the reason, as tests that skip show it."""
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setattr(s3, "find_spec", lambda _: None)
    with pytest.raises(S3UnavailableError, match="moto is not installed"), running_s3():
        pass
    monkeypatch.undo()
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setattr(s3.sys, "executable", "/bin/false")
    with pytest.raises(S3UnavailableError, match="did not answer"), running_s3():
        pass


def test_a_free_port_is_free():
    """Somebody can listen on it."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))
