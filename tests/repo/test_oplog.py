import pytest

from dsvc.errors import DsvcError


def test_every_operation_is_logged_with_what_it_moved(repo, put):
    """Who, when, which command, and each ref's value before and after; numbers count up without gaps."""
    put("quality", {"s3://a": 1})
    commit = repo.commit("one")
    repo.branch("exp")
    repo.tag("v1")
    repo.switch("exp")
    log = list(repo.operations())
    assert ["switch exp", "tag v1", "branch exp", "commit", "put quality", "init"] == [op.command for op in log]
    assert [6, 5, 4, 3, 2, 1] == [op.number for op in log]
    assert {"ann"} == {op.author for op in log}
    assert sorted((op.time for op in log), reverse=True) == [op.time for op in log]
    moved = {move.name: (move.before, move.after) for move in log[3].moves}
    assert (None, bytes.fromhex(commit.id)) == moved["heads/main"]
    assert moved["drafts/main"][1] is None


def test_a_refused_operation_is_not_logged(repo, put):
    """What raised leaves no record."""
    before = [op.number for op in repo.operations()]
    for work in (lambda: repo.commit("nothing"), lambda: repo.branch("exp"), lambda: put("Bad", {"s3://a": 1})):
        with pytest.raises(DsvcError):
            work()
    assert before == [op.number for op in repo.operations()]
