"""`dsvc checkout`."""

from pathlib import Path


def test_dataset_is_written_as_files(made):
    """Rows of the dataset, in the format that was asked for."""
    made("commit", "-m", "first")
    result = made("checkout", "main", "good", "--to", "out", "--format", "csv")

    assert result.lines[0].startswith("Wrote good at ")
    assert result.lines[0].endswith(" to out: 1 row in 1 file")
    (file,) = Path("out").glob("*.csv")
    assert "s3://f/1" in file.read_text()


def test_tag_says_which_dataset(made):
    """`DATASET@NAME` needs no dataset beside it."""
    made("commit", "-m", "first")
    made("tag", "good@v1")
    (done,) = made.json("checkout", "good@v1", "--to", "out")

    assert ("checkout", "good", 1, 1, 0) == tuple(done[key] for key in ("type", "dataset", "rows", "written", "kept"))


def test_second_checkout_keeps_what_is_the_same(made):
    """Files with the same content are not written again; those of others are not touched."""
    Path("out").mkdir()
    Path("out/notes.txt").write_text("mine")
    made("checkout", "@draft", "good", "--to", "out")
    (done,) = made.json("checkout", "@draft", "good", "--to", "out")

    assert (0, 1) == (done["written"], done["kept"])
    assert "mine" == Path("out/notes.txt").read_text()


def test_unknown_format_lists_those_there_are(made):
    """Exit status 16: it is about plugins."""
    assert "parquet" in made("checkout", "@draft", "good", "--to", "out", "--format", "xlsx", expect=16).err


def test_dataset_needs_a_directory(made):
    """Files do not fall where one stands."""
    assert "--to DIR" in made("checkout", "main", "good", expect=2).err


def test_checkout_of_a_revision_moves_head(scores):
    """Without `--to`, as in git."""
    assert "HEAD is at " in scores("checkout", "HEAD~1").out
    assert ["first scores"] == [item["message"] for item in scores.json("log")]
    (head,) = scores.json("checkout", "main")
    assert ("head", "main") == (head["type"], head["branch"])


def test_draft_is_not_lost(scores):
    """A move of HEAD is refused while there is a draft."""
    scores.put("other", {"s3://f/1": 1})

    assert "--discard" in scores("checkout", "HEAD~1", expect=1).err
    scores("checkout", "HEAD~1", "--discard")


def test_format_takes_settings(made):
    """What a format knows can be set; what it does not know is refused with what it does."""
    made("checkout", "@draft", "good", "--to", "out", "-o", "compression=gzip")

    assert "compression" in made("checkout", "@draft", "good", "--to", "out", "-o", "kompression=gzip", expect=1).err
    assert "KEY=VALUE" in made("checkout", "@draft", "good", "--to", "out", "-o", "gzip", expect=2).err
