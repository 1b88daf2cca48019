from dsvc.objects.oid import ZERO
from dsvc.objects.state import Derived, State
from dsvc.repo.draft import DraftEdit


def test_a_commit_in_full(repo, put):
    """What a commit holds, and what it changed against its first parent."""
    put("quality", {"s3://a": 1})
    repo.commit("one")
    put("quality", {"s3://a": 2, "s3://b": 3})
    (repo.path / "dsvc.toml").write_text("# edited\n")
    repo.edit_draft(lambda view, writer: DraftEdit(state=State(derived=(Derived("quality", ZERO),))), command="state")
    repo.commit("two")
    repo.tag("v2", message="second")
    shown = repo.show()
    assert ("two", ("HEAD", "main", "v2")) == (shown.commit.message, shown.commit.refs)
    assert [("quality", 2, True)] == [(s.name, s.n_records, s.is_derived) for s in shown.signals]
    assert [("quality", "~", 1, 2)] == [(c.name, c.op, c.before, c.after) for c in shown.signal_changes]
    assert (("~", "dsvc.toml"),) == shown.recipe_changes
    assert ["second"] == [tag.message for tag in shown.tags]


def test_the_first_commit_changed_everything(repo, put):
    """Without a parent, all of it is new."""
    put("quality", {"s3://a": 1})
    repo.commit("one")
    shown = repo.show("main")
    assert ["+"] == [change.op for change in shown.signal_changes]
    assert (("+", "dsvc.toml"),) == shown.recipe_changes
    assert () == shown.datasets
