import pytest

from dsvc.errors import (
    DatasetNotFoundError,
    DirtyWorktreeError,
    InvalidNameError,
    RefExistsError,
    RefNotFoundError,
    UserError,
)


@pytest.fixture
def commit(repo, put):
    """The first commit."""
    put("quality", {"s3://a": 1})
    return repo.commit("one")


def test_a_branch_is_a_name_for_a_commit(repo, commit):
    """A new branch stands where it was asked for, and HEAD stays."""
    repo.branch("exp/blur", "HEAD")
    found = [(b.name, b.commit, b.is_current, b.has_draft) for b in repo.branches()]
    assert [("exp/blur", commit.id, False, False), ("main", commit.id, True, False)] == found


def test_the_current_branch_is_listed_before_its_first_commit(repo, put):
    """An empty repository has one branch, without a commit; its draft shows."""
    put("quality", {"s3://a": 1})
    assert [("main", None, True)] == [(b.name, b.commit, b.has_draft) for b in repo.branches()]


def test_names_are_taken_once(repo, commit):
    """A branch and a tag never share a name, so a revision means one thing."""
    repo.branch("x")
    repo.tag("y")
    for make, name in ((repo.branch, "x"), (repo.branch, "y"), (repo.tag, "x"), (repo.tag, "y")):
        with pytest.raises(RefExistsError):
            make(name)


def test_a_branch_needs_a_commit(repo):
    """Before the first commit there is nothing to point at."""
    with pytest.raises(RefNotFoundError):
        repo.branch("exp")
    with pytest.raises(InvalidNameError):
        repo.branch("@draft")


def test_deleting_branches(repo, commit, put):
    """The current branch, one with a draft, and the only way to a commit are kept unless forced."""
    repo.branch("exp")
    with pytest.raises(UserError, match="current"):
        repo.delete_branch("main")
    with pytest.raises(RefNotFoundError):
        repo.delete_branch("nope")
    repo.delete_branch("exp")
    repo.switch("exp", create=True)
    put("quality", {"s3://a": 2})
    lost = repo.commit("two")
    put("quality", {"s3://a": 3})
    repo.switch("main", discard=True)
    with pytest.raises(UserError, match=lost.id[:12]):
        repo.delete_branch("exp")
    repo.tag("kept", "exp")
    repo.delete_branch("exp")
    assert ["main"] == [branch.name for branch in repo.branches()]


def test_a_branch_with_a_draft_is_not_deleted_unforced(repo, commit, put):
    """What another branch holds beyond its commits goes only by force."""
    repo.switch("exp", create=True)
    put("quality", {"s3://a": 3})
    # Another process that moved HEAD leaves the draft behind.
    from dsvc.repo.refs import symbolic
    from dsvc.store.base import RefChange

    repo.store.refs.update([RefChange("HEAD", symbolic("exp"), symbolic("main"))])
    with pytest.raises(DirtyWorktreeError):
        repo.delete_branch("exp")
    repo.delete_branch("exp", force=True)
    assert repo.store.refs.get("drafts/exp") is None


def test_a_tag_says_who_when_and_why(repo, commit):
    """A tag keeps author, time and message, and points at its commit for good."""
    repo.tag("v1", message="first")
    (tag,) = repo.tags()
    assert ("v1", commit.id, None, "ann", "first") == (tag.name, tag.commit, tag.dataset, tag.author, tag.message)
    assert tag.time > commit.time


def test_a_tag_of_a_dataset_needs_the_dataset(repo, commit):
    """`spoof@v3` is refused where there is no such dataset; every version has `global`."""
    with pytest.raises(DatasetNotFoundError):
        repo.tag("spoof@v3")
    repo.tag("global@v3")
    assert ["global"] == [tag.dataset for tag in repo.tags()]
    assert commit.id == repo.resolve("global@v3").hex()


def test_deleting_a_tag(repo, commit):
    """A tag can be taken away, once."""
    repo.tag("v1")
    repo.delete_tag("v1")
    assert [] == repo.tags()
    with pytest.raises(RefNotFoundError):
        repo.delete_tag("v1")
