"""The repository against a model of dicts, whatever is done to it in whatever order; and many processes at once."""

import multiprocessing
from itertools import count

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from dsvc.errors import (
    DirtyWorktreeError,
    NothingToCommitError,
    RecordNotFoundError,
    RefExistsError,
    SignalNotFoundError,
)
from dsvc.repo.base import BaseRepository

SIGNALS = ("quality", "spoof")
SOURCES = [f"s3://{letter}" for letter in "abcdef"]
EMPTY = {}


class Model:
    """What a repository should be, as plain dicts.

    A version maps (signal, source) to (value, producer version).
    """

    def __init__(self):
        self.commits = []  # (id, version, index of the parent or None)
        self.branches = {}  # name -> index of a commit
        self.drafts = {}  # branch -> version
        self.current = "main"

    def committed(self, branch):
        """Return the version of a branch's last commit."""
        return self.commits[self.branches[branch]][1] if branch in self.branches else EMPTY

    @property
    def draft(self):
        """The version that the current draft is."""
        return self.drafts.get(self.current, self.committed(self.current))

    @draft.setter
    def draft(self, version):
        self.drafts.pop(self.current, None)
        if version != self.committed(self.current):
            self.drafts[self.current] = version

    def blame(self, index, key):
        """Return the ids of the commits that gave value and provenance of a record."""
        value_giver = provenance_giver = self.commits[index][0]
        value, version = self.commits[index][1][key]
        follows = True
        while (index := self.commits[index][2]) is not None:
            found = self.commits[index][1].get(key)
            if found is None or found[0] != value:
                break
            value_giver = self.commits[index][0]
            follows = follows and found[1] == version
            if follows:
                provenance_giver = value_giver
        return value_giver, provenance_giver


class RepositoryMachine(RuleBasedStateMachine):
    """Does things to a repository and to the model, and compares."""

    revisions = Bundle("revisions")

    @initialize()
    def begin(self):
        ticks = count(1_767_225_600_000_000, 1_000_000)
        self.directory = self.make_directory()
        self.repo = BaseRepository.init(self.directory, author="ann", clock=lambda: next(ticks))
        self.clock = lambda: next(ticks)
        self.model = Model()
        self.names = count()

    def teardown(self):
        if hasattr(self, "repo"):
            self.repo.close()

    @rule(
        signal=st.sampled_from(SIGNALS),
        records=st.dictionaries(st.sampled_from(SOURCES), st.none() | st.integers(0, 3), min_size=1),
        version=st.sampled_from("12"),
        as_stream=st.booleans(),
    )
    def put(self, signal, records, version, as_stream):
        table = pa.table({"source": list(records), signal: pa.array(list(records.values()), pa.int64())})
        data = iter(table.to_batches(max_chunksize=1)) if as_stream else table
        report = self.repo.put(signal, data, producer=f"model@{version}")
        before = self.model.draft
        self.model.draft = before | {(signal, source): (value, version) for source, value in records.items()}
        had = {source: before.get((signal, source)) for source in records}
        assert sum(found is None for found in had.values()) == report.added
        assert sum(found is not None and found[0] != records[source] for source, found in had.items()) == report.changed

    @rule(signal=st.sampled_from(SIGNALS), sources=st.sets(st.sampled_from(SOURCES)))
    def remove(self, signal, sources):
        before = self.model.draft
        if not any(name == signal for name, _ in before):
            with pytest.raises(SignalNotFoundError):
                self.repo.remove(signal, sources)
            return
        gone = {(signal, source) for source in sources} & set(before)
        assert len(gone) == self.repo.remove(signal, sources)
        self.model.draft = {key: record for key, record in before.items() if key not in gone}

    @rule(target=revisions, allow_empty=st.booleans())
    def commit(self, allow_empty):
        model = self.model
        if model.draft == model.committed(model.current) and not allow_empty:
            with pytest.raises(NothingToCommitError):
                self.repo.commit("x")
            return multiple()
        made = self.repo.commit("x", allow_empty=allow_empty)
        model.commits.append((made.id, model.draft, model.branches.get(model.current)))
        model.branches[model.current] = len(model.commits) - 1
        model.drafts.pop(model.current, None)
        return len(model.commits) - 1

    @rule(revision=revisions)
    def branch(self, revision):
        name = f"b{next(self.names)}"
        self.repo.branch(name, self.model.commits[revision][0])
        self.model.branches[name] = revision

    @rule(target=revisions, revision=revisions)
    def tag(self, revision):
        name = f"t{next(self.names)}"
        self.repo.tag(name, self.model.commits[revision][0])
        assert self.model.commits[revision][0] == self.repo.resolve(name).hex()
        with pytest.raises(RefExistsError):
            self.repo.branch(name)
        return revision

    @rule(data=st.data(), discard=st.booleans())
    def switch(self, data, discard):
        model = self.model
        name = data.draw(st.sampled_from(sorted({*model.branches, model.current})))
        if name != model.current and model.current in model.drafts and not discard:
            with pytest.raises(DirtyWorktreeError):
                self.repo.switch(name)
            return
        self.repo.switch(name, discard=discard)
        if discard:
            model.drafts.pop(model.current, None)
        model.current = name

    @rule()
    def switch_to_a_new_branch(self):
        model, name = self.model, f"b{next(self.names)}"
        self.repo.switch(name, create=True)
        if model.current in model.branches:
            model.branches[name] = model.branches[model.current]
        if model.current in model.drafts:
            model.drafts[name] = model.drafts.pop(model.current)
        model.current = name

    @rule()
    def reopen(self):
        self.repo.close()
        self.repo = BaseRepository.open(self.directory, author="ann", clock=self.clock)

    @rule(revision=revisions)
    def read(self, revision):
        oid, version, _ = self.model.commits[revision]
        assert version_of(self.repo, oid) == version

    @rule(before=revisions, after=revisions)
    def diff(self, before, after):
        commits = self.model.commits
        old, new = commits[before][1], commits[after][1]
        found = {}
        for batch in self.repo.diff(commits[before][0], commits[after][0], provenance=True):
            for row in batch.to_pylist():
                found[row["signal"], row["source"]] = row["op"], row["before"], row["after"]
        assert expected_diff(old, new) == found

    @rule(revision=revisions, signal=st.sampled_from(SIGNALS), source=st.sampled_from(SOURCES))
    def blame(self, revision, signal, source):
        oid, version, _ = self.model.commits[revision]
        if (signal, source) not in version:
            with pytest.raises((SignalNotFoundError, RecordNotFoundError)):
                self.repo.blame(signal, source, oid)
            return
        found = self.repo.blame(signal, source, oid)
        givers = found.commit.id, found.provenance_commit.id
        assert self.model.blame(revision, (signal, source)) == givers
        assert version[signal, source] == (found.value.as_py(), found.provenance.version)

    @rule(one=consumes(revisions), other=revisions)
    def equal_versions_have_equal_roots(self, one, other):
        commits = self.model.commits
        roots = [self.repo.view(commits[i][0]).root_id for i in (one, other)]
        assert (commits[one][1] == commits[other][1]) == (roots[0] == roots[1])

    @invariant()
    def the_draft_is_as_it_should_be(self):
        if not hasattr(self, "repo"):
            return
        model = self.model
        assert model.current == self.repo.head().branch
        assert version_of(self.repo, "@draft") == model.draft
        status = self.repo.status()
        assert (model.draft == model.committed(model.current)) == status.is_clean

    @invariant()
    def the_log_is_the_way_to_head(self):
        if not hasattr(self, "repo") or self.model.current not in self.model.branches:
            return
        expected, index = [], self.model.branches[self.model.current]
        while index is not None:
            expected.append(self.model.commits[index][0])
            index = self.model.commits[index][2]
        assert expected == [commit.id for commit in self.repo.log()]


def version_of(repo, revision):
    """Return a version as the model holds it."""
    view = repo.view(revision)
    found = {}
    for name in view.signals:
        rows = view.get_tree(name)
        for source in repo.read(revision, [name])["source"].to_pylist():
            value, provenance = rows.get(source)
            found[name, source] = value.as_py(), provenance.version
    return found


def expected_diff(old, new):
    """Return (op, before, after) of each record that differs."""
    found = {}
    for key in {*old, *new}:
        was, now = old.get(key), new.get(key)
        if was == now:
            continue
        op = "+" if was is None else "-" if now is None else "~" if was[0] != now[0] else "="
        found[key] = op, was and was[0], now and now[0]
    return found


@pytest.fixture(autouse=True)
def directories(tmp_path_factory):
    """Give every run of the machine a directory of its own."""
    RepositoryMachine.make_directory = lambda _: tmp_path_factory.mktemp("machine")


class TestRepositoryMachine(RepositoryMachine.TestCase):
    """Runs the machine."""

    settings = settings(max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))


def put_many(path, number, n_puts, barrier):
    """Put records of one's own, one by one, as soon as all are ready."""
    with BaseRepository.open(path, author=str(number), clock=lambda: 0) as repo:
        barrier.wait()
        for i in range(n_puts):
            repo.put("quality", {"source": [f"s3://{number}/{i}"], "quality": [number]}, producer="m@1")


def commit_many(path, number, n_puts, barrier):
    """Commit whatever is there, again and again."""
    with BaseRepository.open(path, author=str(number), clock=lambda: 0) as repo:
        barrier.wait()
        for _ in range(n_puts):
            repo.commit("meanwhile", allow_empty=True)


@pytest.mark.slow
def test_processes_lose_no_put(repo):
    """What several processes put at once, while another commits, is all there, and so is every operation."""
    context = multiprocessing.get_context("spawn")
    n_processes, n_puts = 3, 12
    barrier = context.Barrier(n_processes + 1)
    workers = [context.Process(target=put_many, args=(repo.path, i, n_puts, barrier)) for i in range(n_processes)]
    workers.append(context.Process(target=commit_many, args=(repo.path, 9, n_puts, barrier)))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [0] * len(workers) == [worker.exitcode for worker in workers]
    expected = sorted(f"s3://{number}/{i}" for number in range(n_processes) for i in range(n_puts))
    assert expected == repo.read("@draft", ["quality"])["source"].to_pylist()
    commands = [operation.command for operation in repo.operations()]
    assert (n_processes * n_puts, n_puts) == (commands.count("put quality"), commands.count("commit"))
    assert list(range(len(commands), 0, -1)) == [operation.number for operation in repo.operations()]
    assert n_puts == len(repo.log())
