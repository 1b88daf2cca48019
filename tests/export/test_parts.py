import numpy as np
import pyarrow as pa
import pytest

from dsvc.export.dataset import DatasetReader
from dsvc.export.parts import _cut_sources, _lowest_nodes, content_id, cut_parts, cut_splits, joined_content_id

N = 300_000


def numbered(start, stop, step=1):
    """Return sources as a column."""
    return pa.array([f"s3://{i:07}" for i in range(start, stop, step)])


def put(repo, signal, sources, values, **options):
    """Put a signal of many sources."""
    repo.put(signal, pa.table({"source": sources, signal: values}), producer="m@1", **options)


def cut(repo, dataset="global", revision="@draft"):
    """Return the parts of a dataset."""
    with DatasetReader(repo.view(revision), dataset) as reader:
        return cut_parts(reader)


@pytest.fixture
def many(repo):
    """Two signals of many sources."""
    put(repo, "quality", numbered(0, N), pa.array(np.arange(N) % 5, pa.int8()))
    put(repo, "spoof", numbered(0, N, 2), pa.array(np.arange(N // 2) / N, pa.float32()))
    return repo


def test_parts_are_about_130_000_sources_and_cover_all(many):
    """Parts follow each other without a gap, and each source is in one."""
    parts = cut(many)
    assert 1 < len(parts) < 6
    assert N == sum(part.n_sources for part in parts)
    assert (None, None) == (parts[0].start, parts[-1].stop)
    assert [part.stop for part in parts[:-1]] == [part.start for part in parts[1:]]
    with DatasetReader(many.view("@draft"), "global") as reader:
        found = [sum(b.num_rows for b in reader.read(part.start, part.stop)) for part in parts]
    assert [part.n_sources for part in parts] == found


def test_cuts_depend_on_the_set_of_sources_alone(many):
    """The cuts of a union of signals are those of one tree of the same sources."""
    view = many.view("@draft")
    expected = list(_lowest_nodes(view.get_tree("quality").nodes()))
    assert expected == list(_cut_sources(view))


def test_a_selection_cuts_like_its_sources(many):
    """A dataset and `global` of the same sources have the same ranges, whoever of them is selected."""
    from dsvc.objects.encoding import put_object
    from dsvc.objects.oid import Kind
    from dsvc.objects.snapshot import Dataset
    from dsvc.repo.draft import DraftEdit, replace_datasets

    def ranges(parts):
        return [(part.start, part.stop, part.n_sources) for part in parts]

    before = ranges(cut(many))

    def edit(view, writer):
        dataset = put_object(writer, Kind.DATASET, Dataset(view.signals["quality"], (("s", "spoof"),)))
        return DraftEdit(replace_datasets(view.root, {"good": dataset}))

    many.edit_draft(edit, command="dataset")
    assert before == ranges(cut(many, "good")) == ranges(cut(many))


def test_only_parts_that_changed_have_other_inputs(many):
    """A changed value touches the part that it is in, and no other; other provenance touches none."""
    before = cut(many)
    put(many, "spoof", numbered(0, 2), pa.array([9.0, 8.0], pa.float32()))
    after = cut(many)
    assert [True] + [False] * (len(before) - 1) == [a.inputs != b.inputs for a, b in zip(before, after, strict=True)]
    many.put("spoof", {"source": ["s3://0000000"], "spoof": pa.array([9.0], pa.float32())}, producer="m@2")
    assert after == cut(many)


def test_a_version_without_sources_is_one_part(repo):
    """Nothing is one range with nothing in it."""
    (part,) = cut(repo)
    assert (None, None, 0) == (part.start, part.stop, part.n_sources)


def test_content_names_rows_not_their_layout():
    """Chunks, encodings and the writer's version do not enter a content id; values, types and names do."""
    table = pa.table({"source": ["a", "b", "c"], "x": ["u", "v", "u"]})
    chunked = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    encoded = table.set_column(1, "x", table["x"].dictionary_encode())
    assert content_id(table) == content_id(chunked) == content_id(encoded)
    others = [
        table.slice(0, 2),
        table.rename_columns(["source", "y"]),
        table.set_column(1, "x", pa.array([b"u", b"v", b"u"])),
        table.set_column(1, "x", pa.array(["u", "v", None])),
        table.set_column(0, "source", pa.array(["a", "b", "d"])),
    ]
    assert 6 == len({content_id(table), *map(content_id, others)})


def cut_whole(repo, dataset):
    """Return what the files of a format hold that is read as a whole."""
    with DatasetReader(repo.view("@draft"), dataset) as reader:
        return cut_splits(reader)


def test_a_whole_is_all_parts_once_for_each_part_of_the_split(many, select):
    """Each reads the same sources; their names say which part of the split they hold, where a name can."""
    parts = {f"s3://{i:07}": i % 3 for i in range(9)}
    select("good", parts, {"q": "quality"}, ("train", "Val 2", "test"))
    wholes = cut_whole(many, "good")

    assert ["train", "Val 2", "test"] == [whole.split for whole in wholes]
    assert [".train", ".split1", ".test"] == [whole.label for whole in wholes]
    assert 1 == len({whole.parts for whole in wholes})
    assert 3 == len({whole.inputs for whole in wholes})


def test_a_dataset_without_a_split_is_one_whole(many):
    """As is one that has a column `split` of its own."""
    (whole,) = cut_whole(many, "global")

    assert (None, "", N) == (whole.split, whole.label, whole.n_sources)
    assert tuple(cut(many)) == whole.parts


def test_a_column_called_split_is_no_split(many, select):
    """It is the user's own; its values say nothing of parts."""
    select("good", {"s3://0000001": 0}, {"split": "quality"}, ("train", "test"))

    assert [None] == [whole.split for whole in cut_whole(many, "good")]


def test_the_inputs_of_a_whole_are_those_of_all_its_parts(many):
    """A change in any part changes them."""
    before = cut_whole(many, "global")[0].inputs
    put(many, "quality", pa.array(["s3://0299999"]), pa.array([99], pa.int8()))

    assert before != cut_whole(many, "global")[0].inputs


def test_rows_of_one_part_have_one_id_either_way():
    """Whether a file holds a part or a whole that is one part."""
    assert "ab" == joined_content_id(["ab"])
    assert joined_content_id(["ab", "cd"]) != joined_content_id(["cd", "ab"])
