"""The story names files, edits and sources that are there."""

from dsvc.demo.directory import RECIPE_FILES
from dsvc.demo.story import CHANGED, LEFT, NEXT, STORY, UNCHANGED, Arrive, Edit, Type
from tests.demo.documents import DATA, read_documents

RECIPE = DATA.parent / "recipe"


def test_files_that_arrive_are_all_that_is_shipped():
    """Every shipped file of documents arrives once."""
    arriving = sorted(event.name for event in STORY if isinstance(event, Arrive))

    assert sorted(str(path.relative_to(DATA)) for path in DATA.rglob("*.gz")) == arriving


def test_edits_find_their_text():
    """What the story edits stands exactly once in the recipe's file."""
    edits = [event for event in STORY if isinstance(event, Edit)]

    assert edits
    assert all((RECIPE / edit.path).read_text().count(edit.before) == 1 for edit in edits)


def test_recipe_files_are_those_that_are_copied():
    """Every file of the recipe is among those the demo writes."""
    assert set(RECIPE_FILES) == {path.name for path in RECIPE.iterdir() if path.is_file()}


def test_blamed_sources_are_one_changed_and_one_unchanged():
    """The two sources it blames are one whose output differs between the model's versions and one whose does not."""
    march, april = read_documents("portraits/2026-03.jsonl.gz"), read_documents("portraits/2026-04.jsonl.gz")

    assert march[CHANGED]["models"]["gender"]["output"] != april[CHANGED]["models"]["gender"]["output"]
    assert march[UNCHANGED]["models"]["gender"]["output"] == april[UNCHANGED]["models"]["gender"]["output"]


def test_explained_source_is_a_crowd_by_one_threshold_alone():
    """It has enough faces at the first threshold, and too few at the second."""
    boxes = read_documents("scenes/2026-03.jsonl.gz")[LEFT]["models"]["face_detector"]["output"]
    scores = [box[-1] for box in boxes]

    assert sum(score >= 0.8 for score in scores) < 20 <= sum(score >= 0.5 for score in scores)


def test_story_shows_the_main_job_and_ends_with_three_commands():
    """From ingest to checkout and reproduce all is typed, and three commands are left to type."""
    typed = [event.words[0] for event in STORY if isinstance(event, Type)]

    assert {"ingest", "plan", "run", "commit", "status", "log", "tag", "diff", "blame", "checkout"} <= set(typed)
    assert {"dataset", "reproduce"} <= set(typed)
    assert 3 == len(NEXT)
