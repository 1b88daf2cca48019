"""The platform `mongo-queue`: requests and answers are collections that a label system of one's own works with.

A request is a question as a document (`exchange`), under the name `face_boxes@2/<key>` and in the order in which it was
posted. The label system writes an answer, as a document too, with that name in the field `request`. The answers are
the label system's: we only read them.

Answers are read on from a field that grows: `_id`, or one that an edit changes as well. Since clocks differ and
transactions end out of order, each poll begins `margin_s` before the last; a value of another kind than a time or an
ObjectId has no place in the order, and is given each time.

Source: docs/how-to/platforms.md#mongo-queue.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dsvc.annotation.platforms.exchange import MalformedAnswerError, question_document, read_answer, read_time
from dsvc.errors import PlatformError, PlatformUnavailableError, PluginError
from dsvc.plugins.options import Option
from dsvc.plugins.platforms import (
    AnswerPage,
    Capabilities,
    Finding,
    Platform,
    PlatformAnswer,
    PlatformTask,
    Posted,
    Question,
    TaskForm,
    Withdrawal,
)

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.collection import Collection

PAGE: Final = 500
PATIENCE_MS: Final = 10_000
"""How long to wait for a server that does not answer, unless the address says otherwise."""
_NAME = re.compile(r"[^.]+\..+")


class MongoQueuePlatform(Platform):
    """Hands questions to a label system, and takes its answers, through MongoDB."""

    options = {
        "uri": Option(str, "the address, best as ${NAME}: mongodb://host:port, with whatever it needs to connect"),
        "requests": Option(str, "DATABASE.COLLECTION that requests go into", "dsvc.requests"),
        "answers": Option(str, "DATABASE.COLLECTION that answers land in", "dsvc.answers"),
        "cursor": Option(str, "field of an answer that grows: `_id`, or a time that an edit changes as well", "_id"),
        "margin_s": Option(int, "seconds before the last poll that are read again", 600),
        "image": Option(
            str, "what is shown: a staged copy, or the source's own pointer", "url", ("url", "uri", "pointer")
        ),
    }

    def __init__(self, name: str, options: Mapping[str, Any], base_dir: Path) -> None:
        filled = {key: options.get(key, option.default) for key, option in self.options.items()}
        super().__init__(name, filled, base_dir)
        self._client: MongoClient[dict[str, Any]] | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What is shown is the recipe's choice; nothing is enforced or sent, and `avoid` is for the label system."""
        return Capabilities(self.values["image"], honours_avoid=True, batch=1000)

    def post(self, form: TaskForm, questions: Sequence[Question]) -> list[Posted]:
        """Insert the requests that are not there."""
        if not questions:
            return []
        with self._calling() as (requests, _):
            from bson import ObjectId
            from pymongo import UpdateOne

            requests.create_index([("task", 1), ("version", 1), ("order", 1)])
            writes = []
            for question in questions:
                document = question_document(form, question) | {"order": ObjectId(), "guideline": form.guideline}
                document |= {"labels": list(form.labels), "choices_of_reasons": list(form.reasons)}
                writes.append(UpdateOne({"_id": _request(form, question.key)}, {"$setOnInsert": document}, upsert=True))
            made = requests.bulk_write(writes).upserted_ids or {}
        return [
            Posted(question.key, question.key, is_adopted=place not in made) for place, question in enumerate(questions)
        ]

    def poll(self, form: TaskForm, cursor: bytes | None = None) -> Iterator[AnswerPage]:
        """Yield the answers to requests of a version of a task, by the field that grows."""
        with self._calling() as (_, answers):
            field = str(self.values["cursor"])
            mark = _read_cursor(cursor, field)
            # What is dated later, by a clock that is wrong, must not hide what comes until then.
            now_us = read_time(answers.database.client.admin.command("hello")["localTime"])
            wanted: dict[str, Any] = {"request": _of(form)}
            if mark is not None:
                wanted["$or"] = _since(field, mark - int(self.values["margin_s"]) * 1_000_000)
            page: list[Mapping[str, Any]] = []
            for document in answers.find(wanted).sort([(field, 1), ("_id", 1)]).allow_disk_use(True).batch_size(PAGE):
                page.append(document)
                if len(page) == PAGE:
                    mark = _later(mark, page, field, now_us)
                    yield _page(form, page, field, mark)
                    page = []
            mark = _later(mark, page, field, now_us)
            yield _page(form, page, field, mark)

    def iter_tasks(self, form: TaskForm) -> Iterator[PlatformTask]:
        """Yield the requests, with the number of their answers."""
        with self._calling() as (requests, answers):
            counted = answers.aggregate(
                [{"$match": {"request": _of(form)}}, {"$group": {"_id": "$request", "n": {"$sum": 1}}}]
            )
            counts = {group["_id"]: int(group["n"]) for group in counted}
            found = requests.find({"_id": _of(form)}, {"key": 1}).sort("order", 1)
            tasks = [PlatformTask(str(it["key"]), str(it["key"]), counts.get(it["_id"], 0)) for it in found]
        yield from tasks

    def withdraw(self, form: TaskForm, task_id: str) -> Withdrawal:
        """Delete a request without answers; one that comes meanwhile is not lost, it is a document of its own."""
        with self._calling() as (requests, answers):
            name = _request(form, task_id)
            if answers.find_one({"request": name}, {"_id": 1}) is not None:
                return "answered" if requests.find_one({"_id": name}, {"_id": 1}) is not None else "gone"
            return "deleted" if requests.delete_one({"_id": name}).deleted_count else "gone"

    def discard(self, form: TaskForm, task_id: str) -> Withdrawal:
        """Delete a request; its answers are the label system's, and stay."""
        with self._calling() as (requests, _):
            return "deleted" if requests.delete_one({"_id": _request(form, task_id)}).deleted_count else "gone"

    def check(self) -> Sequence[Finding]:
        """Tell whether the server answers, answers can be found quickly, and all of them name a request."""
        try:
            with self._calling() as (requests, answers):
                release = requests.database.client.server_info().get("version", "?")
                found = [Finding("server", is_well=True, found=f"MongoDB {release}")]
                is_empty = answers.find_one({}, {"_id": 1}) is None
                keys = [index["key"][0][0] for index in answers.index_information().values()]
                stray = answers.find_one({"request": {"$not": {"$regex": "^[^/]+@[^/]+/."}}}, {"_id": 1})
        except (PlatformError, PluginError) as err:
            return [Finding("server", is_well=False, found=str(err), advice=err.hint)]
        is_quick = is_empty or "request" in keys
        told = "by request" if "request" in keys else ("no answers yet" if is_empty else "none begins with `request`")
        advice = None if is_quick else f'make one: db.{answers.name}.createIndex({{"request": 1}})'
        found.append(Finding("index of answers", is_quick, told, advice))
        told = "all name a request" if stray is None else f"{stray['_id']} names none in `request`"
        advice = None if stray is None else "have the label system copy a request's _id into `request`"
        return [*found, Finding("answers", stray is None, told, advice)]

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextmanager
    def _calling(self) -> Iterator[tuple[Collection[dict[str, Any]], Collection[dict[str, Any]]]]:
        """Give requests and answers; what the server says becomes an error of ours."""
        try:
            from pymongo.errors import ConnectionFailure, PyMongoError
        except ImportError as err:
            raise PluginError(
                plugin="mongo-queue",
                hook="dsvc_platforms",
                reason="it needs pymongo",
                hint="run `pip install 'dsvc[mongodb]'`",
            ) from err
        try:
            yield self._collection("requests"), self._collection("answers")
        except ConnectionFailure as err:
            raise PlatformUnavailableError(platform=self.name, reason="MongoDB does not answer") from err
        except PyMongoError as err:
            raise PlatformError(platform=self.name, reason=f"MongoDB refuses: {err}") from err

    def _collection(self, option: str) -> Collection[dict[str, Any]]:
        from pymongo import MongoClient
        from pymongo.errors import ConfigurationError, InvalidURI
        from pymongo.read_concern import ReadConcern
        from pymongo.write_concern import WriteConcern

        uri, name = str(self.values["uri"]), str(self.values[option])
        if _NAME.fullmatch(name) is None:
            raise PlatformError(platform=self.name, reason=f"{option}: expected DATABASE.COLLECTION, found {name!r}")
        patience: dict[str, Any] = {} if "timeoutms=" in uri.lower() else {"serverSelectionTimeoutMS": PATIENCE_MS}
        try:
            self._client = self._client or MongoClient(uri, **patience)
        except (ConfigurationError, InvalidURI, ValueError):
            # Not `from err`: its words may show the password.
            raise PlatformError(platform=self.name, reason="uri: this is no address of MongoDB") from None
        database, _, collection = name.partition(".")
        return self._client[database].get_collection(
            collection, read_concern=ReadConcern("majority"), write_concern=WriteConcern("majority")
        )


def _request(form: TaskForm, key: str) -> str:
    return f"{form.project}/{key}"


def _of(form: TaskForm) -> dict[str, str]:
    """Return what matches the requests of a version of a task."""
    return {"$regex": f"^{re.escape(form.project)}/"}


def _page(form: TaskForm, documents: Sequence[Mapping[str, Any]], field: str, mark: int | None) -> AnswerPage:
    answers: list[PlatformAnswer] = []
    notes = []
    for document in documents:
        key = str(document["request"])[len(form.project) + 1 :]
        place = str(document["_id"])
        try:
            answers.append(
                read_answer(
                    form,
                    {name: value for name, value in document.items() if name != "_id"} | {"key": key},
                    task_id=key,
                    platform_id=place,
                    annotator=None,
                    at_us=_time_of(document, field) or 0,
                )
            )
        except MalformedAnswerError as err:
            notes.append(f"{place}: {err}")
    return AnswerPage(answers, _write_cursor(field, mark), len(notes), notes)


def _time_of(document: Mapping[str, Any], field: str) -> int | None:
    """Return where a document stands in the order; None where its field is neither a time nor an ObjectId."""
    from bson import ObjectId

    for value in (document.get(field), document.get("_id")):
        if isinstance(value, ObjectId):
            return read_time(value.generation_time)
        if isinstance(value, datetime):
            return read_time(value)
    return None


def _later(mark: int | None, documents: Sequence[Mapping[str, Any]], field: str, now_us: int) -> int | None:
    times = [mark, *(_time_of({field: document.get(field)}, field) for document in documents)]
    return max((min(at_us, now_us) for at_us in times if at_us is not None), default=None)


def _since(field: str, at_us: int) -> list[dict[str, Any]]:
    """Return what matches the documents at or after a time, and those that have no place in the order."""
    from bson import ObjectId

    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=max(0, at_us))
    return [
        {field: {"$gte": moment}},
        {field: {"$gte": ObjectId.from_datetime(moment)}},
        {field: {"$not": {"$type": ["date", "objectId"]}}},
    ]


def _read_cursor(cursor: bytes | None, field: str) -> int | None:
    """Return up to when answers were read; None for a cursor of another field, or none of ours."""
    try:
        found = json.loads(cursor) if cursor else {}
        return int(found["at_us"]) if found.get("field") == field else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _write_cursor(field: str, at_us: int | None) -> bytes:
    return json.dumps({"field": field, "at_us": at_us}).encode()
