"""The feed of a real MongoDB server keeps the contract of feeds."""

import uuid

import pymongo
import pytest

from dsvc.feeds.mongodb import MongodbFeed
from dsvc.plugins.contracts import FeedQuery
from dsvc.testing.plugins import FeedTests


@pytest.mark.service
class TestMongodbFeed(FeedTests):
    @pytest.fixture(autouse=True)
    def _server(self, mongo_url):
        self.url = mongo_url
        self.database = f"contract_{uuid.uuid4().hex[:8]}"
        with pymongo.MongoClient(mongo_url) as client:
            yield
            client.drop_database(self.database)

    def make_feed(self, documents, place, query):
        with pymongo.MongoClient(self.url) as client:
            collection = client[self.database]["images"]
            collection.drop()
            collection.insert_many([dict(document) for document in documents])
        return MongodbFeed("images", {"uri": self.url, "collection": f"{self.database}.images"}, place, query)

    def make_missing_feed(self, place):
        uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200&directConnection=true"
        return MongodbFeed("images", {"uri": uri, "collection": "a.b"}, place, FeedQuery())
