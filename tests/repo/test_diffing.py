import pyarrow as pa
import pytest

from dsvc.errors import RefNotFoundError, SignalNotFoundError
from dsvc.objects.encoding import put_object
from dsvc.objects.oid import Kind
from dsvc.objects.snapshot import Dataset
from dsvc.repo.draft import DraftEdit, replace_datasets


def rows(batches):
    """Return the rows of record batches as dicts."""
    return [row for batch in batches for row in batch.to_pylist()]


def ops(batches):
    """Return (signal, source, op, before, after) of the rows of a diff."""
    return [(row["signal"], row["source"], row["op"], row["before"], row["after"]) for row in rows(batches)]


@pytest.fixture
def two(repo, put):
    """Two versions of two signals."""
    put("quality", {"s3://a": 1, "s3://b": 2, "s3://c": 3, "s3://n": None})
    put("spoof", {"s3://a": 0.5})
    repo.commit("one")
    put("quality", {"s3://b": 5, "s3://d": 4, "s3://n": 0})
    put("quality", {"s3://c": 3}, producer="model@2")
    repo.remove("quality", ["s3://a"])
    put("box", {"s3://a": [1]})
    repo.commit("two")
    return repo


def test_a_diff_lists_what_differs(two):
    """Added, removed and changed records by signal and source, with the values of both sides."""
    assert [
        ("box", "s3://a", "+", None, [1]),
        ("quality", "s3://a", "-", 1, None),
        ("quality", "s3://b", "~", 2, 5),
        ("quality", "s3://d", "+", None, 4),
        ("quality", "s3://n", "~", None, 0),
    ] == ops(two.diff("main~1", "main"))


def test_a_diff_reversed_is_the_opposite(two):
    """Swapping the versions swaps + and -, before and after."""
    swapped = {"+": "-", "-": "+", "~": "~"}
    forward = ops(two.diff("main~1", "main"))
    assert [(n, s, swapped[op], after, before) for n, s, op, before, after in forward] == ops(
        two.diff("main", "main~1")
    )


def test_provenance_is_told_when_asked(two):
    """Records where only the provenance differs are `=`, and both provenances are columns."""
    found = {row["source"]: row for row in rows(two.diff("main~1", "main", signal="quality", provenance=True))}
    assert ("=", 3, 3) == tuple(found["s3://c"][name] for name in ("op", "before", "after"))
    assert ("1", "2") == tuple(found["s3://c"][f"{side}_provenance"]["version"] for side in ("before", "after"))
    assert found["s3://d"]["before_provenance"] is None
    assert {
        "origin": "import",
        "producer": "model",
        "version": "1",
        "transform": "00" * 32,
        "standing": "final",
    } == found["s3://d"]["after_provenance"]
    assert found["s3://a"]["after_provenance"] is None


def test_each_batch_is_of_one_signal_and_typed_like_it(two):
    """Every batch has the signal's own types, before and after."""
    types = {batch["signal"][0].as_py(): batch.schema.field("after").type for batch in two.diff("main~1", "main")}
    assert {"box": pa.list_(pa.field("item", pa.int64())), "quality": pa.int64()} == types


def test_versions_to_compare(two, put):
    """HEAD against the draft unless said otherwise; `A..B` names both."""
    assert [] == ops(two.diff())
    put("spoof", {"s3://a": 0.7})
    assert [("spoof", "s3://a", "~", 0.5, 0.7)] == ops(two.diff())
    assert ops(two.diff("main~1..main")) == ops(two.diff("main~1", "main"))
    assert ops(two.diff("main~1..")) == ops(two.diff("main~1", "HEAD"))
    assert 2 == len(ops(two.diff("main~1", signal="spoof"))) + len(ops(two.diff("main", "@draft")))
    with pytest.raises(RefNotFoundError):
        two.diff("nope")
    with pytest.raises(SignalNotFoundError):
        two.diff("main~1", "main", signal="nope")
    assert [] == ops(two.diff("main~1", "main", signal="spoof"))


def test_before_the_first_commit_all_is_new(repo, put):
    """HEAD without a commit is nothing."""
    put("quality", {"s3://a": 1})
    assert [("quality", "s3://a", "+", None, 1)] == ops(repo.diff())


def test_another_type_is_shown_as_it_is(repo, put):
    """A replaced signal's records differ, each side in its own type."""
    put("quality", {"s3://a": 1, "s3://b": 2})
    repo.commit("one")
    put("quality", {"s3://a": "good", "s3://c": "bad"}, replace=True)
    assert [
        ("quality", "s3://a", "~", 1, "good"),
        ("quality", "s3://b", "-", 2, None),
        ("quality", "s3://c", "+", None, "bad"),
    ] == ops(repo.diff())


def test_stat_counts_exactly(two):
    """Counts of each signal that differs, with records before and after."""
    assert [
        ("box", 0, 1, 1, 0, 0, 0),
        ("quality", 4, 4, 1, 1, 2, 1),
    ] == [(s.name, s.before, s.after, s.added, s.removed, s.changed, s.remade) for s in two.diff_stat("main~1", "main")]


def test_stat_of_datasets_counts_sources(repo, put):
    """A dataset's selection tells who came, who left and who changed the split."""

    def select(rows, columns):
        put("selected", rows, arrow=pa.int8(), replace=True)

        def edit(view, writer):
            oid = put_object(writer, Kind.DATASET, Dataset(view.signals["selected"], columns, ("train", "test")))
            return DraftEdit(replace_datasets(view.root, {"good": oid}))

        repo.edit_draft(edit, command="dataset")

    select({"s3://a": 0, "s3://b": None, "s3://c": 1, "s3://d": 0}, (("q", "quality"),))
    repo.commit("one")
    select({"s3://a": 0, "s3://b": 1, "s3://c": 0, "s3://d": None, "s3://e": 1}, (("q", "quality + 1"),))
    (stat,) = [stat for stat in repo.diff_stat() if stat.what == "dataset"]
    assert (3, 4, 2, 1, 1) == (stat.before, stat.after, stat.added, stat.removed, stat.changed)
    assert stat.is_redefined
    assert [] == repo.diff_stat("HEAD", "HEAD")
