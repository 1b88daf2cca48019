import fcntl
import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dsvc.errors import CheckoutError, DatasetNotFoundError, SchemaError
from dsvc.export import checkout as checkout_module
from dsvc.export.checkout import check_out
from dsvc.export.dataset import read_dataset
from dsvc.export.jsonl import JsonlExporter
from dsvc.export.manifest import JOURNAL, MANIFEST, NEW_PREFIX, read_manifest
from dsvc.export.parquet import ParquetExporter
from dsvc.export.plugin import dsvc_exporters
from dsvc.objects.snapshot import Image
from dsvc.plugins.options import fill_options

N = 300_000


@pytest.fixture
def out(tmp_path):
    """Where files go."""
    return tmp_path / "out"


def check(repo, out, dataset="global", revision="@draft", name="parquet", **options):
    """Check a dataset out."""
    kind = dsvc_exporters()[name]
    progress = options.pop("progress", None)
    filled = fill_options(kind.options, options)
    return check_out(
        repo.view(revision), dataset, out, format_name=name, exporter=kind(filled), options=filled, progress=progress
    )


def read(out):
    """Return all rows of a directory of Parquet files, in the order of its manifest."""
    names = [entry.name for entry in read_manifest(out).files if entry.name]
    return pa.concat_tables([pq.read_table(out / name) for name in names])


def files(out):
    """Return the names of the files of a directory, with what tells whether they were written again."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in out.iterdir()}


@pytest.fixture
def many(repo):
    """A signal of many sources, in several parts."""
    sources = pa.array([f"s3://{i:07}" for i in range(N)])
    repo.put("quality", pa.table({"source": sources, "quality": np.arange(N) % 5}), producer="m@1")
    return repo


def test_a_checkout_holds_the_rows_of_the_dataset(faces, out):
    """The files and the manifest say what the dataset is, at which version."""
    commit = faces.commit("one")
    done = check(faces, out, "good", "HEAD")
    assert read(out).equals(read_dataset(faces.view(), "good"))
    manifest = json.loads((out / MANIFEST).read_text())
    assert (commit.id, commit.root, "good", "parquet", 3) == tuple(
        manifest[name] for name in ("commit", "root", "dataset", "format", "rows")
    )
    assert {"name": "q", "type": "int64", "expression": "quality"} in manifest["columns"]
    assert ["train", "test"] == manifest["splits"]
    (entry,) = manifest["files"]
    assert f"part-{entry['content'][:16]}.parquet" == entry["name"]
    assert (3, 1, 1, 0, 0) == (done.rows, done.n_files, done.n_written, done.n_kept, done.n_removed)
    assert {MANIFEST, entry["name"]} == set(files(out))


@pytest.mark.parametrize("name", ["parquet", "arrow", "jsonl", "csv"])
def test_every_format_is_written_in_parts(many, out, name):
    """Several files, each of about 130,000 sources, that together hold all rows."""
    done = check(many, out, name=name)
    manifest = read_manifest(out)
    assert 1 < done.n_files == len(manifest.files)
    assert N == done.rows == sum(entry.rows for entry in manifest.files)
    assert all(entry.name.endswith(f".{name}") for entry in manifest.files)


def test_a_second_checkout_writes_nothing(many, out):
    """The same version again leaves every file alone."""
    check(many, out)
    before = files(out)
    done = check(many, out)
    assert (0, len(before) - 1) == (done.n_written, done.n_kept)
    assert {name: told for name, told in before.items() if name != MANIFEST} == {
        name: told for name, told in files(out).items() if name != MANIFEST
    }


def test_only_files_whose_content_changed_are_written(many, out):
    """A near-by version costs the parts that differ; what they replace is taken away, and the way back is as short."""
    check(many, out)
    first = files(out)
    many.commit("one")
    many.put("quality", {"source": ["s3://0000005"], "quality": [99]}, producer="m@1")
    done = check(many, out)
    assert (1, len(first) - 2, 1) == (done.n_written, done.n_kept, done.n_removed)
    second = files(out)
    assert len(first) - 2 == len(first.items() & second.items() - {(MANIFEST, second[MANIFEST])})
    assert 99 == read(out)["quality"][5].as_py()
    check(many, out, revision="HEAD")
    assert set(first) == set(files(out))


def test_inputs_that_change_no_row_change_no_file(faces, out, put):
    """A source that is not selected, and a field that no column names, may change without a file being written."""
    check(faces, out, "good")
    before = files(out)
    put("quality", {"s3://a": 77})
    put("box", {"s3://d": {"x": 2.5, "label": "other"}}, arrow=pa.struct([("x", pa.float64()), ("label", pa.string())]))
    done = check(faces, out, "good")
    assert (0, 1) == (done.n_written, done.n_kept)
    assert {k: v for k, v in before.items() if k != MANIFEST}.items() <= files(out).items()


def test_files_of_others_are_never_touched(faces, out):
    """Whatever else lies in the directory stays as it is."""
    out.mkdir()
    for name in ("notes.txt", "part-mine.parquet", ".dsvc-mine", "part-0000000000000000.csv"):
        (out / name).write_text("mine")
    before = files(out)
    check(faces, out, "good")
    check(faces, out, "global")
    assert before.items() <= files(out).items()


def test_a_file_in_the_way_is_refused(faces, out, tmp_path):
    """A file of another at a name that is needed is an error, and it stays."""
    check(faces, tmp_path / "elsewhere", "good")
    (entry,) = read_manifest(tmp_path / "elsewhere").files
    out.mkdir()
    (out / entry.name).write_text("mine")
    with pytest.raises(CheckoutError, match="in the way"):
        check(faces, out, "good")
    assert "mine" == (out / entry.name).read_text()
    assert [entry.name] == list(files(out))


def test_a_manifest_cannot_make_us_remove_other_files(faces, out, tmp_path):
    """A manifest that lists a file elsewhere, or of another name, does not make it ours."""
    (tmp_path / "victim").write_text("mine")
    for place, name in enumerate(("../../victim", "victim")):
        directory = out / str(place)
        check(faces, directory, "good")
        (entry,) = read_manifest(directory).files
        text = (directory / MANIFEST).read_text()
        (directory / "victim").write_text("mine")
        (directory / MANIFEST).write_text(text.replace(entry.name, name))
        check(faces, directory, "global")
        assert (directory / "victim").exists()
    assert (tmp_path / "victim").exists()


def test_damaged_and_missing_files_are_written_again(faces, out):
    """A file of ours that was cut short or taken away is made again."""
    check(faces, out, "good")
    (entry,) = read_manifest(out).files
    (out / entry.name).write_bytes(b"short")
    assert 1 == check(faces, out, "good").n_written
    (out / entry.name).unlink()
    assert 1 == check(faces, out, "good").n_written
    assert 3 == read(out).num_rows


def test_another_format_or_option_replaces_the_files(faces, out):
    """The files of the old format go, and an option of the format counts."""
    check(faces, out, "good", compression="none")
    done = check(faces, out, "good", compression="gzip")
    assert (1, 0) == (done.n_written, done.n_removed)
    done = check(faces, out, "good", name="csv")
    assert (1, 1) == (done.n_written, done.n_removed)
    assert {".csv", ".json"} == {Path(name).suffix for name in files(out)}


def test_a_dataset_without_rows_is_one_file(repo, put, select, out):
    """It says which columns there are."""
    put("quality", {"s3://a": 1})
    select("none", {"s3://a": None}, {"q": "quality"})
    done = check(repo, out, "none")
    assert (0, 1) == (done.rows, done.n_files)
    assert ["source", "q"] == read(out).column_names


def test_parts_without_rows_have_no_file(many, out, select):
    """Only parts with a selected source are files."""
    sources = [f"s3://{i:07}" for i in range(N)]
    select("few", dict.fromkeys(sources, None) | {"s3://0000003": 0}, {"q": "quality"})
    done = check(many, out, "few")
    assert (1, 1) == (done.rows, done.n_files)
    assert 1 < len(read_manifest(out).files)
    assert 0 == check(many, out, "few").n_written


def test_progress_is_told_in_sources(many, out):
    """Every part adds its sources, up to all of them, written or not."""
    told = []
    for _ in range(2):
        told.clear()
        check(many, out, progress=lambda *call: told.append(call))
        assert ("global", N, N) == told[-1]
        assert sorted(told) == told
        assert len(told) > 1


def test_two_checkouts_into_one_directory(faces, out):
    """The second is refused while the first is at work."""
    out.mkdir()
    with (out / JOURNAL).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(CheckoutError, match="another checkout"):
            check(faces, out, "good")


def test_where_no_directory_can_be(faces, tmp_path):
    """A file in the directory's place, and a dataset that is not there, change nothing."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CheckoutError):
        check(faces, tmp_path / "file", "good")
    with pytest.raises(DatasetNotFoundError):
        check(faces, tmp_path / "new", "nope")
    assert not (tmp_path / "new").exists()


def test_a_checkout_that_fails_leaves_the_old_one_whole(faces, out, monkeypatch):
    """An exporter that fails in the middle does not disturb what is there, and leaves nothing behind."""
    check(faces, out, "good")
    before = files(out)

    def fail(self, batches, schema, path):
        path.write_bytes(b"half")
        raise SchemaError(message="no")

    monkeypatch.setattr(ParquetExporter, "write", fail)
    with pytest.raises(SchemaError):
        check(faces, out, "global")
    assert before == {name: told for name, told in files(out).items() if name != JOURNAL and NEW_PREFIX not in name}
    monkeypatch.undo()
    check(faces, out, "global")
    assert read(out).equals(read_dataset(faces.view("@draft"), "global"))
    assert set(files(out)) == {MANIFEST, *(entry.name for entry in read_manifest(out).files)}


def work_until_killed(path, out, slow):
    """Check `global` out again and again, slowly where asked."""
    from dsvc.repo.base import BaseRepository

    if slow:
        original = checkout_module.append_journal
        checkout_module.append_journal = lambda *args: (original(*args), time.sleep(0.02))
    with BaseRepository.open(path, clock=lambda: 0) as repo:
        while True:
            check(repo, out)


@pytest.mark.slow
def test_a_killed_checkout_goes_on_and_ends_like_any_other(many, out, tmp_path):
    """Killed at any moment, the old version stays readable, and the next checkout makes the new one whole."""
    rng = np.random.default_rng(0)
    context = multiprocessing.get_context("spawn")
    check(many, out)
    for attempt in range(2):
        old = read_manifest(out)
        many.put(
            "quality",
            {"source": [f"s3://{i:07}" for i in range(0, N, 50_000)], "quality": [attempt] * 6},
            producer="m@1",
        )
        process = context.Process(target=work_until_killed, args=(many.path, out, attempt % 2))
        process.start()
        deadline = time.monotonic() + 20
        while not (out / JOURNAL).exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(float(rng.random()) * 0.3)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        left = read_manifest(out)
        assert all((out / entry.name).exists() for entry in left.files)
        assert left.root in {old.root, many.view("@draft").root_id.hex()}
        check(many, out)
        check(many, tmp_path / f"fresh{attempt}")
        assert set(files(tmp_path / f"fresh{attempt}")) == set(files(out))
        assert read(out).equals(read(tmp_path / f"fresh{attempt}"))


class WholeExporter(JsonlExporter):
    """JSON lines, one file for each part of the split."""

    per_split = True


def check_whole(repo, out, dataset="good"):
    """Check a dataset out in a format that is read as a whole."""
    return check_out(repo.view("@draft"), dataset, out, format_name="whole", exporter=WholeExporter({}), options={})


def read_whole(out):
    """Return part of the split -> sources, from the manifest's files."""
    return {
        entry.split: [json.loads(line)["source"] for line in (out / entry.name).read_text().splitlines()]
        for entry in read_manifest(out).files
    }


def test_a_format_may_have_a_file_for_each_part_of_the_split(faces, out):
    """Its name and the manifest say which; the rows are those of the part, in order."""
    done = check_whole(faces, out)

    assert {"train": ["s3://b", "s3://d"], "test": ["s3://c"]} == read_whole(out)
    assert (3, 2, 2) == (done.rows, done.n_files, done.n_written)
    assert {"train.jsonl", "test.jsonl"} == {name.partition(".")[2] for name in files(out) if name.startswith("part-")}


def test_a_whole_is_written_again_only_where_its_rows_changed(faces, out, put):
    """The file of the other part stays, and nothing is evaluated where no input changed."""
    check_whole(faces, out)
    before = files(out)
    done = check_whole(faces, out)
    assert (0, 2, 0) == (done.n_written, done.n_kept, done.n_removed)
    put("quality", {"s3://c": 99})
    done = check_whole(faces, out)

    assert (1, 1, 1) == (done.n_written, done.n_kept, done.n_removed)
    kept = next(name for name in before if name.endswith(".train.jsonl"))
    assert before[kept] == files(out)[kept]
    assert not [name for name in files(out) if name.startswith(NEW_PREFIX)]


def test_a_part_of_the_split_without_rows_has_a_file(faces, out, select):
    """Who reads the format finds an empty set, not a missing one."""
    select("good", {"s3://a": 0}, {"q": "quality"}, ("train", "test"))
    check_whole(faces, out)

    assert {"train": ["s3://a"], "test": []} == read_whole(out)


def test_a_whole_of_many_parts_is_one_file(many, out):
    """However many sources there are."""
    done = check_whole(many, out, "global")

    assert (N, 1) == (done.rows, done.n_files)
    assert [f"s3://{i:07}" for i in range(N)] == read_whole(out)[None]


def test_a_file_of_others_is_not_replaced_by_a_whole(faces, out, tmp_path):
    """As one of a part is not."""
    check_whole(faces, tmp_path / "elsewhere")
    name = read_manifest(tmp_path / "elsewhere").files[0].name
    out.mkdir()
    (out / name).write_text("mine")
    with pytest.raises(CheckoutError, match="in the way"):
        check_whole(faces, out)

    assert "mine" == (out / name).read_text()


def test_a_manifest_says_nothing_of_splits_where_no_file_has_one(faces, out):
    """Manifests of other formats are as they were."""
    check(faces, out, "good")

    assert all("split" not in entry for entry in json.loads((out / MANIFEST).read_text())["files"])


BOXES = {"s3://a": [{"x": 1.0}, {"x": 2.0}], "s3://b": [], "s3://c": [{"x": 3.0}], "s3://d": [{"x": 4.0}]}
ROWS = [("s3://a", 0, {"x": 1.0}, "one"), ("s3://a", 1, {"x": 2.0}, "one"), ("s3://c", 0, {"x": 3.0}, "two")]


@pytest.fixture
def unnested(repo, put, select):
    """A dataset with a row for each box, and what a loader shows of the images."""
    put("boxes", BOXES, pa.list_(pa.struct([("x", pa.float64())])))
    parts = {"s3://a": 0, "s3://b": 0, "s3://c": 1, "s3://d": None}
    select("each", parts, {"box": "boxes"}, ("one", "two"), "box", Image("box", "0.25", (224, 112)))
    return repo


@pytest.mark.parametrize("name", ["parquet", "arrow", "jsonl", "csv"])
def test_items_are_rows_in_every_format(unnested, out, name):
    """With the source and the item's place as their key."""
    done = check(unnested, out, "each", name=name)

    assert 3 == done.rows
    (path,) = (path for path in out.iterdir() if path.name != MANIFEST)
    if name == "csv":
        header, *lines = path.read_text().splitlines()
        assert ('"source","item","box","split"', 3) == (header, len(lines))
        assert lines[1].startswith('"s3://a",1,')
        return
    if name == "jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    else:
        table = pq.read_table(path) if name == "parquet" else pa.ipc.open_file(path).read_all()
        rows = table.to_pylist()
    assert ROWS == [(row["source"], row["item"], row["box"], row["split"]) for row in rows]


def test_the_manifest_says_what_a_row_is_and_what_a_loader_shows(unnested, out, select):
    """A dataset that says neither has neither."""
    check(unnested, out, "each")

    manifest = json.loads((out / MANIFEST).read_text())
    assert ("box", {"crop": "box", "margin": 0.25, "size": [224, 112]}) == (manifest["unnest"], manifest["image"])
    assert [("source", None), ("item", None), ("box", "boxes"), ("split", None)] == [
        (column["name"], column["expression"]) for column in manifest["columns"]
    ]
    assert "struct<x: float64>" == manifest["columns"][2]["type"]
    select("each", {"s3://a": 0}, {"box": "boxes"})
    check(unnested, out, "each")
    again = read_manifest(out)
    assert (None, None, 1) == (again.unnest, again.image, again.rows)


def test_an_item_that_changes_is_a_file_that_changes(unnested, out, put):
    """And one that does not is none."""
    check(unnested, out, "each")
    put("boxes", {"s3://d": [{"x": 9.0}]}, pa.list_(pa.struct([("x", pa.float64())])))
    assert (0, 1) == ((done := check(unnested, out, "each")).n_written, done.n_kept)
    put("boxes", {"s3://a": [{"x": 2.0}, {"x": 1.0}]}, pa.list_(pa.struct([("x", pa.float64())])))

    assert (1, 0) == ((done := check(unnested, out, "each")).n_written, done.n_kept)
    assert [2.0, 1.0, 3.0] == [row["box"]["x"] for row in read(out).to_pylist()]
