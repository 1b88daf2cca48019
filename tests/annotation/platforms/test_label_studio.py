"""The platform `label-studio` keeps the contract, before a real server, and what is its alone."""

import dataclasses
import json
import queue
import urllib.request

import pytest

from dsvc.annotation.platforms.hints import HintReceiver
from dsvc.errors import PlatformError, PlatformUnavailableError
from dsvc.plugins.platforms import Question
from dsvc.testing.label_studio_people import LabelStudioDesk
from dsvc.testing.platforms import PlatformTests, a_form, all_answers, box, last_page
from dsvc.testing.s3_server import S3Server

pytestmark = [
    pytest.mark.labelstudio,
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.xdist_group("labelstudio"),
    pytest.mark.timeout(1500),  # the first of them may have to install the server
]


@pytest.fixture(name="desk", scope="module")
def _desk(label_studio):
    return LabelStudioDesk(label_studio)


class TestLabelStudioPlatform(PlatformTests):
    """The contract."""


def ask(desk, key, **fields):
    """Return a question to label the desk's image."""
    return Question(**{"form": "label", "image": desk.image(), "width": 100, "height": 100, **fields, "key": key})


def test_what_the_annotator_sees(desk):
    """The guideline, the value shown as regions, why it was rejected before; nothing that says more of the source."""
    form = a_form("boxes", guideline="Draw <every> face.")
    platform = desk.open()
    question = ask(
        desk, "a#0", form="adjust", shown=[box(10, 20, 30, 40)], reasons=("too small",), context=(("age", "7"),)
    )
    (posted,) = platform.post(form, [question])
    task = platform.api.get(f"/api/tasks/{posted.task_id}/")
    project = platform.api.get(f"/api/projects/{task['project']}/")
    (region,) = task["predictions"][0]["result"]

    assert {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0} == region["value"]
    assert "Rejected before: too small. age: 7" == task["data"]["context"]
    assert {"image", "dsvc_key", "ask", "context", "dsvc"} == set(task["data"])
    assert ("Draw &lt;every&gt; face.", "Sequential sampling") == (project["expert_instruction"], project["sampling"])


def test_those_first_that_come_first(desk):
    """The server hands tasks out in the order in which they were posted: earliest expiry first."""
    form = a_form()
    platform = desk.open()
    posted = platform.post(form, [ask(desk, f"{number}#0") for number in (3, 1, 2)])
    status, task = desk.people.call("GET", f"/api/projects/{desk.people.project(form)}/next", person="ann")

    assert (200, posted[0].task_id) == (status, str(task["id"]))


def next_key(desk, form, person):
    """Return the key of the task that the server gives to a person, None where it has none for them."""
    status, task = desk.people.call("GET", f"/api/projects/{desk.people.project(form)}/next", person=person)
    return task["data"]["dsvc_key"] if status == 200 else None


def test_each_task_is_shown_until_it_has_what_it_wants(desk):
    """Also where it wants fewer answers than others of its project, or more."""
    form = a_form()
    platform = desk.open()
    questions = [ask(desk, f"{want}#0", want=want) for want in (2, 1, 3)]
    platform.post(form, questions[:1])
    platform.post(form, questions)
    shown = dict.fromkeys(("1#0", "2#0", "3#0"), 0)
    for person in ("ann", "bob", "cem", "dan"):
        while key := next_key(desk, form, person):
            desk.give(form, key, person, payload=3)
            shown[key] += 1

    assert {"1#0": 1, "2#0": 2, "3#0": 3} == shown
    assert [2, 1, 3] == [
        desk.people.call("GET", f"/api/tasks/{desk.people.find(form, q.key)}/")[1]["overlap"] for q in questions
    ]


def test_an_adopted_task_wants_what_is_wanted_now(desk):
    """A client that posts it again sets it, so that one that was cut short before it did is made up for."""
    form = a_form()
    desk.open().post(form, [ask(desk, "a#0", want=2)])
    (posted,) = desk.open().post(form, [ask(desk, "a#0", want=1)])
    desk.give(form, "a#0", "ann", payload=3)

    assert posted.is_adopted
    assert next_key(desk, form, "bob") is None


def test_what_was_withdrawn_is_shown_to_nobody(desk):
    """A task that has an answer and wanted more stays, and its image is gone; who has it open may still submit."""
    form = a_form()
    platform = desk.open()
    (posted,) = platform.post(form, [ask(desk, "a#0", want=2)])
    desk.give(form, "a#0", "ann", payload=3)
    before = next_key(desk, form, "bob")
    platform.withdraw(form, posted.task_id)

    assert ("a#0", None) == (before, next_key(desk, form, "cem"))
    desk.give(form, "a#0", "bob", payload=4)
    assert {3, 4} == {answer.payload for answer in all_answers(platform, form)}


def test_an_edited_answer_comes_again(desk):
    """Under its name, later, with what it says now; a deleted one is no more."""
    form = a_form()
    platform = desk.open()
    platform.post(form, [ask(desk, "a#0")])
    desk.give(form, "a#0", "ann", payload=1)
    (first,) = all_answers(platform, form)
    cursor = last_page(platform, form).cursor
    result = [{"id": "value", "from_name": "value", "to_name": "image", "type": "rating", "value": {"rating": 4}}]
    desk.people.call("PATCH", f"/api/annotations/{first.platform_id}/", {"result": result})
    (edited,) = all_answers(platform, form, cursor)
    desk.people.call("DELETE", f"/api/annotations/{first.platform_id}/")

    assert ((1, first.platform_id), (4, first.platform_id)) == (
        (first.payload, first.platform_id),
        (edited.payload, edited.platform_id),
    )
    assert edited.submitted_us > first.submitted_us
    assert [] == all_answers(platform, form, cursor)


def test_more_tasks_than_a_page_are_all_polled_and_adopted(desk):
    """Also where all changed in one moment; after a post whose answer was lost, none is there twice."""
    form = a_form()
    platform = desk.open()
    questions = [ask(desk, f"{number}#0") for number in range(230)]
    platform.post(form, questions[:120])
    posted = platform.post(form, questions)
    project = desk.people.project(form)
    annotated = [
        {"data": {"image": "x", "dsvc_key": f"{number}#9"}, "annotations": [{"result": _rating(2)}]}
        for number in range(230)
    ]
    status, _ = desk.people.call("POST", f"/api/projects/{project}/import", annotated)
    pages = list(platform.poll(form))

    assert (201, 120, 230) == (status, sum(p.is_adopted for p in posted), len({p.task_id for p in posted}))
    assert 460 == len(list(platform.iter_tasks(form)))
    assert {f"{number}#9" for number in range(230)} == {answer.key for page in pages for answer in page.answers}
    assert max(len(page.answers) for page in pages) <= 100


def _rating(stars):
    return [{"id": "value", "from_name": "value", "to_name": "image", "type": "rating", "value": {"rating": stars}}]


def test_a_form_with_answers_cannot_change(desk):
    """The error says to raise the version; nothing is asked under the wrong form."""
    form = a_form("class(a, b)")
    platform = desk.open()
    platform.post(form, [ask(desk, "a#0")])
    desk.give(form, "a#0", "ann", payload="b")
    other = dataclasses.replace(form, type="class(a, c)")
    with pytest.raises(PlatformError, match="cannot") as raised:
        desk.open().post(other, [ask(desk, "b#0")])

    assert "raise the version" in raised.value.hint
    assert ["a#0"] == [task.key for task in platform.iter_tasks(form)]


def test_boxes_of_an_image_of_unknown_size_are_refused(desk):
    """Before anything is posted."""
    form = a_form("boxes")
    platform = desk.open()
    with pytest.raises(PlatformError, match=r"question a#0: .* size is known"):
        platform.post(form, [ask(desk, "a#0", form="verify", shown=[box(1, 2, 3, 4)], width=None)])

    assert [] == list(platform.iter_tasks(form))


def test_both_kinds_of_tokens_work(desk, label_studio):
    """A personal access token is exchanged, and exchanged again when the server takes the access no longer."""
    status, made = desk.people.call("POST", "/api/token/", {})
    if status != 201:
        desk.people.call("POST", "/api/token/blacklist/", {})
        pytest.skip("this server's account has a personal access token already")
    form = a_form()
    platform = LabelStudioDesk(label_studio, made["token"]).open()
    platform.post(form, [ask(desk, "a#0")])
    platform.api._access = platform.api._access[:-8] + "AAAAAAAA"  # as one that has run out is answered: 401
    tasks = list(platform.iter_tasks(form))
    desk.people.call("POST", "/api/token/blacklist/", {"refresh": made["token"]})

    assert ["a#0"] == [task.key for task in tasks]


@pytest.mark.parametrize("token", ["f" * 40, "a.b.c", ""])
def test_a_wrong_token_is_said(label_studio, token):
    """It is in no message; `check` finds it."""
    platform = LabelStudioDesk(label_studio, token=token or "x").open()
    with pytest.raises(PlatformError) as raised:
        platform.post(a_form(), [Question("a#0", "label", "x")])
    findings = platform.check()

    assert not isinstance(raised.value, PlatformUnavailableError)
    assert [False] == [finding.is_well for finding in findings]
    assert token == "" or token not in str(raised.value)


def test_webhooks_are_heard(label_studio):
    """A real one carries our secret, and says which project has news; the answers are polled."""
    heard = queue.Queue()
    with HintReceiver({}, heard.put) as receiver:
        desk = LabelStudioDesk(label_studio, hints_url=f"{receiver.url}/team")
        platform = desk.open()
        receiver.platforms["team"] = platform
        form = a_form()
        platform.post(form, [ask(desk, "a#0")])
        desk.give(form, "a#0", "ann", payload=3)
        found = heard.get(timeout=20)

    assert ("team", form.project) == found
    assert [3] == [answer.payload for answer in all_answers(platform, form)]


def test_images_are_signed_per_view(label_studio):
    """The task holds a name; who looks at it is sent to an address that is signed at that moment and works."""
    with S3Server() as s3:
        s3.make_bucket("staging").put("dsvc/0a.png", b"pixels")
        keys = {"s3_access_key": s3.key, "s3_secret_key": s3.secret, "s3_region": "us-east-1"}
        desk = LabelStudioDesk(label_studio, image="uri", s3_endpoint=s3.url, **keys)
        form = a_form()
        platform = desk.open()
        platform.post(form, [ask(desk, "a#0", image="s3://staging/dsvc/0a.png")])
        desk.open().post(form, [ask(desk, "a#0", image="s3://staging/dsvc/0a.png")])
        desk.give(form, "a#0", "ann", payload=3)
        project = desk.people.project(form)
        _, storages = desk.people.call("GET", f"/api/storages/s3?project={project}")
        _, task = desk.people.call("GET", f"/api/projects/{project}/next", person="bob")
        _, shown = desk.people.call("GET", f"/api/tasks/{desk.people.find(form, 'a#0')}/?resolve_uri=true")
        image, headers, final = _fetch(label_studio, shown["data"]["image"])
        _, export = desk.people.call("GET", f"/api/projects/{project}/export?exportType=JSON")
    answers = all_answers(platform, form)

    assert (True, "uri") == (platform.capabilities.signs_per_view, platform.capabilities.image)
    assert 1 == len(storages)
    assert b"pixels" == image
    assert "X-Amz-Signature" in final
    assert "no-store" in headers.get("Cache-Control", "")
    assert "X-Amz-Signature" not in json.dumps([export, task]) + "".join(answer.raw for answer in answers)
    assert "s3://staging/dsvc/0a.png" in json.dumps(export)


def _fetch(server, address):
    """Return what a browser of somebody with an account gets: the bytes, the head of the redirection, its target."""

    class Noting(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, req, fp, code, msg, headers, newurl):
            noted.append((dict(headers), newurl))
            return urllib.request.Request(newurl)

    noted = []
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Noting())
    where = address if address.startswith("http") else server.url + address
    request = urllib.request.Request(where, headers={"Authorization": f"Token {server.token}"})
    with opener.open(request, timeout=30) as response:
        return response.read(), noted[-1][0], noted[-1][1]


def test_a_server_that_is_away_may_be_asked_again(label_studio):
    """`check` says so, and raises nothing."""
    platform = LabelStudioDesk(dataclasses.replace(label_studio, url="http://127.0.0.1:9")).open()
    with pytest.raises(PlatformUnavailableError):
        platform.post(a_form(), [Question("a#0", "label", "x")])

    assert [False] == [finding.is_well for finding in platform.check()]
