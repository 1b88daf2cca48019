"""`dsvc commit`."""


def test_commit_says_records_before_and_after(scores):
    """The new commit's line, then each signal with its counts."""
    scores.put("spoof_score", {"s3://f/9": 0.9})
    lines = scores("commit", "-m", "third scores").lines

    assert lines[0].endswith("(HEAD, main) third scores")
    assert "  ~  signal  spoof_score  3 -> 4 records  values changed" == lines[1]


def test_commit_of_nothing_is_refused(scores):
    """Nothing changed is an error, unless it is allowed."""
    assert "--allow-empty" in scores("commit", "-m", "x", expect=1).err
    scores("commit", "-m", "x", "--allow-empty")


def test_commit_needs_a_message(repo):
    """No editor opens; the option is asked for."""
    assert "--message" in repo("commit", expect=2).err


def test_commit_for_programs(scores):
    """The commit, then what it changed."""
    scores.put("spoof_score", {"s3://f/9": 0.9})
    commit, change = scores.json("commit", "-m", "third")

    assert ("commit", "third") == (commit["type"], commit["message"])
    assert ("signal-change", 3, 4) == (change["type"], change["before"], change["after"])
    assert commit["id"] == scores.json("log", "-n1")[0]["id"]
