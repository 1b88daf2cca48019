"""`dsvc status`."""

from pathlib import Path

from tests.commands.test_plan import edit


def test_status_of_a_new_repository_says_what_to_do(repo):
    """No commit, nothing in the draft, and the first thing to type."""
    result = repo("status")

    assert "On branch main, without a commit" == result.lines[0]
    assert "dsvc ingest" in result.err


def test_status_shows_the_draft_and_how_to_commit(scores):
    """What was put is listed against HEAD, with counts."""
    scores.put("spoof_score", {"s3://f/9": 0.9})
    result = scores("status")

    assert "  ~  signal  spoof_score  3 -> 4 records  values changed" in result.lines
    assert "dsvc commit" in result.err


def test_status_shows_edited_recipe_files(scores, tmp_path):
    """An edit of dsvc.toml is part of what a commit would keep."""
    (tmp_path / "dsvc.toml").write_text("")

    assert "  ~  dsvc.toml" in scores("status").lines


def test_status_of_nothing_to_do(scores):
    """Clean is said, and where new documents come from."""
    result = scores("status")

    assert "Nothing to commit" in result.lines
    assert "Hint: `dsvc ingest` looks for new documents\n" == result.err


def test_a_limit_needs_a_list(made):
    """It is of the sources that wait."""
    assert "--waiting" in made("status", "--limit", "3", expect=2).err
    assert 1 == len(made("status", "--waiting", "--limit", "9" * 20).lines)


def test_status_for_programs(scores):
    """One object of the whole, then one of each thing that differs."""
    scores.put("spoof_score", {"s3://f/9": 0.9})
    whole, *rest = scores.json("status")

    assert {"type", "branch", "head", "root", "is_clean", "has_new_state"} <= set(whole)
    assert (False, "main") == (whole["is_clean"], whole["branch"])
    assert [{"type": "signal-change", "name": "spoof_score", "op": "~", "before": 3, "after": 4}] == rest


def test_status_counts_the_rows_of_a_draft(made):
    """What a dataset selects is known once it was made, before it is committed and after."""
    assert "  +  dataset  good     0 -> 1 rows     new" in made("status").lines
    made("commit", "-m", "first")
    edit("quality >= 3", "quality >= 1")
    made("run")

    assert any("1 -> 2 rows" in line for line in made("status").lines)


def test_status_says_what_is_stale_and_why(made):
    """Changed inputs; what the recipe names and nothing has made; what it names no more."""
    Path("documents/b.jsonl").write_text('{"uri": "s3://f/1", "class": 5, "version": "1.1"}\n')
    made("ingest")
    edit("[dataset.good]", '[step.best]\nsql = "SELECT quality = 5 AS best"\n[dataset.better]')
    edit('where   = "is_good"', 'where   = "best"')
    lines = made("status").lines

    assert [
        "  signal   is_good  changed: quality",
        "  dataset  good     no longer in the recipe",
        "  signal   best     in the recipe, not made yet",
        "  dataset  better   in the recipe, not made yet",
    ] == lines[lines.index("Stale:") + 1 :][:4]
    assert ["changed", "gone", "new", "new"] == [item["why"] for item in made.json("status") if item["type"] == "stale"]


def test_status_says_who_waits_and_what_to_do(made):
    """Failed and held ones are told apart, each with the next thing to type."""
    result = made("status")
    assert "  quality  1 source held back, or of older content" in result.lines
    assert "`accept`" in result.err

    Path("steps.py").write_text("def f(quality) -> int:\n    raise ValueError('no')\n")
    edit("[dataset.good]", '[step.f]\npython = "steps:f"\ninputs = ["quality"]\n[dataset.good]')
    made("run", expect=3)
    result = made("status")

    assert "  f        2 sources failed" in result.lines
    assert "--retry-failed" in result.err
    assert [("f", 2, "failed"), ("quality", 1, "held")] == sorted(
        (item["signal"], item["sources"], item["why"]) for item in made.json("status") if item["type"] == "waiting"
    )


def test_status_survives_a_broken_recipe(made):
    """What is wrong with it is for `plan` to say."""
    Path("dsvc.toml").write_text("[step\n")

    assert "  ~  dsvc.toml" in made("status").lines or "Recipe files edited:" in made("status").out


def test_nothing_is_stale_before_anything_was_taken_in(faces):
    """The first thing to type is an ingest."""
    result = faces("status")

    assert "Stale:" not in result.lines
    assert "dsvc ingest" in result.err or "dsvc plan" in result.err
