"""What every test gets: an environment of its own, and no network but loopback."""

import os
import socket

import pytest

try:
    from hypothesis import settings
except ImportError:  # the golden tests also run where only dsvc.objects' own dependencies are installed
    pass
else:
    settings.register_profile("dsvc", deadline=None, derandomize=True, database=None, print_blob=True)
    settings.load_profile("dsvc")

_LOOPBACK = {"localhost", "::1"}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path_factory):
    """No setting of the person who runs the tests reaches them: no DSVC_*, no home, no git identity, UTC."""
    for name in [name for name in os.environ if name.startswith(("DSVC_", "GIT_"))]:
        if not name.startswith("DSVC_TEST_"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("PAGER", raising=False)


@pytest.fixture(autouse=True, scope="session")
def _loopback_only():
    """A connection to any other machine is an error in the test that tries it."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(real):
        def call(self, address):
            if self.family != socket.AF_UNIX and not _is_loopback(address[0]):
                raise AssertionError(f"a test tried to reach {address!r}")
            return real(self, address)

        return call

    socket.socket.connect, socket.socket.connect_ex = guarded(connect), guarded(connect_ex)
    yield
    socket.socket.connect, socket.socket.connect_ex = connect, connect_ex


def _is_loopback(host):
    return host in _LOOPBACK or str(host).startswith("127.")


@pytest.fixture(scope="session")
def mongo_url():
    """The address of a real MongoDB server; tests are skipped where none can be had."""
    from dsvc.testing.mongod import MongodUnavailableError, running_mongod

    try:
        with running_mongod() as url:
            yield url
    except MongodUnavailableError as err:
        pytest.skip(str(err))


@pytest.fixture(scope="session")
def label_studio():
    """A real Label Studio that all tests share, each in projects of its own; skipped where none can be had."""
    from dsvc.testing.label_studio import LabelStudioUnavailableError, running_label_studio

    try:
        with running_label_studio() as server:
            yield server
    except LabelStudioUnavailableError as err:
        pytest.skip(str(err))
