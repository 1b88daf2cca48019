"""The platform in this process: it keeps the contract, and has the vices of the real one."""

import dataclasses
import json
from collections import deque

import pytest

from dsvc.errors import PlatformError, PlatformUnavailableError
from dsvc.plugins.platforms import Question
from dsvc.testing.fake_platform import HINT_HEADER, MARGIN_US, FakePlatform, FakeServer
from dsvc.testing.platforms import Desk, PlatformTests, a_form, all_answers, last_page


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now_us = 1_700_000_000_000_000

    def __call__(self):
        return self.now_us


class FakeDesk(Desk):
    """People at the fake."""

    def __init__(self):
        self.clock = Clock()
        self.server = FakeServer(self.clock)

    def open(self):
        return FakePlatform(self.server, page=2)

    def image(self):
        return "s3://staging/a.jpg"

    def give(self, form, key, annotator, outcome="value", payload=None, reasons=()):
        self.clock.now_us += 1000
        self.server.submit(self.server.find(form.project, key)[0].task_id, annotator, outcome, payload, reasons=reasons)

    def give_nonsense(self, form, key, annotator):
        self.server.submit_raw(self.server.find(form.project, key)[0].task_id, annotator, [{"from_name": "nobody"}])

    def import_again(self, form, question):
        self.server.import_tasks(form.project, [question])
        return True

    def forge_hint(self, form):
        return {HINT_HEADER: "guess"}, json.dumps({"project": form.project}).encode()

    def true_hint(self, form):
        return {HINT_HEADER: "hush"}, json.dumps({"project": form.project}).encode()


@pytest.fixture(name="desk")
def _desk():
    return FakeDesk()


class TestFakePlatform(PlatformTests):
    """The fake keeps the contract."""


class TestVices:
    """Each row of the table, told by the server itself; the real one is asked the same in tests/annotation."""

    @pytest.fixture(name="server")
    def _server(self, desk):
        return desk.server

    @pytest.fixture(name="form")
    def _form(self, desk):
        form = a_form()
        desk.open().post(form, [Question(f"k{number}#0", "label", "s3://b/k") for number in range(2)])
        return form

    def test_people_get_different_tasks(self, server, form, desk):
        """Oldest first, until the lock is over; nothing keeps a person from answering what another has."""
        first, second = server.next_task(form.project, "ann"), server.next_task(form.project, "bob")
        none = server.next_task(form.project, "cem")
        server.submit(first.task_id, "bob", payload=1)
        server.submit(first.task_id, "ann", payload=1)
        desk.clock.now_us += server.lock_us + 1

        assert ["k0#0", "k1#0", None] == [first.key, second.key, none]
        assert 2 == len(first.answers)
        assert second is server.next_task(form.project, "cem")

    def test_a_client_may_name_its_answer(self, server, form):
        """A second one of that name is refused; who gives none is not told apart."""
        task_id = server.find(form.project)[0].task_id
        server.submit(task_id, "ann", payload=1, unique_id="u")
        with pytest.raises(PlatformError, match="already"):
            server.submit(task_id, "ann", payload=1, unique_id="u")
        server.submit(task_id, "ann", payload=1)

        assert 2 == len(server.tasks[task_id].answers)

    def test_nonsense_wedges_the_form(self, server, form):
        """The project's form can no longer be changed; the same one is no change."""
        server.submit_raw(server.find(form.project)[0].task_id, "ann", "?")
        server.make_project(form)

        with pytest.raises(PlatformError, match="incompatible"):
            server.make_project(dataclasses.replace(form, labels=("a",)))

    def test_an_edit_overwrites(self, server, form, desk):
        """One answer, under the name that it had, later."""
        task = server.find(form.project)[0]
        answer_id = server.submit(task.task_id, "ann", payload=1)
        desk.clock.now_us += 1
        server.edit(task.task_id, answer_id, "value", 2)

        assert [(2, str(answer_id), desk.clock.now_us)] == [
            (answer.payload, answer.platform_id, answer.submitted_us) for answer in all_answers(desk.open(), form)
        ]

    def test_a_deleted_task_takes_its_answers_with_it(self, server, form, desk):
        """And the work of who has it open is lost."""
        task = server.find(form.project)[0]
        server.submit(task.task_id, "ann", payload=1)
        server.delete_task(task.task_id)

        assert [] == all_answers(desk.open(), form)
        with pytest.raises(PlatformError, match="not found"):
            server.submit(task.task_id, "bob", payload=1)

    def test_a_deleted_answer_moves_the_task(self, server, form, desk):
        """So that a poll sees that it is gone."""
        task = server.find(form.project)[0]
        answer_id = server.submit(task.task_id, "ann", payload=1)
        server.submit(task.task_id, "bob", payload=2)
        cursor = last_page(desk.open(), form).cursor
        desk.clock.now_us += 2 * MARGIN_US
        server.delete_answer(task.task_id, answer_id)

        assert [2] == [answer.payload for answer in all_answers(desk.open(), form, cursor)]

    def test_webhooks_are_sent_once(self, server, form, desk):
        """One that fails is not sent again; they may be lost, doubled and forged; none but a true one is believed."""
        platform, heard = desk.open(), deque()

        def receive(headers, body):
            heard.append(platform.read_hint(headers, body))
            raise RuntimeError("503")

        server.receivers.append((receive, {HINT_HEADER: "hush"}))
        task_id = server.find(form.project)[0].task_id
        for webhooks in ("sent", "dropped", "doubled"):
            server.webhooks = webhooks
            server.submit(task_id, "ann", payload=1)
        with pytest.raises(RuntimeError):
            server.forge_webhook(form.project)

        assert [form.project] * 3 + [None] == list(heard)


@pytest.mark.parametrize("fault", ["refused", "lost_responses", "lost_imports", "cut_imports"])
def test_a_post_that_failed_can_be_made_again(desk, fault):
    """Whatever of it was done: in the end there is one task a key."""
    form, platform = a_form(), desk.open()
    questions = [Question(f"k{number}#0", "label", "s3://b/k") for number in range(3)]
    setattr(desk.server.faults, fault, 1)
    with pytest.raises(PlatformUnavailableError):
        platform.post(form, questions)
    posted = platform.post(form, questions)

    assert ["k0#0", "k1#0", "k2#0"] == [item.key for item in posted] == [t.key for t in desk.server.find(form.project)]


def test_a_server_that_is_away_is_a_finding(desk):
    """`check` raises nothing."""
    desk.server.faults.refused = 1

    assert [(False, "refused")] == [(finding.is_well, finding.found) for finding in desk.open().check()]
