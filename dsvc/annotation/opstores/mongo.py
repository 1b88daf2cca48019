"""The op store of a team: a MongoDB database, which `pymongo` of the extra `mongodb` reaches.

Each space is a collection; a document is kept as {_id, v: version, d: document}, with an index on (d.field, _id) for
each field to scan by. Every primitive is one operation on one document, so that no transactions, and no replica set,
are needed. Writes wait for a majority and reads see what a majority has, so that no fail-over takes anything back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from dsvc.annotation.opstores.base import INDEXES, PAGE, Doc, OpRecord, Value, Write, check_field
from dsvc.errors import PluginError, StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from pymongo.collection import Collection

_DUPLICATE: Final = 11000
PATIENCE_MS: Final = 10_000
"""How long to wait for a server that does not answer, unless the address says otherwise."""


class MongoOpStore:
    """An op store in a MongoDB database."""

    def __init__(self, uri: str, database: str, indexes: Mapping[str, tuple[str, ...]] = INDEXES) -> None:
        """Connect, and make the indexes that are not there.

        Args:
            uri: Address of the server, with credentials.
            database: The database's name; it holds nothing else.
            indexes: The spaces, and the fields of each that can be scanned by.

        Raises:
            PluginError: If pymongo is not installed.
            StoreError: If the server is away or refuses.
        """
        try:
            from pymongo import MongoClient
            from pymongo.errors import ConfigurationError, InvalidURI
            from pymongo.read_concern import ReadConcern
            from pymongo.write_concern import WriteConcern
        except ImportError as err:
            raise PluginError(
                plugin="annotation",
                hook="op store",
                reason="work kept in MongoDB needs pymongo",
                hint="run `pip install 'dsvc[mongodb]'`",
            ) from err
        self._name = f"mongodb database {database}"
        self._indexes = indexes
        patience: dict[str, Any] = {} if "timeoutms=" in uri.lower() else {"serverSelectionTimeoutMS": PATIENCE_MS}
        try:
            self._client: MongoClient[dict[str, Any]] = MongoClient(uri, **patience)
            self._database = self._client.get_database(
                database, write_concern=WriteConcern("majority"), read_concern=ReadConcern("majority")
            )
        except (ConfigurationError, InvalidURI, ValueError):
            # Not `from err`: its words may show the password.
            reason, hint = "its uri is not an address that MongoDB understands", "write mongodb://host:port"
            raise StoreError(store=self._name, reason=reason, hint=hint) from None
        try:
            with self._faults():
                for space, fields in indexes.items():
                    for field in fields:
                        self._database[space].create_index([(f"d.{field}", 1), ("_id", 1)])
        except StoreError:
            self._client.close()
            raise

    def get(self, space: str, key: str) -> OpRecord | None:
        """Return one document, or None where there is none."""
        with self._faults():
            found = self._collection(space).find_one({"_id": key})
        return None if found is None else _record(found)

    def insert(self, space: str, key: str, doc: Doc) -> bool:
        """Keep a document where there is none of this id; tell whether it was kept."""
        from pymongo.errors import DuplicateKeyError

        with self._faults():
            try:
                self._collection(space).insert_one({"_id": key, "v": 1, "d": doc})
            except DuplicateKeyError:
                return False
        return True

    def swap(self, space: str, key: str, version: int, doc: Doc) -> bool:
        """Put a document in the place of the one that has this version; tell whether that was still so."""
        with self._faults():
            wanted = {"_id": key, "v": version}
            done = self._collection(space).replace_one(wanted, {"_id": key, "v": version + 1, "d": doc})
        return bool(done.matched_count)

    def scan(
        self,
        space: str,
        field: str = "id",
        low: Value | None = None,
        high: Value | None = None,
        *,
        after: tuple[Value, str] | None = None,
        limit: int = PAGE,
    ) -> list[OpRecord]:
        """Return documents by (field, id), ascending."""
        check_field(self._indexes, space, field)
        path = "_id" if field == "id" else f"d.{field}"
        # Null sorts before everything and is not asked for; a comparison brackets by type, which one field has one of.
        terms: list[dict[str, Any]] = [] if field == "id" else [{path: {"$ne": None}}]
        terms += [] if low is None else [{path: {"$gte": low}}]
        terms += [] if high is None else [{path: {"$lt": high}}]
        if after is not None:
            value, key = after
            beyond = [{path: {"$gt": value}}, {path: value, "_id": {"$gt": key}}]
            terms.append({"_id": {"$gt": key}} if field == "id" else {"$or": beyond})
        with self._faults():
            order = [("_id", 1)] if field == "id" else [(path, 1), ("_id", 1)]
            query = {"$and": terms} if terms else {}
            return [_record(found) for found in self._collection(space).find(query).sort(order).limit(limit)]

    def delete(self, space: str, key: str, version: int) -> bool:
        """Remove the document that has this version; tell whether that was still so."""
        with self._faults():
            return bool(self._collection(space).delete_one({"_id": key, "v": version}).deleted_count)

    def get_many(self, space: str, keys: Sequence[str]) -> dict[str, OpRecord]:
        """Return documents by id; those that there are none of are left out."""
        with self._faults():
            found = map(_record, self._collection(space).find({"_id": {"$in": [*keys]}}))
            return {record.id: record for record in found}

    def write_many(self, space: str, writes: Sequence[Write]) -> list[bool]:
        """Do some inserts, swaps and deletes of different documents; tell which were done.

        Inserts are one request. Of many swaps the server says how many were done, and not which: each is its own.
        """
        there = self._insert_many(space, [write for write in writes if not write.version])
        return [write.key not in there if not write.version else self._write(space, write) for write in writes]

    def _insert_many(self, space: str, writes: Sequence[Write]) -> set[str]:
        """Insert documents; return the ids of those that were there."""
        from pymongo.errors import BulkWriteError

        made = [{"_id": write.key, "v": 1, "d": write.doc} for write in writes]
        with self._faults():
            try:
                if made:
                    self._collection(space).insert_many(made, ordered=False)
            except BulkWriteError as err:
                faults = err.details["writeErrors"]
                if any(fault["code"] != _DUPLICATE for fault in faults) or err.details["writeConcernErrors"]:
                    raise
                return {writes[fault["index"]].key for fault in faults}
        return set()

    def _write(self, space: str, write: Write) -> bool:
        if write.doc is None:
            return self.delete(space, write.key, write.version)
        return self.swap(space, write.key, write.version, write.doc)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _collection(self, space: str) -> Collection[dict[str, Any]]:
        check_field(self._indexes, space, "id")
        return self._database[space]

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn what the driver raises into a store's errors; no words of the driver, which may show credentials."""
        from pymongo.errors import AutoReconnect, ConnectionFailure, OperationFailure, PyMongoError

        try:
            yield
        except (AutoReconnect, ConnectionFailure) as err:
            raise StoreUnavailableError(store=self._name, reason=f"the server is away ({type(err).__name__})") from None
        except OperationFailure as err:
            raise StoreError(store=self._name, reason=f"the server refused (code {err.code})") from None
        except PyMongoError as err:
            raise StoreError(store=self._name, reason=f"the driver failed ({type(err).__name__})") from None


def _record(found: Mapping[str, Any]) -> OpRecord:
    return OpRecord(found["_id"], found["v"], found["d"])
