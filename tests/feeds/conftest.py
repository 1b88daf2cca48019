import pytest

from tests.feeds.world import COLLECTIONS, MemoryFeed, World


@pytest.fixture
def world(tmp_path):
    """A repository without a recipe, and collections without documents."""
    COLLECTIONS.clear()
    MemoryFeed.asked.clear()
    made = World(tmp_path / "repo")
    yield made
    made.repo.close()
