"""`dsvc ingest`."""

from pathlib import Path


def test_ingest_tells_each_feed_and_signal(faces):
    """Documents read and why, records of each signal, and how many sources there are."""
    lines = faces("ingest").lines

    assert "feed images: 3 documents, read for the first time" == lines[0]
    assert "  quality  rating(5)  2 records, all new" in lines
    assert "In all: 3 sources, all new" == lines[-1]


def test_held_values_come_with_the_line_that_lets_them_in(faces):
    """Version, reason, an example, and what to write where."""
    result = faces("ingest")

    assert any("held: 1 value of quality 2.0" in line and "s3://f/3" in line for line in result.lines)
    assert any("in [signal.quality]: accept = " in line for line in result.lines)


def test_second_ingest_says_that_nothing_is_new(faces):
    """Files that did not change are not read."""
    faces("ingest")
    result = faces("ingest")

    assert "feed images: nothing new" == result.lines[0]
    assert "nothing changed" in result.err


def test_later_document_of_a_source_wins(faces):
    """The other is counted as superseded."""
    Path("documents/b.jsonl").write_text('{"uri": "s3://f/1", "class": 5, "version": "1.1"}\n')
    lines = faces("ingest").lines

    assert "  1 document superseded by a later one of the same source" in lines


def test_ingest_for_programs(faces):
    """A feed, then its signals with counts; held values with the line to add."""
    feed, *signals, content = faces.json("ingest")

    assert ("ingested-feed", "images", 3, "first") == (feed["type"], feed["name"], feed["documents"], feed["why"])
    assert ["quality"] == [signal["name"] for signal in signals]
    assert ("2.0", 1, "s3://f/3") == tuple(signals[0]["held"][0][key] for key in ("version", "count", "source"))
    assert ("content", 3) == (content["name"], content["added"])


def test_broken_recipe_is_told_with_its_line(faces):
    """File, line, key, and the nearest spelling; nothing was read."""
    recipe = Path("dsvc.toml")
    recipe.write_text(recipe.read_text().replace("pointer", "ponter"))
    result = faces("ingest", expect=1)

    assert "dsvc.toml" in result.err
    assert "pointer" in result.err
