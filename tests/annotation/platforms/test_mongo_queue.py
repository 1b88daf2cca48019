"""The platform `mongo-queue` keeps the contract, before a real server."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bson import ObjectId
from pymongo import MongoClient

from dsvc.annotation.platforms.mongo_queue import MongoQueuePlatform
from dsvc.errors import PlatformError, PlatformUnavailableError
from dsvc.plugins.platforms import Question, TaskForm
from dsvc.testing.platforms import Desk, PlatformTests, a_form, all_answers, last_page

pytestmark = pytest.mark.service

_names = itertools.count()


class MongoDesk(Desk):
    """A label system that writes documents."""

    def __init__(self, url, client):
        self.database = client[f"labels_{next(_names)}"]
        self.options = {
            "uri": url,
            "requests": f"{self.database.name}.requests",
            "answers": f"{self.database.name}.answers",
        }
        self.platforms = []

    def open(self, **options):
        self.platforms.append(MongoQueuePlatform("labels", self.options | options, Path()))
        return self.platforms[-1]

    def image(self):
        return "https://staging/a.png"

    def give(self, form, key, annotator, outcome="value", payload=None, reasons=()):
        document = {"annotator": annotator, "outcome": outcome, "value": payload, "reasons": list(reasons)}
        self.write(form, key, document)

    def give_nonsense(self, form, key, annotator):
        self.write(form, key, {"annotator": annotator, "value": {"stars": "five"}})

    def offered(self, form, annotator):
        theirs = self.database.requests.find({"task": form.task, "avoid": {"$ne": annotator}})
        return {request["key"] for request in theirs}

    def write(self, form, key, document):
        self.database.answers.insert_one({"request": f"{form.project}/{key}", **document})


@pytest.fixture(name="client", scope="module")
def _client(mongo_url):
    with MongoClient(mongo_url) as client:
        yield client


@pytest.fixture(name="desk")
def _desk(mongo_url, client):
    desk = MongoDesk(mongo_url, client)
    yield desk
    for platform in desk.platforms:
        platform.close()
    client.drop_database(desk.database.name)


class TestMongoQueuePlatform(PlatformTests):
    """The contract."""


def test_what_a_label_system_finds(desk):
    """One document a question, named by task, version and key, in the order in which they were posted."""
    form = TaskForm("quality", "1", "rating(5)", reasons=("blurred",), guideline="Rate it.")
    questions = [Question(f"{number}#0", "label", "s3://b/k", expires_us=1_000_000) for number in (2, 1)]
    desk.open().post(form, questions)
    first, second = desk.database.requests.find().sort("order", 1)

    assert ["quality@1/2#0", "quality@1/1#0"] == [first["_id"], second["_id"]]
    assert ("rating(5)", "label", "Rate it.", "1970-01-01T00:00:01+00:00") == (
        first["type"],
        first["form"],
        first["guideline"],
        first["expires_at"],
    )


def test_answers_are_read_on_by_a_field_that_edits_change(desk):
    """What was read long before is not given again, but what was edited since is."""
    form, moment = a_form(), datetime(2026, 1, 1, tzinfo=UTC)
    platform = desk.open(cursor="updated_at", margin_s=60)
    for hour, key in enumerate(("a#0", "b#0", "c#0")):
        desk.write(form, key, {"annotator": "ann", "value": 1, "updated_at": moment + timedelta(hours=hour)})
    cursor = last_page(platform, form).cursor
    after = all_answers(platform, form, cursor)
    change = {"$set": {"value": 5, "updated_at": moment + timedelta(hours=9)}}
    desk.database.answers.update_one({"request": f"{form.project}/a#0"}, change)
    edited = all_answers(platform, form, cursor)

    assert [("c#0", 1)] == [(answer.key, answer.payload) for answer in after]
    assert [("c#0", 1), ("a#0", 5)] == [(answer.key, answer.payload) for answer in edited]
    assert 1_767_225_600_000_000 + 9 * 3_600_000_000 == edited[1].submitted_us


@pytest.mark.parametrize("field", ["updated_at", "_id"])
def test_what_is_dated_tomorrow_hides_nothing(desk, field):
    """By a machine whose clock is wrong: what comes until then is given all the same, and it is given each time."""
    form, now = a_form(), datetime.now(UTC)
    platform = desk.open(cursor=field)

    def write(key, moment):
        identity = {"_id": ObjectId.from_datetime(moment)} if field == "_id" else {}
        desk.write(form, key, {"annotator": "ann", "value": 1, "updated_at": moment, **identity})

    write("a#0", now + timedelta(days=1))
    cursor = last_page(platform, form).cursor
    write("b#0", now + timedelta(seconds=60))

    assert {"a#0", "b#0"} == {answer.key for answer in all_answers(platform, form, cursor)}


def test_what_has_no_place_in_the_order_is_given_each_time(desk):
    """Rather than never."""
    form = a_form()
    desk.write(form, "a#0", {"_id": "one", "annotator": "ann", "value": 1})
    desk.write(form, "b#0", {"annotator": "ann", "value": 2})
    platform = desk.open(margin_s=0)
    cursor = last_page(platform, form).cursor

    assert {"a#0", "b#0"} == {answer.key for answer in all_answers(platform, form, cursor)}


def test_pages_are_bounded(desk):
    """And the cursor of each goes on behind it, but for the margin."""
    form, moment = a_form(), datetime(2026, 1, 1, tzinfo=UTC)
    documents = [
        {"request": f"{form.project}/a#0", "annotator": str(number), "value": 1, "at": moment + timedelta(hours=number)}
        for number in range(1100)
    ]
    desk.database.answers.insert_many(documents)
    platform = desk.open(cursor="at", margin_s=0)
    pages = list(platform.poll(form))

    assert [500, 500, 100] == [len(page.answers) for page in pages]
    assert 601 == len(all_answers(platform, form, pages[0].cursor))


def test_check_names_what_is_wrong(desk):
    """Answers that name no request, and a collection that cannot be searched by it."""
    form = a_form()
    desk.write(form, "a#0", {"annotator": "ann", "value": 1})
    desk.database.answers.insert_one({"_id": "stray", "value": 1})
    findings = {finding.what: finding for finding in desk.open().check()}
    desk.database.answers.create_index([("request", 1)])
    desk.database.answers.delete_one({"_id": "stray"})

    assert (False, False) == (findings["answers"].is_well, findings["index of answers"].is_well)
    assert "stray" in findings["answers"].found
    assert all(finding.is_well for finding in desk.open().check())


def test_a_server_that_is_away_may_be_asked_again():
    """Its password is in no message."""
    uri = "mongodb://me:hush@127.0.0.1:9/?serverSelectionTimeoutMS=50"
    platform = MongoQueuePlatform("labels", {"uri": uri}, Path())
    with pytest.raises(PlatformUnavailableError) as raised:
        platform.post(a_form(), [Question("a#0", "label", "s3://b/k")])
    (finding,) = platform.check()
    platform.close()

    assert ("hush" in str(raised.value), finding.is_well) == (False, False)


@pytest.mark.parametrize("options", [{"uri": "nonsense://me:hush@x"}, {"uri": "mongodb://x", "requests": "nodot"}])
def test_wrong_options_are_named(options):
    """As errors of ours, without the password."""
    platform = MongoQueuePlatform("labels", options, Path())
    with pytest.raises(PlatformError, match="platform 'labels'") as raised:
        list(platform.iter_tasks(a_form()))
    platform.close()

    assert "hush" not in str(raised.value)
