from collections.abc import Iterator

import pytest

from dsvc.testing.mongod import MongodUnavailableError, running_mongod
from tests.feeds.world import COLLECTIONS, MemoryFeed, World


@pytest.fixture(scope="session")
def mongo_url() -> Iterator[str]:
    """The address of a real MongoDB server; tests are skipped where none can be had."""
    try:
        with running_mongod() as url:
            yield url
    except MongodUnavailableError as err:
        pytest.skip(str(err))


@pytest.fixture
def world(tmp_path):
    """A repository without a recipe, and collections without documents."""
    COLLECTIONS.clear()
    MemoryFeed.asked.clear()
    made = World(tmp_path / "repo")
    yield made
    made.repo.close()
