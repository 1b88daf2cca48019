"""How a commit is shown."""

from datetime import UTC, datetime

import click

from dsvc.commands._commits import commit_block, commit_object, commit_title
from dsvc.repo.history import CommitInfo

INFO = CommitInfo(
    id="ab" * 32,
    root="cd" * 32,
    parents=(),
    author="Ada",
    time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    message="subject\n\nbody",
    generation=1,
    recipe=None,
    state=None,
    notes={"as-is": "", "git-head": "12" * 20, "git-dirty": "1"},
    refs=("HEAD", "main"),
)


def test_title_is_short_id_refs_and_subject():
    """One line for lists."""
    assert "abababababab (HEAD, main) subject" == click.unstyle(commit_title(INFO))


def test_block_says_all():
    """Whole id, who, when, the content's id, notes, then the message."""
    assert [
        f"commit {'ab' * 32} (HEAD, main)",
        "Author: Ada",
        "Date:   2026-01-02 03:04:05 UTC",
        "Root:   cdcdcdcdcdcd",
        "Note:   committed as it was, while something derived was stale",
        "Git:    121212121212, recipe files edited since",
        "",
        "    subject",
        "    ",
        "    body",
    ] == [click.unstyle(line) for line in commit_block(INFO)]


def test_object_has_whole_ids():
    """Programs get ids uncut."""
    assert ("ab" * 32, "cd" * 32) == (commit_object(INFO)["id"], commit_object(INFO)["root"])
