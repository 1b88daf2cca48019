import pytest

from dsvc.errors import RecordNotFoundError, SignalNotFoundError
from dsvc.objects.commit import Commit
from dsvc.objects.encoding import put_object
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.state import Derived, State
from dsvc.objects.trace import Trace, TraceInput
from dsvc.repo.draft import DraftEdit
from dsvc.store.base import RefChange


def blamed(repo, signal="quality", source="s3://a", revision="HEAD"):
    """Return the messages of the commits that gave value and provenance."""
    found = repo.blame(signal, source, revision)
    return tuple(commit and commit.message for commit in (found.commit, found.provenance_commit))


@pytest.fixture
def commit(repo, put):
    """Puts a value, where one is given, and commits."""

    def commit(message, value=None, producer="model@1", source="s3://a"):
        if value is not None:
            put("quality", {source: value}, producer=producer)
        return repo.commit(message, allow_empty=True)

    return commit


def test_the_commit_that_gave_the_value(repo, commit):
    """Commits that changed other records, or nothing, are passed over."""
    commit("one", 1)
    commit("two", 2)
    commit("other", 9, source="s3://b")
    commit("empty")
    assert ("two", "two") == blamed(repo)
    assert ("one", "one") == blamed(repo, revision="HEAD~3")
    found = repo.blame("quality", "s3://a")
    assert (2, "model", "1", ZERO) == (
        found.value.as_py(),
        found.provenance.producer,
        found.provenance.version,
        found.provenance.transform,
    )


def test_a_later_provenance_is_told_apart(repo, commit):
    """A new producer of the same value gave the provenance, not the value."""
    commit("one", 1)
    commit("again", 1, "model@2")
    commit("other", 9, source="s3://b")
    assert ("one", "again") == blamed(repo)


def test_a_value_that_came_back_was_given_anew(repo, commit):
    """A -> B -> A is blamed on the commit that brought A back."""
    commit("one", 1)
    commit("two", 2)
    commit("back", 1)
    assert ("back", "back") == blamed(repo)


def test_removal_and_putting_again(repo, commit):
    """A record that was removed and put again was given when it was put again."""
    commit("one", 1)
    commit("other", 9, source="s3://b")
    repo.remove("quality", ["s3://a"])
    commit("gone")
    commit("again", 1)
    assert ("again", "again") == blamed(repo)
    with pytest.raises(RecordNotFoundError):
        repo.blame("quality", "s3://a", "HEAD~1")


def test_a_null_is_blamed_like_a_value(repo, put):
    """Null is a value that someone gave."""
    put("quality", {"s3://a": None, "s3://b": 1})
    repo.commit("one")
    put("quality", {"s3://b": 2})
    repo.commit("two")
    assert ("one", "one") == blamed(repo)


def test_the_draft(repo, commit, put):
    """What only the draft changed has no commit yet; the rest has its own."""
    commit("one", 1)
    commit("other", 2, source="s3://b")
    put("quality", {"s3://b": 3})
    assert (None, None) == blamed(repo, source="s3://b", revision="@draft")
    assert ("one", "one") == blamed(repo, revision="@draft")
    put("quality", {"s3://a": 1}, producer="model@2")
    assert ("one", None) == blamed(repo, revision="@draft")


def test_another_type_is_another_value(repo, put):
    """A replaced signal gave all its values."""
    put("quality", {"s3://a": 1})
    repo.commit("one")
    put("quality", {"s3://a": 1.0}, replace=True)
    repo.commit("two")
    assert ("two", "two") == blamed(repo)


def merge(repo, message, *parents):
    """Commit the content of HEAD as a merge of some commits."""
    head = repo.head()
    commits = [repo.read_commit(Oid(bytes.fromhex(parent))) for parent in parents]
    writer = repo.new_writer()
    oid = put_object(
        writer,
        Kind.COMMIT,
        Commit(
            repo.view().root_id,
            tuple(Oid(bytes.fromhex(parent)) for parent in parents),
            "ann",
            repo.clock(),
            message,
            1 + max(commit.generation for commit in commits),
        ),
    )
    writer.update([RefChange(head.ref, head.commit, oid)])
    return oid.hex()


def test_a_merge_is_followed_to_the_side_that_has_the_value(repo, commit):
    """Whichever parent has the record's value, first or not, is where the walk goes on."""
    commit("base", 0)
    repo.branch("side")
    main = commit("main", 1).id
    repo.switch("side")
    side = commit("side", 2).id
    merge(repo, "merge", main, side)
    assert ("side", "side") == blamed(repo)
    merge(repo, "merge again", repo.head().commit.hex(), main)
    assert ("side", "side") == blamed(repo)


def test_what_a_merge_itself_gave_is_blamed_on_it(repo, commit):
    """A value that no parent has was given by the merge."""
    commit("base", 0)
    repo.branch("side")
    main = commit("main", 1).id
    repo.switch("side")
    side = commit("side", 2).id
    commit("resolved", 3)
    merge(repo, "merge", main, side)
    assert ("merge", "merge") == blamed(repo)


def test_a_walk_reads_only_chunks_that_differ(repo, put, commit):
    """Commits that change other chunks cost their nodes, not their records."""
    put("quality", {f"s3://{i:05}": i for i in range(9000)})
    repo.commit("base")
    for i in range(12):
        commit("elsewhere", -i - 1, source="s3://08999")
    read = []
    get_many = repo.store.objects.get_many
    repo.store.objects.get_many = lambda oids, kind=None: read.extend(oids) or get_many(oids, kind)
    assert ("base", "base") == blamed(repo, source="s3://00000")
    assert 3 >= len(read)


def test_absent_records_and_signals(repo, commit):
    """What is not there is not blamed."""
    commit("one", 1)
    with pytest.raises(RecordNotFoundError, match="s3://nowhere"):
        repo.blame("quality", "s3://nowhere")
    with pytest.raises(SignalNotFoundError):
        repo.blame("nope", "s3://a")


def derive(repo, put, value):
    """Have the draft say that `count` was made of `quality`'s present values."""
    repo.find_owner = lambda signal: None
    put("count", {"s3://a": value}, producer="sql@0")

    def edit(view, writer):
        quality = view.get_signal("quality")
        used = (
            TraceInput("quality", quality.value_id, view.signals["quality"]),
            TraceInput("spoof.score", ZERO, ZERO),
        )
        trace = put_object(writer, Kind.TRACE, Trace(ZERO, used, view.signals["count"]))
        return DraftEdit(state=State(derived=(Derived("count", trace),)))

    repo.edit_draft(edit, command="run")


def test_inputs_are_blamed_with_theirs(repo, put, commit):
    """A derived record names its inputs, who gave each, and which it had none of."""
    commit("one", 1)
    derive(repo, put, 10)
    commit("derived")
    commit("other", 9, source="s3://b")
    found = repo.blame("count", "s3://a")
    assert ("derived", "sql") == (found.commit.message, found.provenance.producer)
    quality, spoof = found.inputs
    assert ("quality", "one", 1) == (quality.path, quality.record.commit.message, quality.record.value.as_py())
    assert ("spoof.score", None) == (spoof.path, spoof.record)
    assert () == quality.record.inputs


def test_inputs_are_those_of_the_version_that_gave_the_value(repo, put, commit):
    """An input that changed since, without a run, is blamed as it was used."""
    commit("one", 1)
    derive(repo, put, 10)
    commit("derived")
    commit("newer", 2)
    (quality, _) = repo.blame("count", "s3://a").inputs
    assert ("one", 1) == (quality.record.commit.message, quality.record.value.as_py())
    assert "newer" == repo.blame("quality", "s3://a").commit.message


def test_provenance_is_told_whole(repo, put):
    """Everything that is known of the record's origin is in the answer."""
    put("quality", {"s3://a": 1}, producer="worker@2.1")
    repo.commit("one")
    assert Provenance("import", "worker", "2.1", ZERO, "final") == repo.blame("quality", "s3://a").provenance
