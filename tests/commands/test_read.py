"""`dsvc read`."""


def test_read_prints_rows_by_source(scores):
    """Columns are aligned, the first line names them."""
    assert ["source    spoof_score", "s3://f/1  0.1", "s3://f/2  0.25", "s3://f/4  0.4"] == scores("read").lines


def test_read_joins_signals(scores):
    """Chosen signals are joined by source; what is missing is `-`."""
    scores.put("other", {"s3://f/0": "a", "s3://f/1": "b"})
    lines = scores("read", "@draft", "-s", "other", "-s", "spoof_score", "-n", "2").lines

    assert ["source    other  spoof_score", 's3://f/0  "a"    -', 's3://f/1  "b"    0.1'] == lines


def test_read_of_an_old_version(scores):
    """Any revision can be read."""
    assert [0.1, 0.2, 0.3] == [row["spoof_score"] for row in scores.json("read", "HEAD~1")]


def test_signals_and_dataset_exclude_each_other(scores):
    """A dataset says its own columns."""
    scores("read", "-s", "spoof_score", "-d", "x", expect=2)
