"""Copies of images over whole passes: whatever becomes of recipes and stores, ours go, and nothing else does."""

import os

import pytest

from dsvc.errors import StagingError
from tests.people.world import World


@pytest.fixture(name="world")
def make_world(tmp_path):
    """Copies are shown."""
    return World(tmp_path, image="url")


def edit(world, *pairs):
    """Edit the recipe."""
    path = world.path / "dsvc.toml"
    text = path.read_text()
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text)


@pytest.mark.parametrize("place", ["images", "."])
def test_a_place_with_other_files_is_refused_and_left_alone(world, place):
    """The user's own images are as old as they like; `check` says what is wrong before anything is sent."""
    edit(world, ('staging  = "staging"', f'staging  = "{place}"'))
    old = world.now_us / 1e6 - 40 * 86_400
    files = sorted(path for path in (world.path / place).iterdir() if path.is_file())
    for path in files:
        os.utime(path, (old, old))
    with pytest.raises(StagingError, match="holds other things"):
        world.sync()

    assert files == sorted(path for path in (world.path / place).iterdir() if path.is_file())
    with world.open() as repo:
        [platform] = repo.annotate_check()
    [found] = [finding for finding in platform.findings if finding.what == "contents"]
    assert not found.is_well
