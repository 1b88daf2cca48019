"""`dsvc recipe`."""

from pathlib import Path


def edit(before, after):
    """Edit the recipe."""
    recipe = Path("dsvc.toml")
    assert before in recipe.read_text()
    recipe.write_text(recipe.read_text().replace(before, after))


def test_check_of_a_sound_recipe(faces):
    """Data has nothing to say; a person is told."""
    result = faces("recipe", "check")

    assert ("", "No problems found\n") == (result.out, result.err)


def test_check_lists_every_problem(faces):
    """Status 1; each with file, line, key, what was expected and found, and a hint."""
    edit("quality >= 3 AS", "qualty >= 3 AS")
    edit('type    = "rating(5)"', 'tpye    = "rating(5)"')
    edit('where   = "is_good"', 'where   = "quality.x"')
    result = faces("recipe", "check", expect=1)

    keys = "from, value, fields, only, version, producer, type, accept, formats, content_id"
    assert [
        f"dsvc.toml:8: signal.quality.tpye: expected one of {keys}, found 'tpye'",
        "    Hint: did you mean 'type'?",
        "dsvc.toml:14: step.is_good.sql: expected a signal, found 'qualty'",
        "    Hint: did you mean 'quality'?",
    ] == result.lines
    first, _ = faces.json("recipe", "check", expect=1)
    assert ("recipe-problem", "dsvc.toml", 8, "signal.quality.tpye", "type") == tuple(
        first[key] for key in ("type", "file", "line", "key", "nearest")
    )


def test_check_looks_at_the_types_of_the_draft(faces):
    """What has been ingested, and what steps would make of it."""
    edit('where   = "is_good"', 'where   = "quality + 1"')

    (line, hint) = faces("recipe", "check", expect=1).lines
    assert line.startswith("dsvc.toml:17: dataset.good.where: expected SQL that fits the types")
    assert "compare it" in hint


def test_show_is_the_files(faces):
    """As they lie; of a version as they were committed."""
    faces("ingest")
    faces("run")
    faces("commit", "-m", "one")
    edit("quality >= 3", "quality >= 4")

    assert "# --- dsvc.toml" == faces("recipe", "show").lines[0]
    assert "quality >= 4" in faces("recipe", "show").out
    assert "quality >= 3" in faces("recipe", "show", "HEAD").out
    assert ["recipe-file"] == [item["type"] for item in faces.json("recipe", "show")]


def test_show_resolved(faces):
    """One TOML text; programs get a table at a time, with numbers as numbers."""
    lines = faces("recipe", "show", "--resolved").lines

    assert "[feed.images]" == lines[0]
    assert 'where   = "is_good"' in lines
    tables = faces.json("recipe", "show", "--resolved")
    assert [("feed", "images"), ("signal", "quality"), ("step", "is_good"), ("dataset", "good")] == [
        (item["section"], item["name"]) for item in tables
    ]


def test_show_resolved_of_a_version(made):
    """The files of that commit."""
    made("commit", "-m", "one")
    edit("quality >= 3", "quality >= 4")

    assert "quality >= 3" in made("recipe", "show", "HEAD", "--resolved").out
    assert "quality >= 4" in made("recipe", "show", "--resolved").out


def test_graph(faces):
    """As a tree, for Mermaid, and for programs."""
    assert [
        "feed images (files)",
        "└─ signal quality",
        "   ├─ step is_good (sql)",
        "   │  └─ dataset good",
        "   └─ dataset good",
    ] == faces("recipe", "graph").lines
    assert "  step_is_good --> dataset_good" in faces("recipe", "graph", "--mermaid").lines
    objects = faces.json("recipe", "graph")
    assert {"type": "recipe-edge", "from": "signal.quality", "to": "step.is_good"} in objects
    assert {"type": "recipe-node", "id": "feed.images", "kind": "feed", "name": "images", "detail": "files"} in objects
