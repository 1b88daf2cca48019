"""`dsvc blame`."""


def test_blame_names_commit_and_producer(scores):
    """Who gave the value, in which commit."""
    lines = scores("blame", "spoof_score", "s3://f/2").lines

    assert "spoof_score  0.25" == lines[0]
    assert " second scores (Ada, " in lines[1]
    assert "  made by     spoof 2 (import)" == lines[2]


def test_blame_of_an_unchanged_record_goes_back(scores):
    """The value is as old as its first commit."""
    assert " first scores (" in scores("blame", "spoof_score", "s3://f/1").lines[1]


def test_blame_tells_who_only_made_it_again(scores):
    """The commit of the value, and the later one of the provenance."""
    scores.put("spoof_score", {"s3://f/1": 0.1}, producer="spoof@3")
    scores("commit", "-m", "again")
    lines = scores("blame", "spoof_score", "s3://f/1").lines

    assert " first scores (" in lines[1]
    assert lines[2].startswith("  made again  ")
    assert " again (" in lines[2]


def test_blame_of_the_draft(scores):
    """What is not committed is given by the draft."""
    scores.put("spoof_score", {"s3://f/9": 0.9})

    assert "  value from  the draft" in scores("blame", "spoof_score", "s3://f/9", "--rev", "@draft").lines


def test_blame_for_programs(scores):
    """Ids whole, provenance as an object, inputs as a list."""
    (blame,) = scores.json("blame", "spoof_score", "s3://f/2")

    assert {"type", "signal", "source", "value", "commit", "provenance_commit", "provenance", "inputs"} <= set(blame)
    assert ("blame", 0.25, []) == (blame["type"], blame["value"], blame["inputs"])
    assert blame["commit"] == scores.json("log", "-n1")[0]["id"]
