"""Counting records by standing."""

from dsvc.engine.looking.standings import count_standings
from dsvc.repo.refs import DRAFT_REVISION
from tests.people.world import World


def test_standings_are_counted(tmp_path):
    """What the model was sure of waits for an audit; a signal that is not there has none."""
    with World(tmp_path, image="pointer").open() as repo:
        view = repo.view(DRAFT_REVISION)

        assert {"unaudited": 8} == count_standings(view, "faces")
        assert {"final": 12} == count_standings(view, "model")
        assert {} == count_standings(view, "nothing")
