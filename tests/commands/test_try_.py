"""`dsvc try`."""

from pathlib import Path

from dsvc.cli import main
from tests.commands.test_plan import edit


def test_try_shows_inputs_and_results(faces):
    """Of the first records that would run; one that is there already says whether it differs."""
    faces("ingest")
    result = faces("try", "is_good")

    assert [
        "source    quality  is_good",
        "s3://f/1  4        true     new",
        "s3://f/2  2        false    new",
    ] == result.lines
    assert "nothing was stored" in result.err


def test_try_shows_what_differs(made):
    """Beside the value that the draft holds."""
    edit("quality >= 3", "quality >= 2")

    assert ["s3://f/2  2        true     differs, was false"] == made("try", "is_good", "s3://f/2").lines[1:]


def test_try_stores_nothing(faces):
    """The store's file stays byte for byte as it is."""
    faces("ingest")
    before = {path: path.read_bytes() for path in sorted(Path(".dsvc").rglob("*.mdb")) if path.name == "data.mdb"}
    faces("try", "is_good")

    assert before
    assert before == {path: path.read_bytes() for path in before}
    assert "is_good" not in [item["name"] for item in faces.json("status") if item["type"] == "signal-change"]


def test_try_by_condition_and_limit(made):
    """SQL over signals of the draft."""
    assert ["s3://f/2"] == [line.split()[0] for line in made("try", "is_good", "--where", "quality < 3").lines[1:]]
    assert 2 == len(made("try", "is_good", "--limit", "1").lines)
    assert ["No source to try"] == made("try", "is_good", "--where", "quality > 5").lines


def test_try_of_a_step_that_fails(faces):
    """The error stands beside the inputs, and the exit status says so."""
    faces("ingest")
    Path("steps.py").write_text("def f(quality) -> int:\n    raise ValueError('no')\n")
    edit("[dataset.good]", '[step.f]\npython = "steps:f"\ninputs = ["quality"]\n[dataset.good]')
    result = faces("try", "f", "-n1", expect=3)

    assert ["s3://f/1  4        -  failed: ValueError: no"] == result.lines[1:]


def test_try_says_what_was_made_before(made):
    """A stale step before it is made in memory, and named."""
    edit("[dataset.good]", '[step.best]\nsql = "SELECT is_good AND quality = 5 AS best"\n[dataset.good]')
    edit("quality >= 3", "quality >= 4")
    result = made("try", "best")

    assert "Made in memory for these sources, since stale: is_good" in result.err


def test_try_for_programs(faces):
    """One object of the whole, then one a record."""
    faces("ingest")
    whole, first, _ = faces.json("try", "is_good")

    assert {"type": "trial", "step": "is_good", "made": [], "stale": []} == whole
    assert {
        "type": "tried-record",
        "source": "s3://f/1",
        "verdict": "new",
        "inputs": {"quality": 4},
        "value": True,
        "error": None,
        "present": None,
        "has_present": False,
        "group": None,
        "asks": "",
    } == first


def test_try_refuses_what_is_not_there(made):
    """A step or a source, with the nearest."""
    assert "did you mean 'is_good'?" in made("try", "is_god", expect=1).err
    assert "the nearest: s3://f/" in made("try", "is_good", "s3://f/9", expect=1).err


def test_try_of_groups_numbers_them(made):
    """Sources of one number were one call."""
    Path("steps.py").write_text("def best(quality) -> list[bool]:\n    return [q == max(quality) for q in quality]\n")
    edit(
        "[dataset.good]",
        '[step.best]\npython = "steps:best"\ninputs = ["quality"]\ngroup = "is_good"\n[dataset.good]',
    )
    header, *lines = made("try", "best").lines

    assert ["source", "group", "quality", "is_good", "best"] == header.split()
    assert 2 == len(lines)


def test_the_steps_of_the_recipe_are_completed(faces, monkeypatch, capsys):
    """Before any of them has run."""
    monkeypatch.setenv("_DSVC_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "dsvc try is")
    monkeypatch.setenv("COMP_CWORD", "2")

    main([])

    assert "is_good" in capsys.readouterr().out


def test_try_names_the_next_command_where_there_is_one(made):
    """What is current needs no run; what was made in memory before it is to be made too."""
    assert "Hint: nothing was stored\n" == made("try", "is_good").err
    Path("dsvc.toml").write_text(Path("dsvc.toml").read_text().replace("quality >= 3", "quality >= 1"))
    assert "Hint: nothing was stored; `dsvc run is_good` makes it\n" == made("try", "is_good").err


def test_try_of_a_task_says_what_would_be_asked(faces):
    """Of each source what is judged, what it comes to as things stand, and what people would be asked."""
    faces("ingest")
    edit("[dataset.good]", '[task.mark]\ntype = "rating(5)"\nof = "quality"\nask = "quality < 3"\n[dataset.good]')
    result = faces("try", "mark")

    assert ["source    quality  mark", "s3://f/1  4        4     final"] == result.lines[:2]
    assert ["s3://f/2  2        null  asked, adjust, round 0, 1 more"] == [
        line for line in result.lines if line.startswith("s3://f/2")
    ]
    assert "dsvc annotate sync --dry-run" in result.err
    assert not Path("annotation").exists()
    assert ["asked"] == [
        row["verdict"] for row in faces.json("try", "mark", "s3://f/2") if row["type"] == "tried-record"
    ]
    assert "source by source" in faces("try", "mark", "--where", "quality > 2", expect=1).err
