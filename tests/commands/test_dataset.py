"""`dsvc dataset`."""

from pathlib import Path

import pytest

SPLIT = """
[split.halves]
by = "quality"
parts = { one = 1 }
"""


def edit(before, after):
    """Edit the recipe."""
    recipe = Path("dsvc.toml")
    assert before in recipe.read_text()
    recipe.write_text(recipe.read_text().replace(before, after))


@pytest.fixture(name="two")
def _two(faces):
    """Two commits of a dataset over six sources: the second has a stricter threshold."""
    lines = [f'{{"uri": "s3://f/{n}", "class": {n % 5 + 1}, "version": "1.{n % 2}"}}' for n in range(1, 7)]
    Path("documents/a.jsonl").write_text("\n".join(lines))
    edit('where   = "is_good"', 'split   = "halves"\nwhere   = "is_good AND quality < 5"')
    edit("[dataset.good]", SPLIT + "[dataset.good]")
    faces("ingest")
    faces("run")
    faces("commit", "-m", "three")
    faces("tag", "good@v1")
    edit("quality >= 3", "quality >= 4")
    faces("run")
    faces("commit", "-m", "four")
    return faces


def test_ls_lists_datasets(two):
    """With sources, parts, columns and tags; `global` last."""
    assert [
        "dataset  sources  parts  columns                    tags",
        "good           1  one 1  quality                    good@v1",
        "global         6  -      content, is_good, quality  -",
    ] == two("dataset", "ls").lines
    good, _ = two.json("dataset", "ls", "HEAD~1")
    assert ("dataset-entry", "good", 2, {"one": 2}, {"quality": "quality"}) == tuple(
        good[key] for key in ("type", "name", "sources", "parts", "columns")
    )


def test_show_tells_what_is_in_and_why(two):
    """Columns with their types, parts, coverage by producer and version, and the funnel."""
    assert [
        "dataset good  2 sources",
        "  tags good@v1",
        "",
        "Columns",
        "  quality  rating(5)  quality",
        "",
        "Parts",
        "  one  2  100.0%",
        "",
        "Classes",
        "  column   value  rows",
        "  quality  3         1",
        "           4         1",
        "",
        "Coverage",
        "  signal   records          nulls  by",
        "  quality        2  100.0%      0  quality@1.0 1",
        "                                   quality@1.1 1",
        "  is_good        2  100.0%      0  sql@0 2",
        "",
        "Funnel",
        "                      passed  kept out",
        "         all sources       6",
        "  where  is_good           3  3 false",
        "  where  quality < 5       2  1 false",
        "  take   final             2",
        "  split  halves            2",
    ] == two("dataset", "show", "good@v1").lines
    objects = two.json("dataset", "show", "good", "HEAD~1")
    assert {
        "type": "dataset-stage",
        "what": "where",
        "text": "quality < 5",
        "passed": 2,
        "failed": 1,
        "no_value": 0,
        "lacks": [],
    } in objects


def test_show_says_why_there_is_no_value(faces):
    """A version that nothing accepts is held."""
    faces("ingest")
    faces("run")
    lines = faces("dataset", "show", "good", "@draft").lines

    assert "    where  is_good         2  1 no value" not in lines
    assert any(line.strip() == "1 is_good missing-input" for line in lines), lines


def test_show_of_two_versions(two):
    """What left, by which term, and the classes before and after."""
    assert [
        "dataset good  2 -> 1 sources",
        "left 1",
        "  1  `is_good` is false",
        "",
        "Classes",
        "  quality  3  1 -> 0  50.0% -> 0.0%",
        "           4  1       50.0% -> 100.0%",
    ] == two("dataset", "show", "good", "HEAD~1..HEAD").lines
    change, cause, *_ = two.json("dataset", "show", "good", "HEAD~1..HEAD")
    assert ("dataset-movement", 2, 1, 0, 1) == tuple(change[k] for k in ("type", "before", "after", "entered", "left"))
    assert ("dataset-cause", "left", "is_good", "false", 1) == tuple(
        cause[key] for key in ("type", "move", "text", "outcome", "sources")
    )


def test_rows_list_the_sources(two):
    """Each with the term."""
    assert ["- s3://f/2  `is_good` is false"] == two("dataset", "show", "good", "HEAD~1..HEAD", "--rows").lines
    (move,) = two.json("dataset", "show", "good", "HEAD~1..HEAD", "--rows")
    assert ("dataset-move", "s3://f/2", "left", "where") == tuple(move[k] for k in ("type", "source", "move", "what"))


def test_the_draft_shows_the_funnel_of_an_edit(two):
    """Before anything is run; of a dataset that was never made, that is all there is."""
    edit("quality < 5", "quality < 4")
    assert any("dsvc run" in line for line in two("dataset", "show", "good", "@draft").lines)
    edit("[dataset.good]", "[dataset.fine]")
    result = two("dataset", "show", "fine", "@draft")

    assert result.lines[0].startswith("Funnel")
    assert "dsvc run" in result.err


def test_a_change_that_was_not_run_is_not_told(two):
    """But that it is there."""
    assert "" == two("dataset", "show", "good", "HEAD~1..@draft").err
    edit("quality < 5", "quality < 4")

    assert "dsvc run" in two("dataset", "show", "good", "HEAD~1..@draft").err


def test_global_has_no_funnel(two):
    """It is everything."""
    assert "Funnel" not in two("dataset", "show", "global").out


def test_a_tag_and_a_revision_are_two_versions(two):
    """Which is one too many; and rows are those of a change."""
    assert "names a version already" in two("dataset", "show", "good@v1", "HEAD", expect=2).err
    assert "A..B" in two("dataset", "show", "good", "--rows", expect=2).err


def test_unknown_dataset_names_the_nearest(two):
    """As elsewhere."""
    assert "'good'" in two("dataset", "show", "goood", expect=1).err
    assert "'good'" in two("dataset", "stats", "goood", expect=1).err


def test_stats_draw_bars(two):
    """A line a value, or a bin."""
    assert [
        "2 rows",
        "",
        "quality  int8, 2 different values",
        "  3 to 4, mean 3.5",
        "  3  1  50.0%  ██████████████████████████████",
        "  4  1  50.0%  ██████████████████████████████",
    ] == two("dataset", "stats", "good@v1").lines
    stats, column = two.json("dataset", "stats", "good@v1")
    assert ("dataset-stats", 2, {"one": 2}) == (stats["type"], stats["rows"], stats["parts"])
    assert ("column-stats", "quality", "int8", [1, 1]) == (
        column["type"],
        column["column"],
        column["column_type"],
        column["histogram"]["counts"],
    )
