from datetime import UTC, datetime

import pytest

from dsvc.errors import FeedError
from dsvc.plugins.match import compile_filter

DOCUMENTS = [
    {"_id": 0, "country": "DE", "n": 5, "tags": ["a", "b"], "at": datetime(2026, 1, 1, tzinfo=UTC)},
    {"_id": 1, "country": "CH", "n": 5.0, "tags": [], "faces": [{"w": 1}, {"w": 9}]},
    {"_id": 2, "country": None, "n": "5", "tags": "a", "faces": [{"w": 5}], "at": datetime(2025, 1, 1, tzinfo=UTC)},
    {"_id": 3, "n": True, "image": {"uri": "s3://b/1"}, "nested": [[1, 2], [3]]},
    {"_id": 4, "country": "de", "n": None, "image": {"uri": None}, "faces": []},
    {"_id": 5, "country": ["DE", "AT"], "n": -1, "image": 5, "faces": [1, 2]},
]

CASES = [
    pytest.param({}, id="everything"),
    pytest.param({"country": "DE"}, id="equal, also within a list"),
    pytest.param({"country": None}, id="null or missing"),
    pytest.param({"country": {"$ne": "DE"}}, id="not equal"),
    pytest.param({"country": {"$in": ["DE", "CH"]}}, id="in"),
    pytest.param({"country": {"$in": [None, "CH"]}}, id="in with null"),
    pytest.param({"country": {"$nin": ["DE", None]}}, id="not in"),
    pytest.param({"country": {"$exists": True}}, id="exists"),
    pytest.param({"country": {"$exists": False}}, id="does not exist"),
    pytest.param({"country": {"$regex": "^D"}}, id="regex"),
    pytest.param({"country": {"$regex": "^d", "$options": "i"}}, id="regex without case"),
    pytest.param({"country": {"$not": {"$regex": "^D"}}}, id="not regex"),
    pytest.param({"country": ["DE", "AT"]}, id="a whole list"),
    pytest.param({"n": 5}, id="numbers of all kinds"),
    pytest.param({"n": True}, id="a truth value is no number"),
    pytest.param({"n": {"$gt": 0}}, id="greater, among numbers"),
    pytest.param({"n": {"$gte": 5, "$lt": 6}}, id="a range"),
    pytest.param({"n": {"$lte": "5"}}, id="less, among texts"),
    pytest.param({"n": {"$not": {"$gt": 0}}}, id="not greater"),
    pytest.param({"at": {"$gte": datetime(2026, 1, 1, tzinfo=UTC)}}, id="times"),
    pytest.param({"tags": "a"}, id="an item of a list"),
    pytest.param({"tags": []}, id="the empty list"),
    pytest.param({"tags": {"$size": 2}}, id="size"),
    pytest.param({"tags": {"$all": ["a", "b"]}}, id="all"),
    pytest.param({"tags.0": "a"}, id="an item by position"),
    pytest.param({"nested.0.1": 2}, id="an item of an item"),
    pytest.param({"image.uri": "s3://b/1"}, id="a field"),
    pytest.param({"image.uri": None}, id="a field that is null or missing"),
    pytest.param({"image.uri": {"$exists": False}}, id="no such field"),
    pytest.param({"image": {"uri": "s3://b/1"}}, id="a whole object"),
    pytest.param({"faces.w": {"$gt": 4}}, id="a field of items"),
    pytest.param({"faces.w": {"$gt": 4, "$lt": 2}}, id="conditions met by different items"),
    pytest.param({"faces": {"$elemMatch": {"w": {"$gt": 4, "$lt": 8}}}}, id="one item meets all"),
    pytest.param({"faces": {"$elemMatch": {"$gt": 1}}}, id="one plain item meets all"),
    pytest.param({"faces.w": None}, id="items without the field"),
    pytest.param({"$or": [{"country": "CH"}, {"n": -1}]}, id="or"),
    pytest.param({"$and": [{"n": 5}, {"country": "CH"}]}, id="and"),
    pytest.param({"$nor": [{"n": 5}, {"country": None}]}, id="nor"),
    pytest.param({"n": 5, "country": "CH"}, id="several paths"),
    pytest.param({"_id": {"$gte": 2, "$ne": 4}}, id="several operators"),
]


@pytest.mark.service
@pytest.mark.parametrize("wanted", CASES)
def test_files_answer_as_a_server_does(wanted, filtered_collection):
    """The same documents match a filter here and on MongoDB."""
    matches = compile_filter("images", wanted)

    assert [d["_id"] for d in filtered_collection.find(wanted).sort("_id")] == [
        document["_id"] for document in DOCUMENTS if matches(document)
    ]


@pytest.fixture(scope="module")
def filtered_collection(mongo_url):
    """A collection that holds the documents."""
    from pymongo import MongoClient

    with MongoClient(mongo_url) as client:
        client.filters.documents.drop()
        client.filters.documents.insert_many(DOCUMENTS)
        yield client.filters.documents


@pytest.mark.parametrize(
    "wanted, expected",
    [
        pytest.param({"country": {"$in": ["DE", "CH"]}}, [0, 1, 5], id="in"),
        pytest.param({"n": {"$gt": 0}}, [0, 1], id="greater"),
        pytest.param({"country": None}, [2, 3], id="null or missing"),
        pytest.param({"faces": {"$elemMatch": {"w": 5}}}, [2], id="an item"),
        pytest.param({"country": {"$oid": "DE"}}, [0, 5], id="identifiers are text in documents"),
    ],
)
def test_filters_choose_documents(wanted, expected):
    """Also where no server can be had to compare with."""
    assert expected == [d["_id"] for d in DOCUMENTS if compile_filter("images", wanted)(d)]


@pytest.mark.parametrize("wanted", [{"$where": "1"}, {"n": {"$mod": [2, 0]}}, {"$or": [{"n": {"$near": 1}}]}])
def test_an_operator_that_is_not_answered_is_named(wanted):
    """Rather than passed over."""
    with pytest.raises(FeedError, match=r"\$(where|mod|near), which files do not answer"):
        compile_filter("images", wanted)
