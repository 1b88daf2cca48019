"""`dsvc demo`: every number it prints is that of the raw documents, and what it leaves behind works on."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import dsvc
from dsvc.cli import main
from dsvc.demo.directory import add_documents, edit_file, write_recipe
from dsvc.demo.story import NEXT, STORY, Arrive, Type
from tests.demo.documents import Counts, count_all

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def counts() -> Counts:
    """What must be printed."""
    return count_all()


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> tuple[Path, list[str], dict[str, str]]:
    """The demo, run once: its directory, the command lines it printed, and what each printed after `$ `."""
    directory = tmp_path_factory.mktemp("demo") / "dsvc-demo"
    command = [sys.executable, "-m", "dsvc", "demo", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    blocks = re.split(r"^\$ ", done.stdout, flags=re.MULTILINE)[1:]
    lines = [block.partition("\n")[0] for block in blocks]
    return directory, lines, {str(i): block.partition("\n")[2] for i, block in enumerate(blocks)}


def output_of(told, start: str, nth: int = 0) -> str:
    """Return what the n-th command that starts so printed, with runs of spaces made one."""
    _, lines, outputs = told
    places = [i for i, line in enumerate(lines) if line.startswith(start)]
    return re.sub(" +", " ", outputs[str(places[nth])])


def test_every_command_is_printed_before_its_output(told):
    """The command lines are those of the story, in its order, after `init` and `cd`."""
    _, lines, _ = told
    typed = [event.words for event in STORY if isinstance(event, Type)]

    assert ["dsvc init", "cd"] == [" ".join(line.split()[:-1]) for line in lines[:2]]
    assert [words[0] for words in typed] == [line.split()[1] for line in lines[2:]]


def test_all_documents_are_taken_in(told, counts):
    """The first ingest has every source, the second the changed outputs of the new model alone."""
    first, second = output_of(told, "dsvc ingest"), output_of(told, "dsvc ingest", 1)

    assert f"feed portraits: {counts.portraits:,} documents" in first
    assert f"feed scenes: {counts.scenes:,} documents" in first
    assert f"{counts.portraits + counts.scenes:,} sources" in first
    assert f"gender class(Female, Male) {counts.portraits:,} records ~{counts.gender_changed:,}\n" in second


def test_plan_after_the_new_model_names_what_depends_on_it(told, counts):
    """Exactly the changed outputs are to be judged again, and nothing of the detector's side."""
    plan = output_of(told, "dsvc plan", 1)

    assert f"step gender_wrong stale {counts.gender_changed:,} records to make\n changed gender (version 1.0" in plan
    assert f"step child_misread stale 0 to {counts.gender_changed:,} records" in plan
    assert "step face_count current" in plan
    assert "step widest_face current" in plan


def test_run_after_the_new_model_makes_exactly_that(told, counts):
    """What was planned is made, and of the second step what comes out as before is said."""
    run = output_of(told, "dsvc run", 1)
    as_before = counts.gender_changed - counts.child_misread_changed

    assert f"step gender_wrong {counts.gender_changed:,} records made" in run
    assert f"step child_misread {counts.gender_changed:,} records made, {as_before:,} came out as before" in run
    assert "step face_count current" in run


def test_edited_threshold_is_the_reason_for_one_step(told, counts):
    """The plan names the parameter with both values, and all scenes of that one step."""
    plan = output_of(told, "dsvc plan", 2)

    assert f"step face_count stale {counts.scenes:,} records to make" in plan
    assert "parameters.min_score 0.5 -> 0.8" in plan
    assert "step gender_wrong current" in plan
    assert f"{counts.scenes:,} records to make in all" in plan


def test_commits_say_rows_before_and_after(told, counts):
    """Each commit gives the rows of every dataset that it changes."""
    first, second, third = (output_of(told, "dsvc commit", nth) for nth in range(3))

    for name, rows in (
        ("hard_portraits", counts.hard_before),
        ("detector", counts.detector_before),
        ("crowds", counts.crowds_before),
    ):
        assert f"dataset {name} 0 -> {rows:,} rows" in first
    assert f"dataset hard_portraits {counts.hard_before:,} -> {counts.hard_after:,} rows" in second
    assert "detector" not in second
    assert f"dataset detector {counts.detector_before:,} -> {counts.detector_after:,} rows" in third
    assert f"dataset crowds {counts.crowds_before:,} -> {counts.crowds_after:,} rows" in third
    assert "hard_portraits" not in third


def test_diff_counts_every_changed_record(told, counts):
    """`diff --stat` between the two tags has the counts of the raw documents."""
    stat = output_of(told, "dsvc diff v1 v2 --stat")

    for name, changed in (
        ("gender", counts.gender_changed),
        ("gender_wrong", counts.gender_changed),
        ("child_misread", counts.child_misread_changed),
        ("face_count", counts.face_count_changed),
    ):
        assert re.search(rf"^signal {name} .*~{changed:,}( |$)", stat, re.MULTILINE)
    assert "face_detection" not in stat
    assert f"detector {counts.detector_before:,} -> {counts.detector_after:,} rows" in stat


def test_funnel_names_the_term_that_let_sources_go(told, counts):
    """`dataset show` between the two tags has one cause, with the sources that are no crowd any more."""
    funnel = output_of(told, "dsvc dataset show")
    gone = counts.crowds_before - counts.crowds_after

    assert f"dataset crowds {counts.crowds_before:,} -> {counts.crowds_after:,} sources\nleft {gone:,}\n" in funnel
    assert f" {gone:,} `face_count >= 20` is false\n" in funnel


def test_one_source_is_explained_by_the_edited_parameter(told):
    """`plan --explain` says what changed for it."""
    assert "step face_count is made again: changed transform: parameters.min_score 0.5 -> 0.8" in output_of(
        told, "dsvc plan --explain"
    )


def test_the_last_version_is_reproduced(told):
    """Every step and dataset comes out as it is stored."""
    made = output_of(told, "dsvc reproduce v2")

    assert 7 == made.count(" equal ")
    assert "Equal: root " in made


def test_blame_tells_a_changed_record_from_an_unchanged_one(told):
    """The changed record's value is from the commit of the new model, the unchanged one's from the first commit."""
    changed, unchanged = output_of(told, "dsvc blame"), output_of(told, "dsvc blame", 1)

    assert " gender model 2.0 (" in changed.splitlines()[1]
    assert " gender model 1.0, faces from 0.5 (" in unchanged.splitlines()[1]


def test_both_versions_are_checked_out(told, counts):
    """The files of both versions hold the rows that the commits said."""
    parquet = pytest.importorskip("pyarrow.parquet")
    directory, _, _ = told

    for name, rows in (("v1", counts.detector_before), ("v2", counts.detector_after)):
        files = sorted((directory / "out" / name).glob("*.parquet"))
        assert rows == sum(parquet.read_metadata(path).num_rows for path in files)


def test_commands_to_type_next_work(told):
    """What the demo proposes runs in the directory that it leaves."""
    directory, _, _ = told

    for line in NEXT:
        assert 0 == main(["-C", str(directory), *line.split()[1:]])


def test_root_is_that_of_a_repository_made_in_another_order(told, tmp_path):
    """A repository that starts with the last recipe and all documents at once ends in the same root."""
    directory, _, _ = told
    with dsvc.init(tmp_path / "other") as other:
        write_recipe(other.path)
        edit_file(other.path / "dsvc.toml", "min_score = 0.5", "min_score = 0.8")
        for event in reversed([event for event in STORY if isinstance(event, Arrive)]):
            add_documents(other.path, event.name)
        other.ingest()
        other.run()
        root = other.commit("all at once").root

    with dsvc.open(directory) as repo:
        assert repo.log("v2")[0].root == root
        assert repo.log("v1")[0].root != root


COUNTING_STEPS = """
def _count(name):
    with open({directory!r} + "/" + name, "a") as calls:
        calls.write(".")


def face_count(face_detection, *, min_score) -> int:
    _count("face_count")
    return sum(box["score"] >= min_score for box in face_detection)


def gender_wrong(gender, told) -> bool:
    _count("gender_wrong")
    return gender != told
"""


def test_transforms_run_exactly_as_often_as_planned(tmp_path, counts):
    """Steps that count their own calls are called for each changed input and no other record."""

    def calls(name: str) -> int:
        path = tmp_path / name
        count = path.stat().st_size if path.exists() else 0
        path.unlink(missing_ok=True)
        return count

    with dsvc.init(tmp_path / "repo") as repo:
        write_recipe(repo.path)
        (repo.path / "steps.py").write_text(COUNTING_STEPS.format(directory=str(tmp_path)))
        sql = 'sql = "SELECT gender <> people.gender AS gender_wrong"'
        edit_file(repo.path / "dsvc.toml", sql, 'python = "steps:gender_wrong"\ninputs = ["gender", "people.gender"]')
        march, scenes, april = (event.name for event in STORY if isinstance(event, Arrive))
        for name in (march, scenes):
            add_documents(repo.path, name)
        repo.ingest()
        repo.run()
        assert (counts.scenes, counts.portraits) == (calls("face_count"), calls("gender_wrong"))

        add_documents(repo.path, april)
        repo.ingest()
        repo.run()
        assert (0, counts.gender_changed) == (calls("face_count"), calls("gender_wrong"))

        edit_file(repo.path / "dsvc.toml", "min_score = 0.5", "min_score = 0.8")
        repo.run()
        assert (counts.scenes, 0) == (calls("face_count"), calls("gender_wrong"))

        edit_file(repo.path / "dsvc.toml", "min_score = 0.8", "min_score = 0.5")
        repo.run()
        assert (0, 0) == (calls("face_count"), calls("gender_wrong")), "an earlier threshold is a look-up"


def test_directory_in_use_is_refused(tmp_path, capsys):
    """A directory that holds anything is refused, and nothing is written into it."""
    (tmp_path / "mine.txt").touch()

    assert 1 == main(["demo", str(tmp_path)])
    assert "is not empty" in capsys.readouterr().err
    assert ["mine.txt"] == [path.name for path in tmp_path.iterdir()]
