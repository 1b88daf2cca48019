import pytest

from dsvc.errors import AmbiguousOidError, RefNotFoundError
from dsvc.objects.oid import Oid
from dsvc.repo.refs import SYMBOLIC, read_head, resolve, split_range, symbolic


@pytest.fixture
def commits(repo, put):
    """Three commits in a row, ids in hex."""
    ids = []
    for value in range(3):
        put("quality", {"s3://a": value})
        ids.append(repo.commit(f"quality {value}").id)
    return ids


def test_head_is_on_main_before_the_first_commit(repo):
    """A new repository is on branch main, which has no commit."""
    head = read_head(repo.store)
    assert ("main", None, "heads/main", "drafts/main") == (head.branch, head.commit, head.ref, head.draft_ref)


def test_a_head_of_32_bytes_on_a_branch_is_no_commit(repo, commits):
    """A symbolic HEAD that happens to be as long as an id is still symbolic."""
    name = "x" * (32 - len(SYMBOLIC))
    repo.switch(name, create=True)
    assert 32 == len(symbolic(name))
    assert name == repo.head().branch


@pytest.mark.parametrize(
    "revision, place",
    [
        ("HEAD", 2),
        ("@", 2),
        ("main", 2),
        ("HEAD~1", 1),
        ("HEAD~", 1),
        ("HEAD^", 1),
        ("HEAD^^", 0),
        ("main~2", 0),
        ("HEAD^0", 2),
        ("HEAD~0", 2),
        ("main~1^1", 0),
    ],
)
def test_revisions_name_commits(repo, commits, revision, place):
    """Names, first parents back and chosen parents all lead to the commit they say."""
    assert commits[place] == repo.resolve(revision).hex()


def test_ids_name_commits_whole_or_short(repo, commits):
    """An id names its commit, and so do its first digits."""
    for oid in commits:
        assert oid == repo.resolve(oid).hex()
        assert oid == repo.resolve(oid[:12]).hex()


def test_tags_are_peeled(repo, commits):
    """A tag, by name or by the id of its object, is the commit it was put on."""
    repo.tag("v1", "HEAD~1")
    assert commits[1] == repo.resolve("v1").hex()
    value = repo.store.refs.get("tags/v1")
    assert commits[1] == repo.resolve(value.hex()).hex()
    assert commits[0] == repo.resolve("v1~1").hex()


def test_a_short_id_of_several_commits_is_ambiguous(repo, commits):
    """Digits that begin several ids are an error that lists them."""
    first = Oid(bytes.fromhex(commits[0]))
    with pytest.raises(AmbiguousOidError) as caught:
        resolve(repo.store, "abcd", lambda _: [first, Oid(bytes(32))])
    assert commits[0][:16] in str(caught.value)


@pytest.mark.parametrize("revision", ["", "nope", "HEAD~9", "HEAD^2", "abc", "f" * 64, "@draft", "main~x", "~1"])
def test_what_names_nothing_is_not_found(repo, commits, revision):
    """A revision that leads nowhere is RefNotFoundError, never another error."""
    with pytest.raises(RefNotFoundError):
        repo.resolve(revision)


def test_a_range_is_no_single_version(repo, commits):
    """What takes one is said."""
    with pytest.raises(RefNotFoundError, match="no single version") as caught:
        repo.resolve("main..main")

    assert "A..B" in caught.value.hint


def test_a_misspelt_branch_is_hinted(repo, commits):
    """The hint names the branch that was meant."""
    repo.branch("exp/blur")
    with pytest.raises(RefNotFoundError) as caught:
        repo.resolve("exp/bulr")
    assert "exp/blur" in caught.value.hint


def test_head_before_the_first_commit_says_so(repo):
    """HEAD of a repository without commits names the draft as the way out."""
    with pytest.raises(RefNotFoundError) as caught:
        repo.resolve("HEAD")
    assert "@draft" in caught.value.hint


def test_an_object_that_is_no_commit_is_no_revision(repo, commits):
    """The id of a root does not resolve."""
    with pytest.raises(RefNotFoundError, match="is a root"):
        repo.resolve(repo.view().root_id.hex())


@pytest.mark.parametrize(
    "text, ends", [("a..b", ("a", "b")), ("..b", ("HEAD", "b")), ("a..", ("a", "HEAD")), ("a", None)]
)
def test_ranges(text, ends):
    """A..B has two ends; one left out is HEAD."""
    assert ends == split_range(text)
