"""`dsvc op`."""


def test_operations_are_listed_newest_first(scores):
    """Each command that moved something, with what moved."""
    lines = scores("op", "log").lines

    assert lines[0].endswith("Ada <ada@example.org>  commit")
    assert any(line.strip().startswith("heads/main: ") for line in lines)
    assert any(line.strip().startswith("drafts/main: none -> root ") for line in lines)


def test_operations_stop_at_the_limit(scores):
    """`-n 1` is the last one."""
    assert ["commit"] == [item["command"] for item in scores.json("op", "log", "-n1")]


def test_operation_for_programs(scores):
    """Values of refs in hex, None where there was none."""
    first = scores.json("op", "log")[-1]

    assert ("operation", 1, "init") == (first["type"], first["number"], first["command"])
    assert [{"ref": "HEAD", "before": None, "after": b"ref:heads/main".hex()}] == first["moves"]
