"""`dsvc run`."""

from pathlib import Path

import dsvc

FAILING = """
[step.inverse]
python = "steps:inverse"
inputs = ["quality"]
"""


def test_run_tells_what_was_made(faces):
    """Records made per step, sources looked at per dataset."""
    faces("ingest")

    assert [
        "step     is_good  2 records made",
        "dataset  good     3 sources looked at, 3 changed",
    ] == faces("run").lines
    assert ["Everything is current"] == faces("run").lines


def test_run_of_named_steps_alone(faces):
    """The others stay as they are."""
    faces("ingest")

    assert ["ran-step"] == [item["type"] for item in faces.json("run", "is_good") if item["status"] != "unchanged"]
    assert [("dataset", "good")] == [
        ("dataset", item["name"]) for item in faces.json("run") if item["type"] == "ran-dataset"
    ]


def test_unknown_name_is_refused_with_the_nearest(faces):
    """A misspelt step is not silently everything that is current."""
    assert "'is_good'" in faces("run", "is_godo", expect=1).err
    assert "is_good, good" in faces("run", "zzz", expect=1).err


def test_failed_records_are_counted_and_end_with_their_status(faces):
    """The rest is made; `status --waiting` says which failed and why."""
    Path("steps.py").write_text("def inverse(quality) -> float:\n    return 1 / (quality - 4)\n")
    with Path("dsvc.toml").open("a") as recipe:
        recipe.write(FAILING)
    faces("ingest")
    result = faces("run", expect=3)

    assert "step     inverse  1 record made, 1 failed" in result.lines
    assert "Hint: `dsvc status --waiting` says what failed" in result.err.splitlines()
    assert any("ZeroDivisionError" in line and "s3://f/1" in line for line in faces("status", "--waiting").lines)
    assert [("waiting-source", "inverse", "failed"), ("waiting-source", "quality", "held")] == [
        (item["type"], item["signal"], item["reason"]) for item in faces.json("status", "--waiting")
    ]


def test_cron_line_ingests_runs_and_commits(faces):
    """One command for a nightly run; a second one finds nothing new, and that is no error."""
    first = faces("run", "--ingest", "-m", "nightly")
    second = faces("run", "--ingest", "-m", "nightly")

    assert "In all: 3 sources, all new" in first.lines
    assert any(line.endswith("nightly") for line in first.lines)
    assert "Nothing new to commit" in second.err
    assert 1 == len(faces.json("log"))


def test_step_that_is_gone_takes_its_records_along(made):
    """A step that is no longer in the recipe loses its signal."""
    recipe = Path("dsvc.toml")
    recipe.write_text(recipe.read_text().split("[step.is_good]")[0])

    lines = made("run").lines

    assert "step     is_good  gone with 2 records" in lines


def test_run_for_programs(faces):
    """Counts of each step, counted by the calls of its transform."""
    faces("ingest")
    step, dataset = faces.json("run")

    assert {"name", "status", "records", "ran", "reused", "cut_off", "removed", "failed", "waiting"} <= set(step)
    assert ("ran-step", 2, 2) == (step["type"], step["ran"], step["records"])
    assert ("ran-dataset", 3) == (dataset["type"], dataset["changed"])


def test_names_may_pull_in_what_they_need_and_what_follows(faces):
    """Said as an option or not; flags without names are refused."""
    faces("ingest")

    assert ["good"] == [item["name"] for item in faces.json("run", "--only", "good")]
    assert ["is_good", "good"] == [item["name"] for item in faces.json("run", "good", "--upstream")]
    assert ["is_good", "good"] == [item["name"] for item in faces.json("run", "--only", "is_good", "--downstream")]
    assert "nothing is named" in faces("run", "--upstream", expect=1).err


def test_a_dry_run_is_the_plan(faces):
    """Of what is named; nothing is written, and what would change something is refused beside it."""
    faces("ingest")
    planned = faces("run", "--dry-run").lines

    assert faces("plan").lines == planned
    assert ["good"] == [item["name"] for item in faces.json("run", "-n", "good")[1:]]
    assert "--dry-run changes nothing" in faces("run", "-n", "-m", "now", expect=2).err
    assert planned == faces("run", "--dry-run").lines


def test_a_limit_smaller_than_a_group_says_so(faces):
    """To type the same again would do nothing."""
    recipe = Path("dsvc.toml")
    recipe.write_text(
        f'{recipe.read_text()}\n[step.place]\npython = "ranks:place"\ninputs = ["quality"]\nglobal = true\n'
    )
    Path("ranks.py").write_text("def place(quality) -> list[int]:\n    return [*range(len(quality))]\n")
    faces("ingest")
    stopped = faces("run", "--only", "place", "--limit", "1")

    assert "place makes whole groups, and the next one is larger than the limit" in stopped.err


def test_a_limit_stops_and_commits_nothing(faces):
    """The next run goes on; the exit status says that all went as asked."""
    faces("ingest")
    stopped = faces("run", "--limit", "1", "-m", "half")

    assert ["step  is_good  stopped after 1 record"] == stopped.lines
    assert "the limit was reached" in stopped.err
    assert "no commit yet" in faces("log", expect=1).err
    assert [1] == [item["ran"] for item in faces.json("run") if item["type"] == "ran-step"]


def test_a_second_run_leaves_if_it_is_not_to_wait(faces):
    """With a status of its own, so that a cron job can tell."""
    faces("ingest")
    with dsvc.open() as repo, repo.running("dsvc run --ingest"):
        refused = faces("run", "--no-wait", expect=17)

    assert "is at work here: dsvc run --ingest" in refused.err
    assert faces("run", "--no-wait").lines


def test_workers_and_executor_are_options(faces):
    """An unknown executor is refused with those there are."""
    faces("ingest")

    assert "no plugin offers the executor 'nobody'" in faces("run", "--executor", "nobody", expect=16).err
    assert faces("run", "--executor", "local", "--workers", "2").lines
