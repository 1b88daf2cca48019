import pytest

from dsvc.errors import NothingToCommitError, StaleDraftError
from dsvc.repo.base import BaseRepository


def test_a_commit_keeps_the_draft_and_empties_it(repo, put, values):
    """What was in the draft is in the commit, and nothing is left to commit."""
    put("quality", {"s3://a": 1, "s3://b": 2})
    made = repo.commit("one\n\nmore")
    assert {"s3://a": 1, "s3://b": 2} == values("quality", "HEAD")
    assert ("one", "ann", 1, ()) == (made.subject, made.author, made.generation, made.parents)
    assert (made.id, made.root) == (repo.resolve("main").hex(), repo.view().root_id.hex())
    assert repo.status().is_clean


def test_nothing_to_commit_is_an_error_unless_allowed(repo, put):
    """An empty commit needs asking for; it keeps its parent's root."""
    with pytest.raises(NothingToCommitError):
        repo.commit("nothing yet")
    first = repo.commit("begin", allow_empty=True)
    with pytest.raises(NothingToCommitError) as caught:
        repo.commit("again")
    assert "main" in str(caught.value)
    second = repo.commit("again", allow_empty=True)
    assert (first.root, (first.id,), 2) == (second.root, second.parents, second.generation)
    assert {} == repo.view().signals


def test_equal_content_has_an_equal_root_whatever_led_there(repo, put, tmp_path, clock):
    """The root names content alone; the commit also who, when and why."""
    put("quality", {"s3://a": 1, "s3://b": 2})
    one = repo.commit("at once")
    with BaseRepository.init(tmp_path / "other", author="bob", clock=clock) as other:
        import pyarrow as pa

        for source, value in (("s3://b", 7), ("s3://a", 1), ("s3://b", 2)):
            other.put("quality", pa.table({"source": [source], "quality": [value]}), producer="model@1")
            two = other.commit("step by step")
    assert one.root == two.root
    assert one.id != two.id


def test_recipe_files_are_committed_and_alone_are_a_change(repo, put):
    """An edited recipe is a commit of its own, of the same root."""
    put("quality", {"s3://a": 1})
    one = repo.commit("one")
    (repo.path / "dsvc.toml").write_text("# edited\n")
    two = repo.commit("two")
    assert (one.root, True) == (two.root, one.recipe != two.recipe)
    assert {"dsvc.toml": b"# edited\n"} == repo.view().recipe_files()
    (repo.path / "dsvc.toml").unlink()
    assert repo.commit("three").recipe is None


def test_a_starter_recipe_is_nothing_to_commit_but_an_edited_one_is(repo):
    """What init wrote is no change; the first edit is."""
    with pytest.raises(NothingToCommitError):
        repo.commit("starter")
    (repo.path / "dsvc.toml").write_text("# mine\n")
    assert repo.commit("mine").recipe is not None


class StaleRepository(BaseRepository):
    """A repository in which something derived is stale."""

    def find_stale(self, draft):
        return [("signal", "face_count"), ("dataset", "spoof")]


def test_a_stale_draft_is_committed_only_as_it_is(tmp_path, clock):
    """What does not follow from its inputs is named and refused; `as_is` commits it and says so."""
    with StaleRepository.init(tmp_path, author="ann", clock=clock) as repo:
        with pytest.raises(StaleDraftError, match=r"signals face_count.*datasets spoof") as caught:
            repo.commit("stale", allow_empty=True)
        assert "--as-is" in caught.value.hint
        made = repo.commit("stale", allow_empty=True, as_is=True)
        assert made.is_as_is
        assert repo.log()[0].is_as_is


def test_as_is_marks_only_what_is_stale(repo, put):
    """Asking for `as_is` where nothing is stale leaves no mark."""
    put("quality", {"s3://a": 1})
    assert not repo.commit("fresh", as_is=True).is_as_is


def test_one_commit_costs_few_objects(repo, put):
    """Committing one changed record writes a handful of objects, whatever there is."""
    put("quality", {f"s3://{i:05}": i for i in range(10_000)})
    repo.commit("all")
    before = set(repo.store.objects.iter_oids())
    put("quality", {"s3://05000": -1})
    repo.commit("one")
    # value, lowest node, root node's parent where there is one, signal, root, commit
    assert 6 >= len(set(repo.store.objects.iter_oids()) - before)
