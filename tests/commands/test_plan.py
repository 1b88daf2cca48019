"""`dsvc plan`."""

from pathlib import Path


def edit(before, after):
    """Edit the recipe."""
    recipe = Path("dsvc.toml")
    assert before in recipe.read_text()
    recipe.write_text(recipe.read_text().replace(before, after))


def test_plan_counts_records_of_new_steps(faces):
    """Per step and dataset, and in all; nothing has run."""
    faces("ingest")
    result = faces("plan")

    assert [
        "step     is_good  new  2 records to make",
        "dataset  good     new",
        "2 records to make in all",
    ] == result.lines
    assert "dsvc run" in result.err


def test_plan_of_nothing_to_do(made):
    """One line."""
    assert ["Everything is current"] == made("plan").lines


def test_plan_names_the_key_that_changed(made):
    """What of a step changed is said once, not for each record."""
    made("commit", "-m", "first")
    edit("quality >= 3", "quality >= 4")
    lines = made("plan").lines

    assert "step     is_good  stale       2 records to make" == lines[0]
    assert "      the step changed: sql" == lines[1]
    assert "dataset  good     to be seen  changed: is_good" == lines[2]


def test_plan_names_the_inputs_that_changed(made):
    """Each reason with its records, where there are several."""
    Path("documents/b.jsonl").write_text(
        '{"uri": "s3://f/1", "class": 5, "version": "1.1"}\n{"uri": "s3://f/4", "class": 1, "version": "1.1"}\n'
    )
    made("ingest")
    lines = made("plan").lines

    assert lines[0].endswith("2 records to make")
    assert ["      1 record: changed quality", "      1 record: new source"] == sorted(lines[1:3])


def test_plan_lists_records(faces):
    """Each record with the reason, as many as asked for."""
    faces("ingest")

    assert ["is_good  s3://f/1  new step"] == faces("plan", "--rows", "-n1").lines
    assert [("planned-record", "is_good", "s3://f/1"), ("planned-record", "is_good", "s3://f/2")] == [
        (item["type"], item["step"], item["source"]) for item in faces.json("plan", "--rows")
    ]


def test_plan_for_programs(faces):
    """Counts as bounds, which are equal where they are exact."""
    faces("ingest")
    whole, step, dataset = faces.json("plan")

    assert ("plan", False, {"lower": 2, "upper": 2}) == (whole["type"], whole["is_current"], whole["run"])
    assert ("planned-step", "is_good", "new", {"lower": 2, "upper": 2}) == tuple(
        step[key] for key in ("type", "name", "status", "run")
    )
    assert ("planned-dataset", "good", "new") == tuple(dataset[key] for key in ("type", "name", "status"))


def test_plan_says_what_the_next_ingest_reads_again(made):
    """A feed of which the recipe now takes other values is told before anything is read."""
    edit("[signal.quality]", '[signal.quality]\nproducer = "grader"')
    result = made("plan")

    assert "to be read again for quality" in result.lines[0]
    assert "dsvc ingest" in result.err
    (pending,) = [item for item in made.json("plan") if item["type"] == "planned-feed"]
    assert ("signals", ["quality"]) == (pending["why"], pending["signals"])
