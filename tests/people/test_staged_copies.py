"""Copies of images over whole passes: whatever becomes of recipes and stores, ours go, and nothing else does."""

import os
import shutil

import pytest

from dsvc.annotation.platforms.files import FilesPlatform
from dsvc.annotation.staging.local import LocalStaging
from dsvc.errors import ConfigError, StagingError, StorePermissionError, StoreUnavailableError
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


def overdue(world):
    """Return the copies that are there and older than a day."""
    return [path for path in world.staged() if world.now_us / 1e6 - path.stat().st_mtime > 86_400]


def test_copies_go_though_their_task_left_the_recipe(world):
    """Nothing is asked any more, and still each pass looks for what it staged."""
    world.sync()
    assert world.staged()
    path = world.path / "dsvc.toml"
    path.write_text(path.read_text().partition("[platform.team]")[0])
    world.wait(30)
    report = world.sync()

    assert [] == world.staged()
    assert (8, 0, True) == (report.elsewhere, report.undeleted, report.is_well)
    assert 0 == world.sync().elsewhere


def test_copies_go_though_they_are_staged_elsewhere_now(world):
    """The old directory is emptied in time, and what is asked from then on lies in the new one."""
    world.sync()
    edit(world, ('staging  = "staging"', 'staging  = "other"'))
    world.wait(30)
    world.sync()

    assert [] == world.staged()
    assert list((world.path / "other").iterdir())


def test_copies_go_though_the_recipe_cannot_be_followed(world):
    """A platform that shows copies and does not say where to stage them ends the pass, but not before that."""
    world.sync()
    edit(world, ('staging  = "staging"', ""))
    world.wait(30)
    with pytest.raises(ConfigError):
        world.sync()

    assert [] == world.staged()


def test_a_bug_of_one_platform_keeps_nothing_of_another(world):
    """What is overdue goes, questions are sent, and the pass tells where the bug is and that somebody should look."""
    edit(
        world,
        ("[platform.team]", '[platform.other]\nplugin = "files"\npath = "other"\n\n[platform.team]'),
        ("[task.faces]", '[task.zz]\ntype = "rating(5)"\nplatform = "other"\nask = "true"\n\n[task.faces]'),
        ('of   = "model"', 'of   = "model"\nplatform = "team"'),
    )
    world.sync()

    def broken(self, form, cursor=None):
        if self.name == "other":
            raise OverflowError("somebody's answer")
        return keep(self, form, cursor)

    keep, FilesPlatform.poll = FilesPlatform.poll, broken
    try:
        world.wait(30)
        report = world.sync()
    finally:
        FilesPlatform.poll = keep
    turns = {turn.platform: turn for turn in report.platforms}

    assert [] == overdue(world)
    assert (True, False) == (turns["other"].is_broken, turns["team"].is_broken)
    assert turns["team"].posted
    assert not report.is_well
    assert "OverflowError in test_staged_copies.py" in turns["other"].notes[0]
    assert "somebody's answer" not in str(report)


def test_a_store_that_refuses_to_delete_is_told(world, monkeypatch):
    """Nothing counts as deleted, also of copies that nobody remembers; the next pass tries again."""
    world.sync()
    shutil.rmtree(world.path / ".dsvc" / "annotation")
    shutil.rmtree(world.path / "annotation")

    def refuse(self, key):
        raise StorePermissionError(store=self.name, reason="AccessDenied")

    world.wait(30)
    with monkeypatch.context() as patched:
        patched.setattr(LocalStaging, "delete", refuse)
        report = world.sync()
    [turn] = report.platforms
    assert (0, 8, False) == (turn.overdue, turn.undeleted, report.is_well)
    assert any("8 copies that should be gone are still there" in note for note in turn.notes)

    report = world.sync()
    assert (8, True) == (report.platforms[0].overdue, report.is_well)
    assert [] == overdue(world)


def test_a_store_that_is_away_ends_no_pass(world, monkeypatch):
    """Nothing is sent there, answers come in, and the pass notes it; the next one sends."""

    def away(self, *args):
        raise StoreUnavailableError(store=self.name, reason="it did not answer")

    with monkeypatch.context() as patched:
        for name in ("check", "put", "delete", "iter_objects", "head"):
            patched.setattr(LocalStaging, name, away)
        [turn] = world.sync().platforms
    assert (0, 0) == (turn.released, turn.posted)
    assert [note for note in turn.notes if "it did not answer" in note]
    assert 8 == world.sync().posted


def test_what_is_cancelled_before_its_copy_could_be_put_is_not_sent(world, monkeypatch):
    """The store was away, and nobody waits for it to come back."""

    def away(self, *args):
        raise StoreUnavailableError(store=self.name, reason="it did not answer")

    with monkeypatch.context() as patched:
        patched.setattr(LocalStaging, "put", away)
        world.sync()
    with world.open() as repo:
        asks = repo.asks()
        assert {"STAGING"} == {ask.state for ask in asks}
        cancelled = {ask.ask.ask_id.hex() for ask in asks}
        repo.cancel(list(cancelled))
    world.sync()

    sent = {question["key"].partition("#")[0] for question in world.questions()}
    assert 4 == len(sent) == len(world.staged())  # others are looked at in the place of those that were to be audited
    assert not sent & cancelled
