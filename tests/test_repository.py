"""The repository as users meet it: versions and the recipe together."""

import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dsvc
from dsvc.errors import (
    CheckoutError,
    DatasetNotFoundError,
    NotARepositoryError,
    NothingToCommitError,
    PluginNotFoundError,
    RecipeError,
    SignalOwnedError,
    StaleDraftError,
    UserError,
)

RECIPE = """
[feed.images]
plugin = "files"
path = "images.jsonl"
pointer = "uri"

[signal.quality]
from = "images"
value = "quality"

[step.doubled]
sql = "SELECT quality * 2 AS doubled"

[dataset.good]
where = "quality >= 3"
columns = { q = "quality", d = "doubled" }
"""


@pytest.fixture
def repo(tmp_path):
    """A repository with a recipe and documents."""
    with dsvc.init(tmp_path / "faces", author="ann") as repo:
        write_documents(repo, {"a": 1, "b": 3, "c": 5})
        (repo.path / "dsvc.toml").write_text(RECIPE)
        yield repo


def write_documents(repo, qualities):
    """Write the feed's documents: the quality of each image."""
    lines = [json.dumps({"uri": f"s3://{name}", "quality": quality}) for name, quality in qualities.items()]
    (repo.path / "images.jsonl").write_text("\n".join(lines))


@pytest.fixture
def committed(repo):
    """The same, ingested, run and committed."""
    repo.ingest()
    repo.run()
    repo.commit("one")
    return repo


def test_documents_become_datasets(committed):
    """Ingest, run, commit: records, derived records, and the dataset of a commit."""
    assert {"source": ["s3://b", "s3://c"], "d": [6, 10], "q": [3, 5]} == committed.read(dataset="good").to_pydict()
    assert [2, 6, 10] == committed.read(signals=["doubled"])["doubled"].to_pylist()
    assert {"rows/good": "2"} == committed.log()[0].notes
    assert committed.plan().is_current
    assert committed.status().is_clean


def test_a_stale_draft_is_not_committed(committed):
    """After new documents, a commit asks for a run first; `as_is` marks it."""
    write_documents(committed, {"a": 4, "b": 3, "c": 5})
    committed.ingest()
    with pytest.raises(StaleDraftError, match="doubled"):
        committed.commit("too early")
    committed.run()
    assert not committed.commit("after the run").is_as_is
    assert 3 == committed.read(dataset="good").num_rows


def test_an_edited_recipe_makes_the_draft_stale(committed):
    """Another threshold is a change that must run before it is committed, or be committed as it is."""
    (committed.path / "dsvc.toml").write_text(RECIPE.replace("quality >= 3", "quality >= 4"))
    with pytest.raises(StaleDraftError, match="good"):
        committed.commit("too early")
    assert committed.commit("as it is", as_is=True).is_as_is
    committed.run()
    assert {"rows/good": "1"} == committed.commit("run").notes


def test_a_broken_recipe_stops_a_commit_unless_asked(committed):
    """Where a recipe cannot be read as one, nobody can say what is stale."""
    (committed.path / "dsvc.toml").write_text(RECIPE.replace("plugin =", "plugn ="))
    with pytest.raises(RecipeError, match=r"dsvc\.toml"):
        committed.commit("broken")
    assert committed.commit("broken", as_is=True).is_as_is


def test_the_recipes_signals_are_not_put_by_hand(repo):
    """What a table of the recipe makes is refused, before anything was ingested too."""
    for name, owner in (("quality", "signal.quality"), ("doubled", "step.doubled")):
        with pytest.raises(SignalOwnedError, match=owner):
            repo.put(name, {"source": ["s3://a"], name: [1]}, producer="m@1")


def test_signals_of_a_recipe_can_be_put_one_after_another(repo):
    """A recipe that names signals which are not there yet stops no put."""
    (repo.path / "dsvc.toml").write_text('[dataset.both]\nwhere = "one > 0 AND two > 0"\ncolumns = { one = "one" }\n')
    for name in ("one", "two"):
        repo.put(name, {"source": ["s3://a"], name: [1]}, producer="m@1")
    repo.run()
    repo.commit("both")
    assert [1] == repo.read(dataset="both")["one"].to_pylist()


def test_recipes_travel_with_commits(committed):
    """A commit keeps the recipe's files, those of its Python steps too, and a checkout of it brings them back."""
    recipe = committed.path / "dsvc.toml"
    recipe.write_text(RECIPE + '[step.tripled]\npython = "steps:triple"\ninputs = ["quality"]\ntype = "int64"\n')
    (committed.path / "steps.py").write_text("def triple(quality):\n    return 3 * quality\n")
    committed.run()
    committed.commit("two")
    assert {"dsvc.toml", "steps.py"} == set(committed.view().recipe_files())
    committed.checkout("HEAD~1")
    assert RECIPE == recipe.read_text()
    assert not (committed.path / "steps.py").exists()
    committed.checkout("main")
    assert (committed.path / "steps.py").exists()


def test_datasets_are_checked_out(committed, tmp_path):
    """A dataset at a version as files; a tag of it says which; without one, `global`."""
    committed.tag("good@v1")
    done = committed.checkout("good@v1", to=tmp_path / "out")
    assert ("good", 2, "parquet") == (done.dataset, done.rows, done.format)
    (file,) = (tmp_path / "out").glob("*.parquet")
    assert committed.read(dataset="good").equals(pq.read_table(file))
    done = committed.checkout("main", to=tmp_path / "all", format="csv")
    assert ("global", 3) == (done.dataset, done.rows)
    told = []
    committed.checkout("main", "good", to=tmp_path / "out", progress=lambda *call: told.append(call))
    assert [("good", 3, 3)] == told


def test_what_cannot_be_checked_out(committed, tmp_path):
    """A missing directory, dataset or format is named; files of others stop it."""
    with pytest.raises(UserError, match="where") as caught:
        committed.checkout("main", "good")
    assert "--to" in caught.value.hint
    with pytest.raises(DatasetNotFoundError):
        committed.checkout("main", "god", to=tmp_path / "out")
    with pytest.raises(PluginNotFoundError, match="xlsx"):
        committed.checkout("main", to=tmp_path / "out", format="xlsx")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CheckoutError):
        committed.checkout("main", to=tmp_path / "file")


def test_signals_of_a_datasets_sources(committed):
    """With both, the rows are the dataset's and the columns the signals asked for; batches give the same."""
    table = committed.read("HEAD", ["quality"], "good")
    assert {"source": ["s3://b", "s3://c"], "quality": [3, 5]} == table.to_pydict()
    batches = committed.iter_read("HEAD", ["quality"], dataset="good", start="s3://c")
    assert [["s3://c"]] == [batch["source"].to_pylist() for batch in batches]
    assert 3 == committed.read(dataset="global").num_rows


def test_a_run_with_nothing_new_commits_nothing(committed):
    """The cron line: ingest, run, and a commit only where there is something to commit."""
    committed.ingest()
    assert committed.run().did_nothing
    with pytest.raises(NothingToCommitError):
        committed.commit("nightly")


def test_equal_roots_whatever_the_way(committed, tmp_path):
    """A repository that got the same documents in other steps has the same root."""
    with dsvc.init(tmp_path / "other") as other:
        (other.path / "dsvc.toml").write_text(RECIPE.replace(">= 3", ">= 1"))
        write_documents(other, {"c": 9})
        other.ingest()
        other.run()
        (other.path / "dsvc.toml").write_text(RECIPE)
        write_documents(other, {"c": 5, "b": 3, "a": 1})
        other.ingest()
        other.run()
        assert committed.log()[0].root == other.commit("one").root


def test_blame_reaches_through_steps(committed):
    """A derived record names the step that made it and the record it was made from."""
    found = committed.blame("doubled", "s3://b")
    assert ("step", "sql") == (found.provenance.origin, found.provenance.producer)
    (used,) = found.inputs
    assert ("quality", 3, "one") == (used.path, used.record.value.as_py(), used.record.commit.message)


def test_the_package_opens_repositories(tmp_path, monkeypatch):
    """`dsvc.open` finds the repository of the working directory, and says where there is none."""
    with pytest.raises(NotARepositoryError):
        dsvc.open(tmp_path)
    with dsvc.init(tmp_path / "faces") as made:
        (made.path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "faces" / "below")
    with dsvc.open() as repo:
        assert isinstance(repo, dsvc.Repository)
        assert (tmp_path / "faces").resolve() == repo.path


def test_what_the_package_offers():
    """Names are sorted, load on first use, and no others are there."""
    assert sorted(dsvc.__all__) == dsvc.__all__ == dir(dsvc)
    assert all(getattr(dsvc, name) is not None for name in dsvc.__all__)
    with pytest.raises(AttributeError, match="nope"):
        dsvc.nope  # noqa: B018  -- it is the access that fails


def test_looking_around_loads_nothing_heavy(committed):
    """Status, log, show, branches and tags need neither Arrow nor an SQL engine nor plugins."""
    committed.tag("v1")
    script = (
        "import sys, dsvc\n"
        "repo = dsvc.open(sys.argv[1])\n"
        "repo.status(), repo.log(), repo.show(), repo.branches(), repo.tags(), list(repo.operations())\n"
        "repo.branch('exp'), repo.tag('v2')\n"
        "print({'pyarrow', 'numpy', 'duckdb', 'pymongo', 'pluggy', 'rich', 'click'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(committed.path)], capture_output=True, text=True, check=True
    )
    assert "set()\n" == done.stdout


def test_put_takes_what_pyarrow_makes(tmp_path):
    """The ten lines of the front page work without any recipe."""
    with dsvc.init(tmp_path) as repo:
        repo.put("spoof_score", pa.table({"source": ["s3://a"], "spoof_score": [0.5]}), producer="spoof@2.1.0")
        made = repo.commit("message")
        assert (64, 64) == (len(made.id), len(made.root))
        assert {"source": ["s3://a"], "spoof_score": [0.5]} == repo.read("HEAD").to_pydict()


def test_a_tagged_dataset_is_read_by_its_tag(committed):
    """As it is checked out: its own rows and columns, unless signals are named."""
    committed.tag("good@v1")

    expected = ["source", "d", "q"]
    assert expected == committed.read("good@v1").column_names
    assert expected == next(committed.iter_read("good@v1")).schema.names
    assert ["source", "quality"] == committed.read("good@v1", ["quality"]).column_names
    assert 3 == committed.read("good@v1", dataset="global").num_rows
    assert 3 == committed.read("HEAD").num_rows


def test_a_source_has_a_story_before_a_run(committed):
    """Each record of it, and each dataset."""
    write_documents(committed, {"a": 1, "b": 4, "c": 5})
    committed.ingest()

    story = committed.explain("s3://b")

    assert [("doubled", "make", "changed quality")] == [(step.name, step.verdict, step.why) for step in story.steps]
    assert [("good", True)] == [(data.name, data.is_selected) for data in story.datasets]


def test_a_step_is_tried_before_a_run(committed):
    """With the recipe as it stands, on sources named or found."""
    (committed.path / "dsvc.toml").write_text(RECIPE.replace("quality * 2", "quality * 3"))

    trial = committed.try_step("doubled", where="quality >= 3", limit=1)

    assert [("s3://b", 9, 6)] == [(row.source, row.value, row.present) for row in trial.rows]
    assert [2, 6, 10] == committed.read("@draft", ["doubled"])["doubled"].to_pylist()
