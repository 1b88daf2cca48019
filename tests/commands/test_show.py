"""`dsvc show`."""


def test_show_tells_a_commit_and_what_it_changed(scores):
    """Block, changes against the parent, and the content with counts."""
    lines = scores("show", "HEAD").lines

    assert lines[0].startswith("commit ")
    assert "  ~  signal  spoof_score  3 records  values changed" in lines
    assert "signal  spoof_score  3" in lines


def test_show_tells_a_signal(scores):
    """Type and number of records."""
    (signal,) = scores.json("show", "HEAD~1", "spoof_score")

    assert ("signal-detail", "float64", 3) == (signal["type"], signal["signal_type"], signal["records"])
    assert "  type      float64" in scores("show", "HEAD", "spoof_score").lines


def test_show_tells_a_record(scores):
    """Its value and who made it, at any version."""
    assert ["0.2", "  made by spoof 1 (import)"] == scores("show", "HEAD~1", "spoof_score", "s3://f/2").lines
    (record,) = scores.json("show", "@draft", "spoof_score", "s3://f/2")
    assert (0.25, "2") == (record["value"], record["provenance"]["version"])


def test_show_of_the_draft_needs_a_signal(scores):
    """`dsvc status` is what shows a draft."""
    assert "dsvc status" in scores("show", "@draft", expect=2).err


def test_missing_record_is_named(scores):
    """Signal, pointer and version."""
    assert (
        "spoof_score has no record for s3://f/9 in HEAD"
        in scores("show", "HEAD", "spoof_score", "s3://f/9", expect=1).err
    )


def test_show_for_programs(scores):
    """The commit, its changes, then its content."""
    assert ["commit", "signal-change", "signal"] == [item["type"] for item in scores.json("show")]
