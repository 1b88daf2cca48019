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
