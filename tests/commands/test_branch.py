"""`dsvc branch`."""


def test_branches_are_listed_with_the_current_one_marked(scores):
    """Name, commit, and a star at the current one."""
    made = scores("branch", "exp/blur", "HEAD~1")
    rows = [line.split() for line in scores("branch").lines]

    assert made.out.startswith("Branch exp/blur is at ")
    assert [["exp/blur"], ["*", "main"]] == [row[:-1] for row in rows]


def test_branch_for_programs(scores):
    """Whole ids, and whether there is a draft."""
    scores.put("other", {"s3://f/1": 1})
    (branch,) = scores.json("branch")

    assert ("main", True, True, 64) == (
        branch["name"],
        branch["is_current"],
        branch["has_draft"],
        len(branch["commit"]),
    )


def test_branch_is_taken_away(scores):
    """`-d` deletes what another branch leads to."""
    scores("branch", "old", "HEAD~1")
    scores("branch", "-d", "old")

    assert ["main"] == [branch["name"] for branch in scores.json("branch")]


def test_current_branch_stays(scores):
    """The branch one stands on cannot be deleted."""
    assert "current" in scores("branch", "-d", "main", expect=1).err


def test_deleting_needs_a_name(scores):
    """Wrong usage, with the right one."""
    assert "dsvc branch -d NAME" in scores("branch", "-d", expect=2).err


def test_name_that_exists_is_refused(scores):
    """A branch is not moved by making it again."""
    assert "exists already" in scores("branch", "main", expect=1).err


def test_branches_are_deleted_one_at_a_time(scores):
    """A second name is wrong usage, and so is a dry run of what loses nothing."""
    scores("branch", "a")
    scores("branch", "b")

    assert "one at a time" in scores("branch", "-d", "a", "b", expect=2).err
    assert "--delete" in scores("branch", "-n", "c", expect=2).err
    assert {"main", "a", "b"} == {branch["name"] for branch in scores.json("branch")}
