"""A real Label Studio for tests, on loopback, for as long as a context is open.

What comes first: a server that `DSVC_TEST_LABELSTUDIO_URL` names, with the token of an administrator's account in
`DSVC_TEST_LABELSTUDIO_TOKEN`; else one of our own. It has a virtual environment of its own, since its 160 packages pin
versions of ours, in `DSVC_TEST_LABELSTUDIO_CACHE` or the user's cache: 1 GB, made once in some 3 minutes, and beside it
a data directory with an administrator, made once in 1 to 2 minutes. Each server starts from a copy of that in 10 s.

    python -m dsvc.testing.label_studio        make both, so that tests need not wait; prints where they are
"""

from __future__ import annotations

import fcntl
import os
import platform
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dsvc.testing.s3 import free_port

URL_VARIABLE = "DSVC_TEST_LABELSTUDIO_URL"
TOKEN_VARIABLE = "DSVC_TEST_LABELSTUDIO_TOKEN"  # noqa: S105 - a variable's name
CACHE_VARIABLE = "DSVC_TEST_LABELSTUDIO_CACHE"
VERSION = "1.23.2"
EMAIL, PASSWORD = "admin@example.com", "Passw0rd!x9"
LEGACY_TOKEN = "0123456789abcdef" * 2 + "01234567"
READY_S = 120.0
"""How long a start from a copy may take on a busy machine; 7 to 13 s are usual."""
FIRST_READY_S = 400.0
"""How long the first start may take, which makes the database; 50 to 120 s are usual."""
_INSTALL_S = 900.0

ENVIRONMENT = {
    "COLLECT_ANALYTICS": "0",
    "LATEST_VERSION_CHECK": "0",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "DJANGO_DB": "sqlite",
    "SSRF_PROTECTION_ENABLED": "false",  # or it sends no webhook to loopback
    "WEBHOOK_TIMEOUT": "1",
    "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
}


class LabelStudioUnavailableError(RuntimeError):
    """No server can be had here; the message says why."""


@dataclass(frozen=True)
class LabelStudioServer:
    """A server that answers.

    Attributes:
        url: Its address.
        token: Of an administrator.
        pid: Of its process, None if it was not started here.
    """

    url: str
    token: str
    pid: int | None = None


@contextmanager
def running_label_studio(cache: Path | None = None, data: Path | None = None) -> Iterator[LabelStudioServer]:
    """Give a server that answers, with no projects, and stop it in the end if it was started here.

    Args:
        cache: Where the server is installed; see the module.
        data: Where it keeps its data, to be started on it again, which a server that is named is not; for as long as
            the context is open if None.

    Raises:
        LabelStudioUnavailableError: If there is none and none can be had.
    """
    if data is None and (url := os.environ.get(URL_VARIABLE)):
        yield LabelStudioServer(url, os.environ.get(TOKEN_VARIABLE, ""))
        return
    program, seed = find_label_studio(cache or default_cache())
    with tempfile.TemporaryDirectory(prefix="dsvc-label-studio-", ignore_cleanup_errors=True) as folder:
        data = data or Path(folder) / "data"
        if not data.exists():
            shutil.copytree(seed, data)
        with _started(program, data, READY_S) as server:
            yield server


def default_cache() -> Path:
    """Return where servers are installed where nobody says: by the system's word for a home, since tests set others."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named)
    home = pwd.getpwuid(os.getuid()).pw_dir
    return Path(os.environ.get("XDG_CACHE_HOME") or Path(home) / ".cache") / "dsvc"


def find_label_studio(cache: Path) -> tuple[Path, Path]:
    """Return the server's program and a data directory to copy; make them where there are none.

    Raises:
        LabelStudioUnavailableError: If they cannot be made.
    """
    environment, seed = cache / f"label-studio-{VERSION}", cache / f"label-studio-{VERSION}-data"
    program = environment / "bin" / "label-studio"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / ".label-studio.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one of several test processes makes them
            if not (environment / "installed").exists():
                _install(environment)
            if not seed.exists():
                _make_seed(program, seed)
    except OSError as err:
        raise LabelStudioUnavailableError(f"Label Studio cannot be kept in {cache}: {err}") from err
    return program, seed


def _install(environment: Path) -> None:
    if platform.system() != "Linux":
        raise LabelStudioUnavailableError("Label Studio is installed for tests on Linux only")
    venv.create(environment, with_pip=True, clear=True)
    command = [str(environment / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    try:
        done = subprocess.run(
            [*command, f"label-studio=={VERSION}"], capture_output=True, text=True, timeout=_INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired as err:
        raise LabelStudioUnavailableError("installing Label Studio took too long") from err
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise LabelStudioUnavailableError(f"label-studio=={VERSION} cannot be installed: {last}")
    (environment / "installed").touch()


def _make_seed(program: Path, seed: Path) -> None:
    """Make a data directory with an administrator; it appears whole or not at all."""
    with tempfile.TemporaryDirectory(dir=seed.parent, prefix="label-studio-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        data.mkdir()
        with _started(program, data, FIRST_READY_S):
            pass
        data.rename(seed)


@contextmanager
def _started(program: Path, data: Path, ready_s: float) -> Iterator[LabelStudioServer]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(program), "start", "--no-browser", "--host", url, "--internal-host", "127.0.0.1"]
    command += ["-p", str(port), "--data-dir", str(data), "--username", EMAIL, "--password", PASSWORD]
    command += ["--user-token", LEGACY_TOKEN, "--enable-legacy-api-token", "--log-level", "WARNING"]
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    environment = {**kept, **ENVIRONMENT, "HOME": str(data), "LABEL_STUDIO_BASE_DATA_DIR": str(data)}
    log = data.parent / "log"
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=data)
        except OSError as err:
            raise LabelStudioUnavailableError(f"{program} does not start: {err}") from err
    try:
        _wait_until_ready(process, url, log, ready_s)
        yield LabelStudioServer(url, LEGACY_TOKEN, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path, ready_s: float) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + ready_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            tail = log.read_text(errors="replace")[-500:]
            raise LabelStudioUnavailableError(f"Label Studio ended with {process.returncode}: {tail}")
        try:
            with opener.open(f"{url}/health", timeout=5) as response:
                if response.status == 200:
                    return
        except OSError:
            time.sleep(0.3)
    raise LabelStudioUnavailableError(f"Label Studio did not answer within {ready_s:.0f} s")


def main() -> None:
    """Install the server, make its data, and say where they are."""
    try:
        program, seed = find_label_studio(default_cache())
    except LabelStudioUnavailableError as err:
        sys.exit(f"tests of a real Label Studio will be skipped: {err}")
    sys.stdout.write(f"{program}\n{seed}\n")


if __name__ == "__main__":
    main()
