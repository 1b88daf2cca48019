from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from dsvc.objects.commit import Commit
from dsvc.objects.encoding import put_object
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.repo.history import find_commits, is_ancestor, refs_by_commit, utc, walk
from dsvc.store.memory import MemoryStore
from dsvc.store.writer import ObjectWriter


def make_history(parents):
    """Store a commit for each list of parents (indexes of earlier commits); return the store and the ids."""
    store = MemoryStore()
    writer = ObjectWriter(store)
    ids, generations = [], []
    for i, chosen in enumerate(parents):
        generation = 1 + max((generations[p] for p in chosen), default=0)
        # Clocks run backwards here: no walk may depend on them.
        commit = Commit(ZERO, tuple(ids[p] for p in chosen), "ann", 1_000_000 - i, str(i), generation)
        ids.append(put_object(writer, Kind.COMMIT, commit))
        generations.append(generation)
    writer.flush()
    return store, ids


@st.composite
def histories(draw):
    """Draw the parents of each commit of a history."""
    chosen = (draw(st.sets(st.integers(0, i - 1), max_size=2)) for i in range(1, draw(st.integers(1, 12))))
    return [[], *(sorted(parents, reverse=True) for parents in chosen)]


def reachable(parents, starts):
    """Return the commits that `starts` lead to, themselves among them."""
    seen, queue = set(), list(starts)
    while queue:
        at = queue.pop()
        if at not in seen:
            seen.add(at)
            queue.extend(parents[at])
    return seen


@given(histories(), st.data())
def test_a_walk_gives_what_one_side_reaches_and_the_other_does_not(parents, data):
    """`A..B` is exactly B's ancestors without A's, each once, children before parents, whatever the clocks said."""
    store, ids = make_history(parents)
    places = st.integers(0, len(ids) - 1)
    shown, hidden = data.draw(st.lists(places, max_size=2)), data.draw(st.lists(places, max_size=2))
    found = [ids.index(oid) for oid, _ in walk(store.objects, [ids[i] for i in shown], [ids[i] for i in hidden])]
    assert sorted(found) == sorted(reachable(parents, shown) - reachable(parents, hidden))
    for place, at in enumerate(found):
        assert not set(parents[at]) & set(found[:place])


@given(histories(), st.data())
def test_ancestors(parents, data):
    """A commit's ancestors are what its parents lead to, and itself."""
    store, ids = make_history(parents)
    a, b = data.draw(st.integers(0, len(ids) - 1)), data.draw(st.integers(0, len(ids) - 1))
    assert (a in reachable(parents, [b])) == is_ancestor(store.objects, ids[a], ids[b])


def test_times_are_exact_and_aware():
    """Microseconds become an aware time without loss."""
    assert datetime(2026, 1, 2, 3, 4, 5, 678901, UTC) == utc(1_767_323_045_678_901)


def test_refs_by_commit_puts_head_first(repo, put):
    """HEAD, the current branch, other branches, then tags."""
    put("quality", {"s3://a": 1})
    commit = repo.commit("one")
    repo.branch("exp")
    repo.tag("v1")
    assert ("HEAD", "main", "exp", "v1") == refs_by_commit(repo.store)[Oid(bytes.fromhex(commit.id))]
    repo.checkout_revision("v1")
    assert ("HEAD", "exp", "main", "v1") == refs_by_commit(repo.store)[Oid(bytes.fromhex(commit.id))]


def test_commits_of_deleted_branches_are_found(repo, put):
    """A short id finds a commit that only the operation log remembers."""
    put("quality", {"s3://a": 1})
    repo.commit("one")
    repo.switch("exp", create=True)
    put("quality", {"s3://a": 2})
    lost = repo.commit("two")
    repo.switch("main")
    repo.delete_branch("exp", force=True)
    assert [lost.id] == [oid.hex() for oid in find_commits(repo.store, lost.id[:8])]


def test_log_shows_ranges_and_limits(repo, put):
    """Newest first; `A..B` leaves out what A has; a limit cuts."""
    for value in range(4):
        put("quality", {"s3://a": value})
        repo.commit(f"q{value}")
    assert ["q3", "q2", "q1", "q0"] == [commit.message for commit in repo.log()]
    assert ["q3", "q2"] == [commit.message for commit in repo.log("HEAD~2..")]
    assert ["q3"] == [commit.message for commit in repo.log(limit=1)]
    assert [] == repo.log("HEAD..HEAD~1")
    assert 4 == repo.log()[0].generation
