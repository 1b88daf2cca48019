"""`dsvc tag`."""


def test_tag_is_made_listed_and_taken_away(scores):
    """A tag stays where it was made."""
    scores("tag", "v1", "HEAD~1", "-m", "first release")

    assert ["v1", "first", "release"] == [
        word for word in scores("tag").out.split() if not word.isalnum() or len(word) != 12
    ]
    assert scores.json("log", "v1")[0]["message"] == "first scores"
    scores("tag", "-d", "v1")
    assert [] == scores("tag").lines


def test_tag_does_not_move(scores):
    """Another commit needs another name."""
    scores("tag", "v1")

    assert "do not move" in scores("tag", "v1", "HEAD~1", expect=1).err


def test_tag_of_a_missing_dataset_is_refused(scores):
    """DATASET@NAME names a dataset that the commit has."""
    assert "spoof" in scores("tag", "spoof@v1", expect=1).err


def test_tag_for_programs(scores):
    """Who tagged what, when."""
    (tag,) = scores.json("tag", "v1", "-m", "hello")

    assert {"type", "name", "commit", "dataset", "author", "time", "message"} <= set(tag)
    assert ("v1", "hello", None) == (tag["name"], tag["message"], tag["dataset"])


def test_deleting_needs_a_name(scores):
    """Wrong usage, with the right one."""
    assert "dsvc tag -d NAME" in scores("tag", "-d", expect=2).err


def test_what_a_tag_is_not_given_is_wrong_usage(scores):
    """Nothing that was typed is passed over."""
    scores("tag", "v1")
    scores("tag", "v2")

    assert "one at a time" in scores("tag", "-d", "v1", "v2", expect=2).err
    assert "--delete" in scores("tag", "-n", "v3", expect=2).err
    assert "dsvc tag NAME" in scores("tag", "-m", "hello", expect=2).err
    assert ["v1", "v2"] == [tag["name"] for tag in scores.json("tag")]


def test_a_draft_has_to_be_committed_before_it_is_tagged(scores):
    """Which the hint says."""
    result = scores("tag", "v1", "@draft", expect=1)

    assert ["Error: the draft is no commit", "Hint: `dsvc commit` makes a version of it"] == result.err.splitlines()
