"""`dsvc feed`."""

from pathlib import Path


def test_feeds_are_listed_with_how_far_they_were_read(faces):
    """Name, plugin, what it gives, and how many documents were read."""
    assert "images  files  gives sources  not read yet" == faces("feed", "ls").lines[0]
    faces("ingest")
    assert "images  files  gives sources  3 documents read" == faces("feed", "ls").lines[0]


def test_feeds_for_programs(faces):
    """Numbers are null before the first reading."""
    (feed,) = faces.json("feed", "ls")

    assert ("feed", "images", "files", None) == (feed["type"], feed["name"], feed["plugin"], feed["documents"])


def test_check_compares_documents_with_the_recipe(faces):
    """Values per signal, what would be held; nothing is kept, and the status says that something is not taken."""
    result = faces("feed", "check", expect=3)

    assert "feed images: 3 documents looked at" == result.lines[0]
    assert any("quality" in line and "2 values" in line and "version 1.0" in line for line in result.lines)
    assert any("held: 1 value of quality 2.0" in line for line in result.lines)
    assert faces.json("status")[0]["root"] is None


def test_check_counts_documents_without_a_source(faces):
    """What names no pointer is told with an example."""
    Path("documents/a.jsonl").write_text('{"uri": "s3://f/1", "class": 4, "version": "1.0"}\n{"class": 3}\n')
    (check,) = faces.json("feed", "check", "images", expect=3)

    assert [1] == [odd["count"] for odd in check["unusable"]]
    assert 2 == check["documents"]


def test_check_of_good_documents_ends_well(faces):
    """Exit status 0, and the next thing to type."""
    Path("documents/a.jsonl").write_text('{"uri": "s3://f/1", "class": 4, "version": "1.0"}\n')

    assert "dsvc ingest" in faces("feed", "check").err


def test_unknown_feed_lists_those_there_are(faces):
    """The hint has the recipe's feeds."""
    assert "images" in faces("feed", "check", "imgs", expect=1).err
