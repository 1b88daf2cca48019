"""`dsvc status`."""


def test_status_of_a_new_repository_says_what_to_do(repo):
    """No commit, nothing in the draft, and the first thing to type."""
    result = repo("status")

    assert "On branch main, without a commit" == result.lines[0]
    assert "dsvc ingest" in result.err


def test_status_shows_the_draft_and_how_to_commit(scores):
    """What was put is listed against HEAD, with counts."""
    scores.put("spoof_score", {"s3://f/9": 0.9})
    result = scores("status")

    assert "  ~  signal  spoof_score  3 -> 4 records  values changed" in result.lines
    assert "dsvc commit" in result.err


def test_status_shows_edited_recipe_files(scores, tmp_path):
    """An edit of dsvc.toml is part of what a commit would keep."""
    (tmp_path / "dsvc.toml").write_text("")

    assert "  ~  dsvc.toml" in scores("status").lines


def test_status_of_nothing_to_do(scores):
    """Clean is said, and where new documents come from."""
    result = scores("status")

    assert "Nothing to commit" in result.lines
    assert "dsvc ingest" in result.err


def test_status_for_programs(scores):
    """One object of the whole, then one of each thing that differs."""
    scores.put("spoof_score", {"s3://f/9": 0.9})
    whole, *rest = scores.json("status")

    assert {"type", "branch", "head", "root", "is_clean", "has_new_state"} <= set(whole)
    assert (False, "main") == (whole["is_clean"], whole["branch"])
    assert [{"type": "signal-change", "name": "spoof_score", "op": "~", "before": 3, "after": 4}] == rest
