import pytest

from dsvc.errors import DirtyWorktreeError, InvalidNameError, RefExistsError, RefNotFoundError


@pytest.fixture
def recipe(repo):
    """The path of the recipe file."""
    return repo.path / "dsvc.toml"


@pytest.fixture
def two(repo, put, recipe):
    """Two branches, `main` and `exp`, with different records and recipes; on main."""
    put("quality", {"s3://a": 1})
    repo.commit("one")
    repo.switch("exp", create=True)
    put("quality", {"s3://a": 2})
    recipe.write_text("# exp\n")
    repo.commit("two")
    repo.switch("main")
    return repo


def test_switching_moves_head_and_writes_the_recipe(two, recipe, values):
    """Another branch brings its records and its recipe files."""
    assert {"s3://a": 1} == values("quality", "HEAD")
    two.switch("exp")
    assert "exp" == two.head().branch
    assert "# exp\n" == recipe.read_text()
    assert {"s3://a": 2} == values("quality", "HEAD")


def test_a_new_branch_takes_the_draft_along(two, put, recipe, values):
    """`switch -c` carries draft and recipe edits; the old branch is clean after."""
    put("quality", {"s3://a": 9})
    recipe.write_text("# edited\n")
    two.switch("next", create=True)
    assert {"s3://a": 9} == values("quality")
    assert "# edited\n" == recipe.read_text()
    two.commit("nine")
    two.switch("main")
    assert two.status().is_clean
    assert {"s3://a": 1} == values("quality")


def test_a_new_branch_can_begin_elsewhere(two, put, values):
    """`switch -c NAME REV` starts there, and only without anything to lose."""
    two.switch("again", create=True, revision="exp")
    assert {"s3://a": 2} == values("quality")
    put("quality", {"s3://a": 5})
    with pytest.raises(DirtyWorktreeError):
        two.switch("third", create=True, revision="main")
    assert "again" == two.head().branch


def test_before_the_first_commit_a_new_branch_takes_all(repo, put, values):
    """On a branch without commits, `switch -c` renames it."""
    put("quality", {"s3://a": 1})
    repo.switch("trunk", create=True)
    repo.commit("one")
    assert ["trunk"] == [branch.name for branch in repo.branches()]
    assert {"s3://a": 1} == values("quality", "trunk")


@pytest.mark.parametrize("what", ["draft", "recipe", "deleted"])
def test_a_switch_that_would_lose_something_is_refused(two, put, recipe, what):
    """A draft, an edited and a deleted recipe file each stop a switch, and nothing is moved."""
    if what == "draft":
        put("quality", {"s3://b": 1})
    elif what == "recipe":
        recipe.write_text("# edited\n")
    else:
        recipe.unlink()
    for move in (two.switch, two.checkout_revision):
        with pytest.raises(DirtyWorktreeError) as caught:
            move("exp")
        assert ("the draft of main" if what == "draft" else "dsvc.toml") in str(caught.value)
    assert "main" == two.head().branch


def test_discard_drops_what_is_in_the_way(two, put, recipe, values):
    """With `discard` the draft and the edits are gone on both branches."""
    put("quality", {"s3://b": 1})
    recipe.write_text("# edited\n")
    two.switch("exp", discard=True)
    two.switch("main")
    assert {"s3://a": 1} == values("quality")
    assert "# edited\n" != recipe.read_text()


def test_discarding_stays_where_it_is(two, put, recipe, values):
    """`discard` brings back the last commit's records and recipe."""
    two.switch("exp")
    put("quality", {"s3://b": 1})
    recipe.write_text("# edited\n")
    two.discard()
    assert ("exp", True) == (two.head().branch, two.status().is_clean)
    assert "# exp\n" == recipe.read_text()


def test_any_commit_can_be_checked_out(two, recipe, values):
    """`checkout REV` detaches HEAD at the commit; a branch's name goes back onto the branch."""
    two.tag("v1", "exp")
    two.checkout_revision("v1")
    assert two.head().branch is None
    assert "# exp\n" == recipe.read_text()
    assert {"s3://a": 2} == values("quality", "HEAD")
    two.checkout_revision("main")
    assert "main" == two.head().branch


def test_a_detached_head_has_a_draft_and_commits(two, put, values):
    """Away from any branch, put and commit work, and HEAD moves along."""
    two.checkout_revision("HEAD~0")
    put("quality", {"s3://z": 3})
    made = two.commit("detached")
    assert made.id == two.resolve("HEAD").hex()
    assert {"s3://a": 1} == values("quality", "main")
    two.switch("rescue", create=True)
    assert {"s3://a": 1, "s3://z": 3} == values("quality", "rescue")


def test_files_in_the_way_stop_a_switch(two, recipe):
    """A file of the other branch's recipe that lies there uncommitted is not overwritten."""
    two.switch("exp")
    recipe.unlink()
    two.commit("no recipe")
    recipe.write_text("# mine, never committed\n")
    with pytest.raises(DirtyWorktreeError):
        two.switch("main")
    two.switch("main", discard=True)
    assert "never committed" not in recipe.read_text()


def test_unknown_and_taken_names(two):
    """A branch that is not there, one that is, and an impossible name are told apart."""
    with pytest.raises(RefNotFoundError) as caught:
        two.switch("nope")
    assert "switch -c nope" in caught.value.hint
    with pytest.raises(RefExistsError):
        two.switch("exp", create=True)
    with pytest.raises(InvalidNameError):
        two.switch("a..b", create=True)
    with pytest.raises(RefNotFoundError):
        two.checkout_revision("nope")


def test_switching_to_where_one_is_does_nothing(two, put):
    """The current branch is never refused, draft or not."""
    put("quality", {"s3://b": 1})
    before = sum(1 for _ in two.operations())
    two.switch("main")
    assert before == sum(1 for _ in two.operations())
