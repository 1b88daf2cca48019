"""A real Label Studio: that it is had, and what it does. The fake has the same vices (`test_fake_platform`)."""

import json
import os
import queue
import signal

import pytest

from dsvc.annotation.platforms.hints import HintReceiver
from dsvc.errors import PlatformUnavailableError
from dsvc.plugins.platforms import Question
from dsvc.testing import label_studio as module
from dsvc.testing.fake_platform import FakePlatform, FakeServer
from dsvc.testing.label_studio import (
    CACHE_VARIABLE,
    TOKEN_VARIABLE,
    URL_VARIABLE,
    LabelStudioServer,
    LabelStudioUnavailableError,
    default_cache,
    find_label_studio,
    running_label_studio,
)
from dsvc.testing.label_studio_people import LabelStudioDesk
from dsvc.testing.platforms import a_form, all_answers

real = [
    pytest.mark.labelstudio,
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.xdist_group("labelstudio"),
    pytest.mark.timeout(1500),  # the first of them may have to install the server
]
UNIQUE_ID = "0a1b2c3d-0000-4000-8000-000000000001"
RATING = [{"id": "value", "from_name": "value", "to_name": "image", "type": "rating", "value": {"rating": 3}}]


def marked(test):
    """Mark a test as one of a real server."""
    for mark in real:
        test = mark(test)
    return test


@pytest.fixture(name="desk", scope="module")
def _desk(label_studio):
    return LabelStudioDesk(label_studio)


@pytest.fixture(name="posted")
def _posted(desk):
    """Return project and numbers of two tasks that want one answer each."""
    form = a_form()
    tasks = desk.open().post(form, [Question(f"{name}#0", "label", "x") for name in "ab"])
    return desk.people.project(form), [int(task.task_id) for task in tasks]


@marked
def test_imports_are_not_told_apart(desk, posted):
    """The same task again is a new one; what finds them is a filter by our key."""
    project, tasks = posted
    body = [{"data": {"image": "x", "dsvc_key": "a#0"}}]
    made = [desk.people.call("POST", f"/api/projects/{project}/import?return_task_ids=true", body) for _ in range(2)]
    found = [task["id"] for task in desk.open().api.tasks(project, [("tasks:data.dsvc_key", "equal", "String", "a#0")])]

    assert [tasks[0], *(answer["task_ids"][0] for _, answer in made)] == found


@marked
def test_locks_and_overlap_are_advice(desk, posted):
    """Two people get different tasks; but any number of answers is taken, of anyone, under anyone's lock."""
    project, tasks = posted
    given = [desk.people.call("GET", f"/api/projects/{project}/next", person=who)[1] for who in ("ann", "bob")]
    lock = given[0]["unique_lock_id"]
    told = [desk.people.submit(tasks[0], who, RATING, unique_lock_id=lock)[0] for who in ("bob", "cem", "cem", "ann")]

    assert tasks == [task["id"] for task in given]
    assert [201] * 4 == told
    assert 4 == len(desk.people.call("GET", f"/api/tasks/{tasks[0]}/")[1]["annotations"])


@marked
def test_a_client_may_name_its_answer(desk, posted):
    """A second answer of that name is refused; one that is no UUID is a fault. Who sends none is not told apart."""
    told = [desk.people.submit(posted[1][0], "ann", RATING, unique_id=name)[0] for name in (UNIQUE_ID, UNIQUE_ID, "1")]

    assert [201, 409, 500] == told


@marked
def test_nothing_is_validated(desk, posted):
    """Whatever is sent as a result is an answer."""
    nonsense = [{"from_name": "nobody", "to_name": "nowhere", "type": "magic", "value": {"a": [1]}}]

    assert 201 == desk.people.submit(posted[1][0], "ann", nonsense)[0]


@marked
def test_edits_leave_nothing_behind(desk, posted):
    """There is no history; the task's time moves at each change, also when an answer is deleted."""
    project, (first, _) = posted
    times = [_updated(desk, project, first)]
    _, made = desk.people.submit(first, "ann", RATING)
    times.append(_updated(desk, project, first))
    desk.people.call("PATCH", f"/api/annotations/{made['id']}/", {"result": []})
    times.append(_updated(desk, project, first))
    history, _ = desk.people.call("GET", f"/api/annotations/{made['id']}/history")
    desk.people.call("DELETE", f"/api/annotations/{made['id']}/")
    times.append(_updated(desk, project, first))

    assert 404 == history
    assert sorted(set(times)) == times


def _updated(desk, project, task):
    """Return the time of a task's last change."""
    (found,) = desk.open().api.tasks(project, [("tasks:id", "equal", "Number", task)], fields=("id", "updated_at"))
    return found["updated_at"]


@marked
def test_a_skip_is_counted_apart(desk, posted):
    """Which is why there are two streams to poll."""
    project, (first, _) = posted
    desk.people.submit(first, "ann", [], is_skip=True)
    fields = ("id", "total_annotations", "cancelled_annotations")
    (found,) = desk.open().api.tasks(project, [("tasks:id", "equal", "Number", first)], fields=fields)

    assert (0, 1) == (found["total_annotations"], found["cancelled_annotations"])


@marked
def test_a_deleted_task_takes_its_answers_with_it(desk, posted):
    """And the work of who has it open is lost."""
    first = posted[1][0]
    _, made = desk.people.submit(first, "ann", RATING)
    status, _ = desk.people.call("DELETE", f"/api/tasks/{first}/")

    assert (204, 404) == (status, desk.people.submit(first, "bob", RATING)[0])
    assert 404 == desk.people.call("GET", f"/api/annotations/{made['id']}/")[0]


@marked
def test_webhooks_are_sent_once_and_signed_by_nobody(desk, label_studio):
    """One registered twice hears everything twice; there is no name of an event, and only our header is sure."""
    heard = queue.Queue()
    with HintReceiver({"fake": FakePlatform(FakeServer(lambda: 0))}, lambda _: None) as receiver:
        receiver.take = lambda path, headers, body: heard.put((headers, json.loads(body)))
        form = a_form()
        ours = LabelStudioDesk(label_studio, hints_url=f"{receiver.url}/fake")
        (task,) = ours.open().post(form, [Question("a#0", "label", "x")])
        project = ours.people.project(form)
        hook = {
            "project": project,
            "url": f"{receiver.url}/fake",
            "send_payload": True,
            "actions": ["ANNOTATION_CREATED"],
        }
        ours.people.call("POST", "/api/webhooks/", {**hook, "send_for_all_actions": False, "headers": {"X-Mine": "1"}})
        ours.people.submit(int(task.task_id), "ann", RATING)
        deliveries = [heard.get(timeout=20) for _ in range(2)]

    assert heard.empty()
    assert {"1", None} == {headers.get("X-Mine") for headers, _ in deliveries}
    assert {"hush", None} == {headers.get("X-Dsvc-Secret") for headers, _ in deliveries}
    assert ["ANNOTATION_CREATED"] * 2 == [body["action"] for _, body in deliveries]


@marked
def test_a_url_in_a_task_is_kept_and_exported(desk):
    """With its signature: a reason to post names of staged copies instead."""
    form = a_form()
    signed = "http://127.0.0.1:9/a.png?X-Amz-Signature=0a1b"
    desk.open().post(form, [Question("a#0", "label", signed)])
    status, found = desk.people.call("GET", f"/api/projects/{desk.people.project(form)}/export?download_all_tasks=true")

    assert (200, True) == (status, "X-Amz-Signature" in json.dumps(found))


@marked
def test_what_was_acknowledged_survives_a_kill(tmp_path):
    """The server is killed and started again: tasks are adopted, answers polled, and a client asks again meanwhile."""
    form = a_form()
    questions = [Question(f"{name}#0", "label", "x") for name in "ab"]
    with _running(tmp_path) as server:
        desk = LabelStudioDesk(server)
        posted = desk.open().post(form, questions)
        desk.give(form, "a#0", "ann", payload=3)
        os.kill(server.pid, signal.SIGKILL)
        away = desk.open()
        with pytest.raises(PlatformUnavailableError):
            away.post(form, questions)
    with _running(tmp_path) as server:
        again = LabelStudioDesk(server, prefix=desk.options["prefix"]).open()

        assert [posted[0].task_id, posted[1].task_id] == [task.task_id for task in again.post(form, questions)]
        assert [3] == [answer.payload for answer in all_answers(again, form)]


def _running(folder):
    """Return a server that keeps its data in a folder."""
    try:
        find_label_studio(default_cache())
    except LabelStudioUnavailableError as err:
        pytest.skip(str(err))
    return running_label_studio(data=folder / "data")


def test_a_server_that_is_named_is_used(monkeypatch):
    """And left alone."""
    monkeypatch.setenv(URL_VARIABLE, "http://somewhere")
    monkeypatch.setenv(TOKEN_VARIABLE, "t")

    with running_label_studio() as server:
        assert LabelStudioServer("http://somewhere", "t") == server


def test_what_cannot_be_had_is_said(monkeypatch, tmp_path):
    """With the reason, as tests that skip show it."""
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setattr(module, "_install", lambda environment: (environment / "bin").mkdir(parents=True))
    with pytest.raises(LabelStudioUnavailableError, match="does not start"), running_label_studio(tmp_path):
        pass
    program = tmp_path / f"label-studio-{module.VERSION}" / "bin" / "label-studio"
    program.write_text("#!/bin/sh\necho no room >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(module, "_install", lambda _: None)
    with pytest.raises(LabelStudioUnavailableError, match="ended with 3: no room"):
        find_label_studio(tmp_path)

    (tmp_path / "file").touch()
    with pytest.raises(LabelStudioUnavailableError, match="cannot be kept"):
        find_label_studio(tmp_path / "file")
    assert not (tmp_path / f"label-studio-{module.VERSION}-data").exists()


def test_the_cache_can_be_named(monkeypatch, tmp_path):
    """Else it is the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    usual = default_cache()
    monkeypatch.setenv(CACHE_VARIABLE, "/somewhere")

    assert (tmp_path / "dsvc", "/somewhere") == (usual, str(default_cache()))
