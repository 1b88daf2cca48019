"""`dsvc remove`."""

import io
from pathlib import Path


def sources(shell):
    """Return the sources in the draft."""
    return [row["source"] for row in shell.json("read", "@draft")]


def test_remove_takes_records_from_the_draft(scores):
    """Named ones go, unknown ones are passed over, commits keep theirs."""
    assert "Removed 1 record of spoof_score" == scores("remove", "spoof_score", "s3://f/1", "s3://f/none").lines[0]

    assert ["s3://f/2", "s3://f/4"] == sources(scores)
    assert 3 == len(scores.json("read"))


def test_dry_run_removes_nothing(scores):
    """It counts what would go."""
    assert (
        "Would remove 2 records of spoof_score"
        == scores("remove", "spoof_score", "s3://f/1", "s3://f/2", "--dry-run").lines[0]
    )

    assert 3 == len(sources(scores))


def test_pointers_come_from_a_file_or_stdin(scores, monkeypatch):
    """One a line."""
    Path("gone.txt").write_text("s3://f/1\n\n")
    assert 1 == scores.json("remove", "spoof_score", "--from", "gone.txt")[0]["removed"]
    monkeypatch.setattr("sys.stdin", io.StringIO("s3://f/2\n"))
    assert 1 == scores.json("remove", "spoof_score", "--from", "-")[0]["removed"]


def test_something_must_be_named(scores):
    """Removing everything by leaving out a word is not offered."""
    assert "--from" in scores("remove", "spoof_score", expect=2).err


def test_unknown_signal_names_the_nearest(scores):
    """With and without `--dry-run`."""
    for options in ([], ["-n"]):
        assert "spoof_score" in scores("remove", "spoof_scor", "s3://f/1", *options, expect=1).err
