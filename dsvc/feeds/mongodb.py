"""The feed `mongodb`: documents of a live collection.

Filter, fields and cursor are the server's work. Documents come as BSON in batches and are decoded as those of a dump
are (`bson_dump`), so that a collection and its dump give the same values.

Source: docs/how-to/ingest.md#mongodb.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsvc.errors import FeedError
from dsvc.feeds.bson_dump import codec_options, decode, last_document, need_pymongo
from dsvc.feeds.paths import DocumentPath, projections
from dsvc.plugins.contracts import DocumentBatch, Feed, FeedQuery
from dsvc.plugins.options import Option

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.collection import Collection

DOCUMENTS = 5000
"""Documents of a batch, at most; a server cuts batches at 16 MiB besides."""
LOOKUP_VALUES = 5000
"""Values of one look-up: as many long pointers are 5 MiB of the 16 that a query may have."""
PATIENCE_MS = 10_000
"""How long to wait for a server that does not answer, unless the address says otherwise."""

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UUID_SUBTYPE = 4


class MongodbFeed(Feed):
    """Reads documents from a collection."""

    options = {
        "uri": Option(str, "the address, best as ${NAME}: mongodb://host:port, with whatever it needs to connect"),
        "collection": Option(str, "DATABASE.COLLECTION"),
    }
    meaning_keys = ("collection",)

    def __init__(self, name: str, options: Mapping[str, Any], base_dir: Path, query: FeedQuery) -> None:
        super().__init__(name, options, base_dir, query)
        self._client: MongoClient[dict[str, Any]] | None = None

    def read(self, cursor: bytes | None = None) -> Iterator[DocumentBatch]:
        """Yield the documents that match the query, by the cursor's field where the recipe names one.

        Args:
            cursor: Read from the documents that have this value of the cursor's field, those included.

        Raises:
            FeedError: If the server is away, refuses the credentials or the query.
            PluginError: If pymongo is not installed.
        """
        need_pymongo("mongodb")
        wanted: dict[str, Any] = _for_server(self.query.filter)
        order = None
        if self.query.cursor is not None:
            order = [(self.query.cursor, 1)]
            if cursor is not None:
                since = {self.query.cursor: {"$gte": _decode_cursor(cursor)}}
                wanted = {"$and": [wanted, since]} if wanted else since
        yield from self._find(wanted, order)

    def lookup(self, path: str, values: Sequence[Any]) -> Iterator[DocumentBatch]:
        """Yield the documents that match the query and whose field at `path` is one of `values`."""
        need_pymongo("mongodb")
        for start in range(0, len(values), LOOKUP_VALUES):
            asked = [form for value in values[start : start + LOOKUP_VALUES] for form in _forms(value)]
            wanted: dict[str, Any] = {path: {"$in": asked}}
            if self.query.filter:
                wanted = {"$and": [_for_server(self.query.filter), wanted]}
            yield from self._find(wanted, None)

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _find(self, wanted: Mapping[str, Any], order: Sequence[tuple[str, int]] | None) -> Iterator[DocumentBatch]:
        with self._named_errors():
            found: Any = self._collection().find_raw_batches(  # typed as documents, gives bytes
                wanted, self._projection(), sort=order, batch_size=DOCUMENTS, allow_disk_use=order is not None or None
            )
            for data in found:
                documents = self._decode(data)
                positions = [document.get("_id") for document in documents]
                yield DocumentBatch(documents, positions, self._cursor_after(data) if order else None)

    def _decode(self, data: bytes) -> list[dict[str, Any]]:
        try:
            return decode(data)
        except ValueError as err:
            raise FeedError(feed=self.name, reason=f"{self._hosts()} sent what cannot be read: {err}") from err

    def _collection(self) -> Collection[dict[str, Any]]:
        database, dot, name = self.values["collection"].partition(".")
        if not (database and dot and name):
            found = self.values["collection"]
            raise FeedError(feed=self.name, reason=f"collection is {found!r}, expected DATABASE.COLLECTION")
        if self._client is None:
            from pymongo import MongoClient
            from pymongo.errors import ConfigurationError, InvalidURI

            uri = self.values["uri"]
            patience: dict[str, Any] = {} if "timeoutms=" in uri.lower() else {"serverSelectionTimeoutMS": PATIENCE_MS}
            try:
                self._client = MongoClient(uri, **patience)
            except (ConfigurationError, InvalidURI, ValueError):
                reason, hint = "its uri is not an address that MongoDB understands", "write mongodb://host:port"
                # Not `from err`: its words may show the password.
                raise FeedError(feed=self.name, reason=reason, hint=hint) from None
        return self._client[database].get_collection(name, codec_options())

    def _projection(self) -> dict[str, int] | None:
        if self.query.fields is None:
            return None
        paths = [*self.query.fields, *([self.query.cursor] if self.query.cursor else []), "_id"]
        return dict.fromkeys(projections(map(DocumentPath, paths)), 1) or None

    def _cursor_after(self, data: bytes) -> bytes | None:
        """Return the value of the cursor's field in the last document, as the server knows it."""
        import bson
        from bson.codec_options import CodecOptions, DatetimeConversion

        as_stored = CodecOptions[dict[str, Any]](datetime_conversion=DatetimeConversion.DATETIME_MS)
        value: Any = bson.decode(last_document(data), as_stored)
        for part in DocumentPath(self.query.cursor or "").parts:
            value = value.get(part) if isinstance(value, dict) else None
        return None if value is None else bson.encode({"cursor": value})

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Turn what pymongo raises into errors that name the feed and never show the address with its password."""
        from pymongo import errors

        try:
            yield
        except errors.ServerSelectionTimeoutError as err:
            reason = f"no MongoDB server answers at {self._hosts()}"
            raise FeedError(
                feed=self.name, reason=reason, hint="is it running, and may this machine reach it?"
            ) from err
        except errors.OperationFailure as err:
            reason = f"{self._hosts()} refused: {(err.details or {}).get('errmsg') or err.code}"
            raise FeedError(feed=self.name, reason=reason, hint="check the filter and what the user may read") from err
        except errors.PyMongoError as err:
            reason = f"reading from {self._hosts()} failed: {type(err).__name__}"
            raise FeedError(feed=self.name, reason=reason, hint="nothing was taken in; ingest again") from err

    def _hosts(self) -> str:
        """Return the servers of the address, without its user and password."""
        return re.sub(r"^[^:]*://([^/]*@)?", "", self.values["uri"]).partition("/")[0]


def _decode_cursor(cursor: bytes) -> Any:
    import bson

    return bson.decode(cursor)["cursor"]


def _forms(value: Any) -> list[Any]:
    """Return what a value may be on the server: the identifiers that documents hold as text are kinds of their own."""
    from bson.binary import Binary
    from bson.objectid import ObjectId

    if isinstance(value, dict) and set(value) == {"$oid"}:
        return [ObjectId(value["$oid"])]
    if isinstance(value, str) and _OBJECT_ID.fullmatch(value):
        return [value, ObjectId(value)]
    if isinstance(value, str) and _UUID.fullmatch(value):
        return [value, Binary(uuid.UUID(value).bytes, _UUID_SUBTYPE)]
    return [value]


def _for_server(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return a filter in which identifiers written as text find the server's own kinds too."""
    return {
        key: [_for_server(part) for part in condition] if key in ("$and", "$or", "$nor") else _condition(condition)
        for key, condition in wanted.items()
    }


def _condition(condition: Any) -> Any:
    """Return the condition on one path."""
    if isinstance(condition, dict) and any(name.startswith("$") for name in condition) and "$oid" not in condition:
        return dict(_operation(name, operand) for name, operand in condition.items())
    forms = _forms(condition)
    return {"$in": forms} if len(forms) > 1 else forms[0]


def _operation(name: str, operand: Any) -> tuple[str, Any]:
    match name:
        case "$in" | "$nin":
            return name, [form for item in operand for form in _forms(item)]
        case "$eq" | "$ne":
            forms = _forms(operand)
            return (name, forms[0]) if len(forms) == 1 else ("$in" if name == "$eq" else "$nin", forms)
        case "$not":
            return name, _condition(operand)
        case "$elemMatch":
            on_values = any(key.startswith("$") and key not in ("$and", "$or", "$nor") for key in operand)
            return name, _condition(operand) if on_values else _for_server(operand)
        case _:
            return name, _forms(operand)[0] if isinstance(operand, dict) else operand
