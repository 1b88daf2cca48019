import sys
from datetime import UTC, datetime, timedelta

import bson
import pytest
from bson import Decimal128, Int64, ObjectId
from pymongo import MongoClient

from dsvc.errors import FeedError, PluginError
from dsvc.feeds import mongodb
from dsvc.feeds.files import FilesFeed
from dsvc.feeds.mongodb import MongodbFeed
from dsvc.plugins.contracts import FeedQuery

START = datetime(2026, 1, 1, tzinfo=UTC)
OIDS = [ObjectId(f"{i:024x}") for i in range(20)]
DOCUMENTS = [
    {
        "_id": OIDS[i],
        "uri": f"s3://b/{i}",
        "updated_at": START + timedelta(seconds=i // 2),
        "country": "DE" if i % 2 else "CH",
        "models": {"a": {"v": Decimal128("1.5"), "n": Int64(i)}, "list": [{"x": i}, {"x": -i}]},
        "request": OIDS[19 - i],
    }
    for i in range(20)
]


@pytest.fixture
def collection(mongo_url):
    """A collection that holds the documents, in another order."""
    with MongoClient(mongo_url) as client:
        client.drop_database("orb")
        client.orb.images.insert_many(DOCUMENTS[::-1])
        yield client.orb.images


@pytest.fixture
def make(mongo_url):
    """Makes feeds of the collection and closes them."""
    feeds = []

    def make_feed(**query):
        feeds.append(MongodbFeed("images", {"uri": mongo_url, "collection": "orb.images"}, None, FeedQuery(**query)))
        return feeds[-1]

    yield make_feed
    for feed in feeds:
        feed.close()
        feed.close()


def documents(batches):
    """Return the documents of batches."""
    return [document for batch in batches for document in batch.documents]


@pytest.fixture
def small_questions(monkeypatch):
    """Asks for two values at a time."""
    monkeypatch.setattr(mongodb, "LOOKUP_VALUES", 2)


@pytest.mark.service
class TestLiveCollection:
    def test_a_collection_gives_what_its_dump_gives(self, collection, make, tmp_path):
        """The same values of the same kinds, and the same positions."""
        (tmp_path / "images.bson").write_bytes(b"".join(batch for batch in collection.find_raw_batches()))
        dump = FilesFeed("images", {"path": "images.bson"}, tmp_path, FeedQuery())
        live = list(make().read())

        by_id = {document["_id"]: document for document in documents(live)}
        assert by_id == {document["_id"]: document for document in documents(dump.read())}
        assert list(by_id) == [p for batch in live for p in batch.positions]
        assert set(by_id) == {p for batch in dump.read() for p in batch.positions}
        assert {str(oid) for oid in OIDS} == {document["_id"] for document in documents(live)}

    def test_filter_and_fields_are_the_servers_work(self, collection, make):
        """Nothing else comes over the wire, but for `_id` and the cursor."""
        feed = make(filter={"country": "DE"}, fields=("models.a.n", "models.list.0.x"), cursor="updated_at")
        found = documents(feed.read())

        assert [i for i in range(20) if i % 2] == sorted(document["models"]["a"]["n"] for document in found)
        assert [{"_id", "models", "updated_at"}] == [set(d) for d in found[:1]]
        assert {"a": {"n": 1}, "list": [{"x": 1}, {"x": -1}]} == found[0]["models"]

    def test_a_cursor_goes_on_where_it_ended(self, collection, make):
        """Documents at the cursor come again, those before do not; new ones come after."""
        *_, last = make(cursor="updated_at").read()
        again = documents(make(cursor="updated_at").read(last.cursor))
        collection.insert_one({"_id": 1, "updated_at": START + timedelta(hours=1)})
        more = list(make(cursor="updated_at").read(last.cursor))

        assert {"s3://b/18", "s3://b/19"} == {document["uri"] for document in again}
        assert {str(OIDS[18]), str(OIDS[19]), 1} == {document["_id"] for document in documents(more)}
        assert [1] == [document["_id"] for document in documents(make(cursor="updated_at").read(more[-1].cursor))]

    def test_a_cursor_keeps_the_servers_own_kind(self, collection, make):
        """An ObjectId is text in documents, and an ObjectId again when it is asked for."""
        *_, last = make(cursor="_id", filter={"country": "CH"}).read()

        assert {"cursor": OIDS[18]} == bson.decode(last.cursor)
        assert [str(OIDS[18]), str(OIDS[19])] == [d["_id"] for d in documents(make(cursor="_id").read(last.cursor))]

    def test_documents_come_in_the_order_of_the_cursor(self, collection, make, monkeypatch):
        """So that the cursor of each batch is true for all before it."""
        monkeypatch.setattr(mongodb, "DOCUMENTS", 4)
        batches = list(make(cursor="updated_at").read())
        times = [document["updated_at"] for document in documents(batches)]

        assert 5 == len(batches)
        assert sorted(times) == times
        assert [b.documents[-1]["updated_at"] for b in batches] == [
            bson.decode(b.cursor)["cursor"].replace(tzinfo=UTC) for b in batches
        ]

    def test_documents_without_the_cursor_field_come_with_a_first_read(self, collection, make):
        """They have no place in the order, and no cursor is made of them."""
        collection.insert_one({"_id": 1, "uri": "s3://b/x"})
        collection.delete_many({"_id": {"$ne": 1}})
        (batch,) = make(cursor="updated_at").read()

        assert ([{"_id": 1, "uri": "s3://b/x"}], None) == (batch.documents, batch.cursor)

    @pytest.mark.parametrize(
        "path, values, expected",
        [
            pytest.param("uri", ["s3://b/3", "s3://b/x", "s3://b/5"], {3, 5}, id="text"),
            pytest.param("request", [str(OIDS[0])], {19}, id="ObjectId by its text"),
            pytest.param("models.a.n", [4, 5.0], {4, 5}, id="numbers"),
            pytest.param("updated_at", [START], {0, 1}, id="times"),
            pytest.param("uri", [], set(), id="nothing"),
        ],
    )
    @pytest.mark.usefixtures("collection", "small_questions")
    def test_a_lookup_finds_documents_by_a_field(self, make, path, values, expected):
        """In as many questions as it takes."""
        assert expected == {d["models"]["a"]["n"] for d in documents(make().lookup(path, values))}

    def test_a_lookup_keeps_to_the_filter(self, collection, make):
        """What the feed leaves out stays out."""
        assert [] == documents(make(filter={"country": "DE"}).lookup("uri", ["s3://b/2"]))

    @pytest.mark.parametrize(
        "wanted",
        [
            pytest.param({"request": str(OIDS[2])}, id="equal"),
            pytest.param({"request": {"$in": [str(OIDS[2])]}}, id="in"),
            pytest.param({"request": {"$eq": str(OIDS[2])}}, id="eq"),
            pytest.param({"request": {"$oid": str(OIDS[2])}}, id="as ObjectId"),
            pytest.param({"$or": [{"request": str(OIDS[2])}, {"uri": "none"}]}, id="or"),
            pytest.param({"request": {"$not": {"$ne": str(OIDS[2])}}}, id="not ne"),
            pytest.param({"request": {"$lte": {"$oid": str(OIDS[2])}, "$gt": {"$oid": str(OIDS[1])}}}, id="range"),
        ],
    )
    def test_identifiers_in_a_filter_are_text_or_object_ids(self, collection, make, tmp_path, wanted):
        """A collection and its dump understand both alike."""
        (tmp_path / "images.bson").write_bytes(b"".join(collection.find_raw_batches()))
        dump = FilesFeed("images", {"path": "images.bson"}, tmp_path, FeedQuery(filter=wanted))

        assert [17] == [d["models"]["a"]["n"] for d in documents(make(filter=wanted).read())]
        assert [17] == [d["models"]["a"]["n"] for d in documents(dump.read())]

    def test_a_filter_that_the_server_refuses_is_an_error(self, collection, make):
        """With its words and without the address's password."""
        with pytest.raises(FeedError, match=r"feed 'images': 127\.0\.0\.1.* refused: unknown operator: \$nonsense"):
            list(make(filter={"n": {"$nonsense": 1}}).read())


def feed_at(uri, collection="orb.images"):
    """Return a feed at an address."""
    return MongodbFeed("images", {"uri": uri, "collection": collection}, None, FeedQuery())


@pytest.mark.parametrize(
    "uri, message",
    [
        pytest.param(
            "mongodb://me:s3cret@127.0.0.1:1/?serverSelectionTimeoutMS=200",
            "no MongoDB server answers at 127.0.0.1:1",
            id="away",
        ),
        pytest.param("me:s3cret@somewhere", "its uri is not an address that MongoDB understands", id="no address"),
        pytest.param("mongodb://me:s3cret@[::1", "its uri is not an address that MongoDB understands", id="bad host"),
    ],
)
def test_a_server_that_cannot_be_reached_is_an_error(uri, message):
    """Which never shows the password, in its message, its hint or its cause's text that we print."""
    feed = feed_at(uri)
    with pytest.raises(FeedError) as caught:
        list(feed.read())
    feed.close()

    assert f"feed 'images': {message}" == str(caught.value)
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


def test_a_collection_has_a_database():
    """A name alone could mean any."""
    with pytest.raises(FeedError, match=r"collection is 'images', expected DATABASE\.COLLECTION"):
        list(feed_at("mongodb://127.0.0.1", "images").read())


def test_missing_pymongo_is_told_with_the_command(monkeypatch):
    """It is no part of a plain installation."""
    monkeypatch.setitem(sys.modules, "pymongo", None)

    with pytest.raises(PluginError, match="needs the package pymongo"):
        list(feed_at("mongodb://127.0.0.1").read())
