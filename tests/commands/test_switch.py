"""`dsvc switch`."""


def test_new_branch_takes_the_draft_along(scores):
    """`switch -c` keeps what is not committed."""
    scores.put("other", {"s3://f/1": 1})
    assert scores("switch", "-c", "exp").out.startswith("On branch exp, at ")

    assert ["other"] == [item["name"] for item in scores.json("status") if item["type"] == "signal-change"]


def test_draft_is_not_lost(scores):
    """Another switch is refused while there is a draft, until it is discarded."""
    scores("branch", "exp")
    scores.put("other", {"s3://f/1": 1})

    assert "--discard" in scores("switch", "exp", expect=1).err
    scores("switch", "exp", "--discard")
    assert scores.json("status")[0]["is_clean"]


def test_missing_branch_names_how_to_make_it(scores):
    """The hint is what to type."""
    assert "dsvc switch -c exp" in scores("switch", "exp", expect=1).err


def test_revision_goes_with_create(scores):
    """A start makes sense for a new branch alone."""
    scores("switch", "main", "HEAD~1", expect=2)
    scores("switch", "-c", "old", "HEAD~1")

    assert ["first scores"] == [item["message"] for item in scores.json("log")]
