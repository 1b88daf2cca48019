"""A loop with a real Label Studio in which everything is killed, lost and forged, beside one in which nothing is."""

import http.client
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from contextlib import contextmanager

import pytest

from dsvc.annotation.platforms.label_studio import HINT_HEADER, HINT_PROJECT
from dsvc.plugins.pixel_s3 import forget_client
from dsvc.testing.http_faults import Status
from dsvc.testing.label_studio import (
    LabelStudioUnavailableError,
    default_cache,
    find_label_studio,
    running_label_studio,
)
from dsvc.testing.s3 import free_port
from dsvc.testing.s3_buckets import DAY_US
from dsvc.testing.s3_server import Lost, S3Server
from tests.people.label_studio_world import Person, Studio

pytest.importorskip("boto3")
pytestmark = [
    pytest.mark.labelstudio,
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.xdist_group("labelstudio"),
    pytest.mark.timeout(1500),  # the first of them may have to install the server
]

NAMES = (
    *("ai-body", "cgi-model-28", "cgi-model-22", "cgi-multiangle-4"),  # the detector is unsure of these
    *("ai-face", "ai-upper", "cgi-multiangle-10", "cgi-multiangle-10-mirrored"),  # and wrong about the last two
)
TEAM = ("ann", "ben", "eve", "fay")
SECRET = "hush"
HINTS = """
hints_url    = "http://127.0.0.1:{port}/team"
hints_secret = "${{HINTS_SECRET}}"
"""
_PATIENCE_S = 120.0
_TURNS = 12


@pytest.fixture(name="folder")
def _folder(tmp_path):
    """Return where a server keeps its data, to be started on it again."""
    try:
        find_label_studio(default_cache())
    except LabelStudioUnavailableError as err:
        pytest.skip(str(err))
    return tmp_path / "server" / "data"


@contextmanager
def a_studio(directory, server, monkeypatch, **options):
    """Give a repository of the images, with buckets of its own."""
    with S3Server() as s3:
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        forget_client()
        yield Studio(directory, server, s3, NAMES, **options)
    forget_client()


def finish(studio, people):
    """Let people and passes take turns until nothing is asked any more; return what was acknowledged."""
    given = []
    for turn in range(_TURNS):
        studio.sync(close_lots=True)
        if not studio.asks():
            return given
        first = turn % len(people)  # the server gives to whoever comes first, also what they must not judge
        for person in (*people[first:], *people[:first]):
            given += person.work()
        studio.clock.advance(1.1)
    raise AssertionError("it does not end")


def test_a_disturbed_loop_ends_as_an_undisturbed_one(label_studio, folder, tmp_path, monkeypatch):
    """No acknowledged answer is missing or double, no copy gets older than a day, the datasets are equal."""
    with a_studio(tmp_path / "quiet", label_studio, monkeypatch) as quiet:
        finish(quiet, [Person(quiet, who) for who in TEAM])
        quiet.commit()
        expected = quiet.boxes_of_dataset()

    port = free_port()
    options = {"platform": HINTS.format(port=port), "environ": {"HINTS_SECRET": SECRET}}
    given, unsure = [], []
    with a_studio(tmp_path / "stormy", label_studio, monkeypatch, **options) as studio:
        people = [Person(studio, who) for who in TEAM]
        with running_label_studio(data=folder) as server:
            studio.move_to(server)
            for person in people:
                studio.people.token(person.who)
            with following(studio, port):
                wait_for(lambda: states(studio) == {"OPEN": 4})
                double_and_forge_webhooks(studio, port)
                given += people[0].work(limit=1)
                wait_for(lambda: len(studio.answers()) == 1)  # long before the next pass by the clock
            kill_under_way(server, people, given, unsure)
        with running_label_studio(data=folder) as server:
            studio.move_to(server)
            given += [person.submit(seen) for person, seen in unsure]  # as a browser does that got no answer

            lose_the_op_store(studio)
            studio.s3.plan("PUT", Status(503, "SlowDown"), Lost(), bucket="staging")
            studio.s3.plan("DELETE", Status(503, "SlowDown"), Lost(), bucket="staging")
            studio.sync(close_lots=True)
            given += people[2].work(limit=1)
            lose_the_op_store(studio)
            studio.clock.advance(25)  # a day of silence
            given += finish(studio, people)
            studio.clock.advance(24)
            studio.sync()
            studio.commit()

            answers = studio.answers()
            people_of = {(one.ask, one.who) for one in given}  # who was asked twice said the same
            assert len(answers) == len({(answer.ask_id, answer.annotator) for answer in answers})
            assert Counter(ask for ask, _ in people_of) == Counter(answer.ask_id.hex() for answer in answers)
            assert [] == studio.staging.keys()
            assert studio.staging.oldest_us() <= DAY_US
            assert expected == studio.boxes_of_dataset()


@contextmanager
def following(studio, port):
    """Have a process take answers in at each webhook, and kill it in the end; by its clock it would do one pass."""
    command = [sys.executable, "-m", "dsvc", "annotate", "follow", "--every", "3600", "--listen", str(port)]
    environ = {**os.environ, **studio.environ, "DSVC_AUTHOR": "Ada"}
    process = subprocess.Popen(
        command, cwd=studio.path, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def states(studio):
    """Return how many asks are in each state."""
    with studio.open() as repo:
        return Counter(status.state for status in repo.asks())


def wait_for(is_so):
    """Wait until something is so."""
    deadline = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(0.2)


def double_and_forge_webhooks(studio, port):
    """Have each webhook sent twice, and send some that nobody sent."""
    _, hooks = studio.people.call("GET", f"/api/webhooks/?project={studio.project}")
    again = {name: hooks[0][name] for name in ("project", "url", "actions", "headers", "send_payload", "is_active")}
    status, _ = studio.people.call("POST", "/api/webhooks/", {**again, "send_for_all_actions": False})
    assert 201 == status
    for secret, body in (("guess", b'{"action": "ANNOTATION_CREATED"}'), (SECRET, b"[nonsense")):
        headers = {HINT_HEADER: secret, HINT_PROJECT: "face_boxes@1"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/team", data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert 204 == answer.status


def kill_under_way(server, people, given, unsure):
    """Kill the server while two people submit; keep what was acknowledged, and what may or may not have arrived."""
    enough = threading.Event()

    def work(person):
        try:
            while (seen := person.open_next()) is not None:
                unsure.append((person, seen))
                given.append(person.submit(seen))
                unsure.remove((person, seen))
                enough.set()
        except (OSError, http.client.HTTPException):
            return  # the server is gone

    threads = [threading.Thread(target=work, args=(person,)) for person in people[:2]]
    for thread in threads:
        thread.start()
    assert enough.wait(_PATIENCE_S)
    os.kill(server.pid, signal.SIGKILL)
    for thread in threads:
        thread.join()


def lose_the_op_store(studio):
    """Delete the state of work in progress."""
    shutil.rmtree(studio.path / ".dsvc" / "annotation")
