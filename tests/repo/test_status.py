import pyarrow as pa
import pytest

from dsvc.objects.encoding import put_object
from dsvc.objects.oid import ZERO, Kind
from dsvc.objects.state import DatasetState, Derived, FeedState, Ingested, State
from dsvc.objects.trace import Trace, TraceInput
from dsvc.repo.draft import DraftEdit


def test_a_new_repository_is_clean(repo):
    """Nothing was put, nothing edited: nothing to commit."""
    status = repo.status()
    assert status.is_clean
    assert ("main", None) == (status.branch, status.head)


def test_what_is_not_committed_is_listed(repo, put):
    """Changed signals and edited recipe files stand against the last commit."""
    put("quality", {"s3://a": 1})
    head = repo.commit("one")
    put("spoof", {"s3://a": 1})
    (repo.path / "dsvc.toml").write_text("# edited\n")
    status = repo.status()
    assert head.id == status.head.id
    assert ["spoof"] == [change.name for change in status.signals]
    assert (("~", "dsvc.toml"),) == status.recipe
    assert not status.is_clean


def derive(repo, *, path="quality", value_id=None, signal=None):
    """Have the draft say that `count` and a dataset were made from `quality`."""

    def edit(view, writer):
        now = view.signal("quality")
        used = TraceInput(path, value_id or now.value_id, signal or view.signals["quality"])
        trace = put_object(writer, Kind.TRACE, Trace(ZERO, (used,), ZERO))
        waiting = view.signals.get("waiting")
        state = State(
            derived=(Derived("count", trace, waiting),),
            ingested=(Ingested("quality", ZERO, "images", waiting),),
            feeds=(FeedState("images", ZERO, documents=9, superseded=2, orphans=1),),
            datasets=(DatasetState("good", ZERO, trace),),
        )
        return DraftEdit(state=state)

    repo.edit_draft(edit, command="derive")


def test_what_changed_values_make_stale_is_told(repo, put):
    """A derived signal and a dataset are stale once the values of an input are others than they were made from."""
    put("quality", {"s3://a": 1})
    derive(repo)
    assert () == repo.status().stale
    for kind in ("model@2", "model@3"):  # a new version with equal values makes nothing stale
        put_now(repo, {"s3://a": 1}, kind)
    assert () == repo.status().stale
    put_now(repo, {"s3://a": 2}, "model@3")
    found = [(stale.name, stale.what, stale.inputs) for stale in repo.status().stale]
    assert [("count", "signal", ("quality",)), ("good", "dataset", ("quality",))] == found


def put_now(repo, records, producer):
    """Put into `quality`, which the state says is ingested, as ingest does: past the check for owners."""
    repo.find_owner = lambda signal: None
    table = pa.table({"source": list(records), "quality": list(records.values())})
    repo.put("quality", table, producer=producer)


def test_an_input_that_names_a_version_depends_on_provenance(repo, put):
    """`quality._version` is another input once the provenance is another."""
    put("quality", {"s3://a": 1})
    derive(repo, path="quality._version")
    put_now(repo, {"s3://a": 1}, "model@2")
    assert [("quality._version",)] * 2 == [stale.inputs for stale in repo.status().stale]


def test_fields_are_inputs_of_their_signal(repo, put):
    """`quality.x` is judged by the values of `quality`; an input that is gone is stale."""
    put("quality", {"s3://a": 1})
    derive(repo, path="quality.x")
    assert () == repo.status().stale
    repo.find_owner = lambda signal: None
    repo.remove("quality", ["s3://a"])
    assert ["count", "good"] == [stale.name for stale in repo.status().stale]


@pytest.mark.parametrize("path", ["quality._source", "quality"])
def test_which_sources_there_are_is_no_matter_of_provenance(repo, put, path):
    """An input that stands for the sources of a signal, or for its values, is not changed by a new producer."""
    put("quality", {"s3://a": 1})
    derive(repo, path=path)
    put_now(repo, {"s3://a": 1}, "model@2")
    assert () == repo.status().stale
    put_now(repo, {"s3://b": 1}, "model@2")
    assert [("quality",)] * 2 == [stale.inputs for stale in repo.status().stale]


def test_who_waits_may_be_an_input(repo, put):
    """An input that stands for who waits is changed once others do."""
    put("quality", {"s3://a": 1})
    put("waiting", {"s3://b": "x"})
    derive(repo, path="count._waiting", signal=repo.view("@draft").signals["waiting"])
    assert () == repo.status().stale
    derive(repo, path="count._waiting", signal=ZERO)
    assert ["count", "good"] == [stale.name for stale in repo.status().stale]


def test_waiting_sources_and_feeds_are_counted(repo, put):
    """How many sources wait for which signal, and what the last ingest made of each feed."""
    put("quality", {"s3://a": 1})
    put("waiting", {"s3://b": "x", "s3://c": "y"})
    derive(repo)
    status = repo.status()
    assert [("quality", 2), ("count", 2)] == [(waiting.signal, waiting.n_sources) for waiting in status.waiting]
    assert [("images", 9, 2, 1)] == [(f.name, f.documents, f.superseded, f.orphans) for f in status.feeds]
    assert status.has_new_state


def test_status_reads_no_record(repo, put):
    """Only refs, commits, roots, signals and state are read, however much there is."""
    put("quality", {f"s3://{i:05}": i for i in range(5000)})
    repo.commit("one")
    put("quality", {"s3://00001": -1})
    read = []
    get = repo.store.objects.get
    repo.store.objects.get = lambda oid, kind=None: read.append(kind) or get(oid, kind)
    repo.store.objects.get_many = None
    repo.status()
    assert {Kind.COMMIT, Kind.ROOT, Kind.SIGNAL, Kind.RECIPE, Kind.BLOB} >= set(read)


def test_made_up_inputs_of_datasets_are_no_signals(repo, put):
    """The selection of another dataset is looked for among those there are; what standings were told by is not."""
    put("quality", {"s3://a": 1})
    derive(repo, path="_standings")
    assert () == repo.status().stale
    derive(repo, path="_from")
    assert [("from",)] * 2 == [stale.inputs for stale in repo.status().stale]
