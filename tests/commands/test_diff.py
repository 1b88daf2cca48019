"""`dsvc diff`."""


def test_diff_shows_values_before_and_after(scores):
    """One line a record, signs as git's, in order of pointers."""
    assert [
        "signal spoof_score",
        "~ s3://f/2  0.2 -> 0.25",
        "- s3://f/3  0.3",
        "+ s3://f/4  0.4",
    ] == scores("diff", "HEAD~1..HEAD").lines


def test_diff_takes_two_revisions(scores):
    """`A B` is `A..B`."""
    assert scores("diff", "HEAD~1..HEAD").out == scores("diff", "HEAD~1", "HEAD").out


def test_diff_is_against_the_draft_by_default(scores):
    """Nothing in the draft, nothing to show."""
    assert "" == scores("diff").out
    scores.put("spoof_score", {"s3://f/9": 0.9})
    assert ["signal spoof_score", "+ s3://f/9  0.9"] == scores("diff").lines


def test_stat_counts_exactly(scores):
    """Records before and after, and how many are new, gone and changed."""
    assert ["signal  spoof_score  3 records  +1 -1 ~1"] == scores("diff", "--stat", "HEAD~1..HEAD").lines
    (stat,) = scores.json("diff", "--stat", "HEAD~1", "HEAD")
    assert (1, 1, 1, 0) == (stat["added"], stat["removed"], stat["changed"], stat["remade"])


def test_provenance_shows_what_was_only_made_again(scores):
    """An equal value by a newer producer is `=`, and only where it is asked for."""
    scores.put("spoof_score", {"s3://f/1": 0.1}, producer="spoof@3")

    assert "" == scores("diff").out
    assert ["= s3://f/1  0.1", "    spoof 1 -> spoof 3"] == scores("diff", "--provenance").lines[1:]


def test_diff_of_one_signal_and_few_records(scores):
    """`--signal` and `--limit` cut what is shown."""
    scores.put("other", {"s3://f/1": 1})
    rows = scores.json("diff", "HEAD~1", "@draft", "--signal", "spoof_score", "--limit", "2")

    assert [("change", "s3://f/2"), ("change", "s3://f/3")] == [(row["type"], row["source"]) for row in rows]


def test_unknown_signal_names_the_nearest(scores):
    """The hint holds a signal there is."""
    assert "spoof_score" in scores("diff", "HEAD~1..HEAD", "-s", "spoof", expect=1).err
