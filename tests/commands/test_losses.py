"""What `--dry-run` says of what would be dropped."""


def test_discard_names_the_draft_and_the_edited_files(scores, tmp_path):
    """Nothing is dropped by asking."""
    scores("branch", "exp")
    scores.put("other", {"s3://f/1": 1})
    (tmp_path / "dsvc.toml").write_text("")

    for words in (["switch", "exp"], ["checkout", "HEAD~1"]):
        assert ["Would drop the draft of main", "Would drop dsvc.toml"] == scores(
            *words, "--discard", "--dry-run"
        ).lines
    assert [{"type": "would-drop", "what": "the draft of main"}] == scores.json("switch", "exp", "-n")[:1]
    assert not scores.json("status")[0]["is_clean"]


def test_nothing_to_drop_is_said(scores):
    """A clean draft has nothing to lose."""
    assert ["Would drop nothing"] == scores("switch", "main", "--dry-run").lines


def test_branch_and_tag_are_named_with_their_commit(scores):
    """And stay."""
    scores("branch", "old", "HEAD~1")
    scores("tag", "v1")

    assert scores("branch", "-d", "old", "--dry-run").out.startswith("Would delete branch old, at ")
    assert scores("tag", "-d", "v1", "--dry-run").out.startswith("Would delete tag v1, at ")
    assert (2, 1) == (len(scores.json("branch")), len(scores.json("tag")))


def test_missing_name_is_refused(scores):
    """With the nearest there is."""
    assert "main" in scores("branch", "-d", "mian", "-n", expect=1).err
    scores("tag", "-d", "v1", "-n", expect=1)


def test_dry_run_goes_with_what_destroys(scores):
    """Making a branch or writing files destroys nothing."""
    scores("branch", "new", "-n", expect=2)
    scores("tag", "new", "-n", expect=2)
    scores("checkout", "main", "x", "--to", "out", "-n", expect=2)
