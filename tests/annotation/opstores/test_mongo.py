"""The op store in MongoDB keeps the contract, on a real server."""

import itertools
import os

import pytest

from dsvc.annotation.opstores.mongo import MongoOpStore
from dsvc.errors import StoreError, StoreUnavailableError
from dsvc.testing.opstores import INDEXES, OpStoreTests

_numbers = itertools.count()


def open_mongo(place):
    """Open the store that a place names: address, blank, database."""
    url, _, database = place.partition(" ")
    return MongoOpStore(url, database, INDEXES)


@pytest.mark.service
class TestMongoOpStore(OpStoreTests):
    opener = staticmethod(open_mongo)

    @pytest.fixture
    def place(self, mongo_url):
        from pymongo import MongoClient

        database = f"ops_{os.getpid()}_{next(_numbers)}"
        yield f"{mongo_url} {database}"
        with MongoClient(mongo_url) as client:
            client.drop_database(database)


def test_an_address_that_is_none_shows_no_password():
    """The uri is not repeated."""
    with pytest.raises(StoreError) as caught:
        MongoOpStore("mongo://ada:secret@host", "ops", INDEXES)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_away_is_unavailable():
    """Which is an error that another try may cure."""
    with pytest.raises(StoreUnavailableError) as caught:
        MongoOpStore("mongodb://ada:secret@127.0.0.1:1/?serverSelectionTimeoutMS=50", "ops", INDEXES)
    assert caught.value.retryable
    assert "secret" not in str(caught.value)
