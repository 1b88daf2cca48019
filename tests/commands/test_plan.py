"""`dsvc plan`."""

from pathlib import Path

import pyarrow as pa
import pytest

from dsvc.commands.plan import duration


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
        "step     is_good  new  2 records to make (time unknown)",
        "dataset  good     new",
        "2 records to make in all, time unknown",
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

    assert lines[0].startswith("step     is_good  stale       2 records to make")
    assert "      the step changed: sql" == lines[1]
    assert "dataset  good     to be seen  changed: is_good" == lines[2]


def test_plan_names_the_inputs_that_changed(made):
    """Each reason with its records, where there are several."""
    Path("documents/b.jsonl").write_text(
        '{"uri": "s3://f/1", "class": 5, "version": "1.1"}\n{"uri": "s3://f/4", "class": 1, "version": "1.1"}\n'
    )
    made("ingest")
    lines = made("plan").lines

    assert "2 records to make" in lines[0]
    assert ["      1 record: changed quality (version 1.0 -> 1.1)", "      1 record: new source"] == sorted(lines[1:3])


def test_plan_lists_records(faces):
    """Each record with the reason, as many as asked for."""
    faces("ingest")

    assert ["is_good  s3://f/1  new step"] == faces("plan", "--rows", "-n1").lines
    assert [
        {
            "type": "planned-record",
            "step": "is_good",
            "source": f"s3://f/{number}",
            "action": "make",
            "why": "new step",
            "kind": "new-step",
        }
        for number in (1, 2)
    ] == faces.json("plan", "--rows")


def test_plan_lists_records_that_go(made):
    """And those that may be cut off; by step where one is named."""
    Path("documents/a.jsonl").write_text('{"uri": "s3://f/1", "class": 4, "version": "1.0"}\n')
    made("ingest", "--full")

    assert ["is_good  s3://f/2  to go: removed source or input"] == made("plan", "--rows", "--step", "is_good").lines


def test_plan_writes_records_as_arrow(faces, tmp_path):
    """To a file, and says how many."""
    faces("ingest")
    result = faces("plan", "--arrow", "rows.arrow")

    assert "Wrote 2 records" in result.err
    with pa.OSFile(str(tmp_path / "rows.arrow")) as file:
        assert ["s3://f/1", "s3://f/2"] == pa.ipc.open_stream(file).read_all()["source"].to_pylist()


def test_a_file_that_cannot_be_written_is_named(faces):
    """With the reason; that it is a directory is one."""
    assert (
        "cannot write to nowhere/rows.arrow: No such file"
        in faces("plan", "--arrow", "nowhere/rows.arrow", expect=1).err
    )
    assert "cannot write to .: Is a directory" in faces("plan", "--arrow", ".", expect=1).err


def test_a_limit_needs_rows(faces):
    """A plan that counts is not made shorter."""
    assert "--rows" in faces("plan", "--limit", "3", expect=2).err
    assert [] == faces("plan", "--rows", "--limit", "0").lines
    faces("plan", "--rows", "--limit", "9" * 20)


def test_plan_of_one_step(faces):
    """The others and the datasets are left out; a name that is not there is refused."""
    faces("ingest")

    assert 1 == len(faces("plan", "--step", "is_good").lines)
    assert "did you mean 'is_good'?" in faces("plan", "--step", "is_god", expect=1).err
    assert "did you mean 'is_good'?" in faces("plan", "--rows", "--step", "is_god", expect=1).err


def test_plan_says_how_a_run_would_go_about_it(made):
    """Only when asked: transform hashes and traces."""
    assert any("transform hash" in line for line in made("plan", "-v").lines)
    (step,) = [item for item in made.json("plan", "-v") if item["type"] == "planned-step"]
    assert step["mechanics"]


@pytest.mark.parametrize(
    ("lower", "upper", "text"),
    [
        (0.2, 0.9, ""),
        (0, 1, "0 to 1 s"),
        (11.6, 12, "about 12 s"),
        (3, 90, "3 to 90 s"),
        (0, 600, "0 to 10 min"),
        (7_000, 7_000, "about 117 min"),
        (7_000, 100_000, "1 to 28 h"),
    ],
)
def test_times_as_people_say_them(lower, upper, text):
    """Less than a second is not worth a word."""
    assert text == duration(lower, upper)


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


def test_people_are_planned_too(repo):
    """How many asks are new, and what a version would cost; no run waits for them."""
    repo.put("guess", {"s3://b/1": "cat", "s3://b/2": "dog"})
    task = '[task.kind]\ntype = "class(cat, dog)"\nof = "guess"\nask = "guess = \'cat\'"\n'
    Path("dsvc.toml").write_text(task)

    assert ["task  kind  new  2 sources to look at", "      people: 1 new ask, time unknown"] == repo("plan").lines[:2]
    assert ["task kind as version 2: 1 new ask, time unknown"] == repo("plan", "--as-version", "kind=2").lines
    [priced] = repo.json("plan", "--as-version", "kind=2")
    [planned] = [item for item in repo.json("plan") if item["type"] == "planned-task"]
    assert planned | {"type": "priced-task", "version": "2"} == priced
    assert [1] == [item["new"] for item in repo.json("plan") if item["type"] == "planned-task"]
    assert [priced] == repo.json("plan", "--as-version", "kind@2") == repo.json("plan", "--as-version", "2")
    assert "TASK=VERSION" in repo("plan", "--as-version", "kind", expect=2).err
    Path("dsvc.toml").write_text(task + '[task.other]\ntype = "rating(5)"\n')
    assert "3 new asks of people in all" == repo("plan").lines[-1]
    Path("dsvc.toml").write_text(task)
    repo("run")
    assert "  kind  1 source people are asked about" in repo("status").lines
    assert "  people      final, round 0" in repo("blame", "kind", "s3://b/2", "--rev", "@draft").lines
