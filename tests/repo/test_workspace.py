import threading

import pyarrow as pa
import pytest

from dsvc.errors import RefConflictError
from dsvc.objects.encoding import hash_encoded, put_object
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.state import FeedState, State
from dsvc.objects.trace import Trace, TraceInput
from dsvc.repo.base import BaseRepository
from dsvc.repo.draft import DraftEdit, replace_signals
from dsvc.repo.workspace import MAX_TRACES
from dsvc.store.base import RefChange


def table(signal, records):
    """Return records (source -> value) as a table."""
    return pa.table({"source": list(records), signal: list(records.values())})


def test_an_edit_that_loses_is_applied_again(repo, put, values):
    """An edit overtaken by another is made anew on top of it, so both are there."""
    put("quality", {"s3://a": 1})
    runs = []

    def edit(view, writer):
        runs.append(sorted(view.signals))
        if len(runs) == 1:
            put("other", {"s3://b": 2})
        return DraftEdit(replace_signals(view.root, {"copy": view.signals["quality"]}))

    view = repo.edit_draft(edit, command="copy")
    assert [["quality"], ["other", "quality"]] == runs
    assert ["copy", "other", "quality"] == list(view.signals)
    assert {"s3://a": 1} == values("copy")


def test_an_edit_overtaken_by_a_commit_stands_on_that_commit(repo, put):
    """A draft edited while its branch got a commit is based on the new commit."""
    put("quality", {"s3://a": 1})
    made = []

    def edit(view, writer):
        if not made:
            made.append(repo.commit("meanwhile").id)
        return DraftEdit(replace_signals(view.root, {"copy": view.signals["quality"]}))

    repo.edit_draft(edit, command="copy")
    assert made == [repo.commit("then").parents[0]]


def test_an_edit_of_nothing_leaves_no_trace(repo, put):
    """An edit that changes nothing writes no operation."""
    put("quality", {"s3://a": 1})
    before = sum(1 for _ in repo.operations())
    put("quality", {"s3://a": 1})
    repo.edit_draft(lambda view, writer: DraftEdit(view.root, view.state), command="nothing")
    assert before == sum(1 for _ in repo.operations())


def test_a_draft_that_equals_its_commit_is_not_kept(repo, put):
    """Taking a change back makes the draft empty again."""
    put("quality", {"s3://a": 1})
    repo.commit("one")
    put("quality", {"s3://a": 2})
    assert repo.store.refs.get("drafts/main") is not None
    put("quality", {"s3://a": 1})
    assert repo.store.refs.get("drafts/main") is None


def test_state_is_kept_beside_the_root_and_an_empty_one_is_none(repo):
    """A draft can differ in state alone."""
    state = State(feeds=(FeedState("images", ZERO, b"cursor"),))
    view = repo.edit_draft(lambda view, writer: DraftEdit(state=state), command="state")
    assert state == view.state == repo.view("@draft").state
    assert repo.status().has_new_state
    repo.edit_draft(lambda view, writer: DraftEdit(state=State()), command="state")
    assert repo.view("@draft").state_id is None


def test_threads_lose_no_put(repo, values):
    """Puts of many threads are all there."""
    n_threads, n_puts = 4, 8

    def work(number):
        for i in range(n_puts):
            repo.put("quality", table("quality", {f"s3://{number}/{i}": number}), producer="m@1")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert n_threads * n_puts == len(values("quality"))


def put_trace(writer, transform, number):
    """Store a trace that only `number` tells from others; its inputs need not be stored."""
    missing = Oid(bytes([number]) * 32)
    trace = Trace(transform, (TraceInput("quality", missing, ZERO),), ZERO)
    return put_object(writer, Kind.TRACE, trace)


def test_traces_are_newest_first_and_bounded(repo):
    """Each transform hash keeps its last traces, one that comes again moves to the front."""
    transform = hash_encoded(Kind.TRANSFORM, "x")
    written = []

    def edit(view, writer):
        written[:] = [put_trace(writer, transform, number) for number in range(MAX_TRACES + 3)]
        return DraftEdit(traces=[(transform, oid) for oid in [*written, written[5]]])

    repo.edit_draft(edit, command="traces")
    kept = [oid for oid, _ in repo.traces(transform)]
    newest = written[-MAX_TRACES:][::-1]
    assert [written[5], *(oid for oid in newest if oid != written[5])] == kept
    assert [] == repo.traces(hash_encoded(Kind.TRANSFORM, "y"))


def test_a_trace_whose_objects_are_gone_is_not_used(repo):
    """Traces that name objects which are not stored are passed over."""
    transform, gone = hash_encoded(Kind.TRANSFORM, "x"), Oid(bytes([7]) * 32)

    def edit(view, writer):
        oid = put_object(writer, Kind.TRACE, Trace(transform, (), gone))
        return DraftEdit(traces=[(transform, oid)])

    repo.edit_draft(edit, command="traces")
    assert [] == repo.traces(transform)


def test_other_errors_pass_and_change_nothing(repo, put):
    """An edit that raises leaves the draft as it was."""
    put("quality", {"s3://a": 1})
    before = repo.view("@draft").root_id

    def edit(view, writer):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        repo.edit_draft(edit, command="boom")
    assert before == repo.view("@draft").root_id


def test_a_ref_that_is_not_the_drafts_conflicts(repo, put):
    """Moving a branch by hand under an edit is noticed."""
    put("quality", {"s3://a": 1})
    commit = repo.commit("one")
    with pytest.raises(RefConflictError):
        repo.store.refs.update([RefChange("heads/main", None, bytes.fromhex(commit.id))])


def test_the_author_is_given_or_configured(tmp_path, clock):
    """The caller's author comes first, then the configured one."""
    with BaseRepository.init(tmp_path, clock=clock) as repo:
        assert "unknown" == repo.author
    (tmp_path / ".dsvc" / "config.toml").write_text('recipe = "dsvc"\nauthor = "bob"\n')
    with BaseRepository.open(tmp_path, clock=clock) as repo:
        assert "bob" == repo.author
    with BaseRepository.open(tmp_path, author="ann", clock=clock) as repo:
        assert "ann" == repo.author
