"""`dsvc put`."""

import json
from pathlib import Path

import pytest


def test_put_says_what_it_did(repo):
    """New, changed and equal records are counted apart."""
    repo.put("score", {"s3://f/1": 0.1, "s3://f/2": 0.2})

    assert "Put score (float64): 2 added\n" == repo.put("score", {"s3://f/1": 0.1, "s3://f/2": 0.2}).out.replace(
        "0 added, 2 same", "2 added"
    )
    assert "Put score (float64): 1 added, 1 changed" == repo.put("score", {"s3://f/2": 0.5, "s3://f/3": 1.0}).lines[0]


def test_put_for_programs(repo):
    """All counts, and the type that was found."""
    Path("a.csv").write_text("source,n\ns3://f/1,1\n")

    assert [
        {"type": "put", "signal": "n", "signal_type": "int64", "added": 1, "changed": 0, "same": 0, "removed": 0}
    ] == repo.json("put", "n", "a.csv", "-p", "x@1")


def test_put_of_a_named_type(repo):
    """`--type` gives the signal its type; missing fields are null."""
    Path("b.jsonl").write_text(json.dumps({"source": "s3://f/1", "faces": [{"x": 1, "y": 2, "w": 3, "h": 4}]}))
    repo("put", "faces", "b.jsonl", "--producer", "hand@1", "--type", "boxes")

    assert {"x": 1.0, "y": 2.0, "w": 3.0, "h": 4.0, "score": None, "label": None} == repo.json(
        "show", "@draft", "faces", "s3://f/1"
    )[0]["value"][0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param('{"source": "s3://f/1", "score": 1}\n' * 2, ["s3://f/1"], id="twice"),
        pytest.param('{"source": "s3://f/1"}', ["no column"], id="no-value"),
        pytest.param('{"score": 1}', ["source"], id="no-source"),
        pytest.param('{"source": "%s", "score": 1}' % ("x" * 1101), ["1,100"], id="long-pointer"),
        pytest.param("no json", ["v.jsonl", "line 1"], id="no-json"),
        pytest.param('{"source": "s3://f/1", "score": "data:image/png;base64,iVBORw0KGgo="}', ["data URI"], id="image"),
        pytest.param(
            '{"source": "s3://f/1", "score": 1}\n{"source": "s3://f/2", "score": "high"}',
            ["s3://f/2", "score"],
            id="mixed-types",
        ),
    ],
)
def test_bad_rows_are_refused_whole(text, words, repo):
    """The error names the row or the column, and nothing was put."""
    Path("v.jsonl").write_text(text)
    result = repo("put", "score", "v.jsonl", "-p", "x@1", expect=1)

    assert [] == [word for word in words if word not in result.err]
    assert repo.json("status")[0]["is_clean"]


def test_missing_file_is_named(repo):
    """Which file, and exit status 1."""
    assert "nowhere.csv" in repo("put", "score", "nowhere.csv", "-p", "x@1", expect=1).err


def test_producer_is_asked_for(repo):
    """A record without a producer could not be blamed."""
    assert "--producer" in repo("put", "score", "a.csv", expect=2).err


def test_replace_drops_the_other_records(scores):
    """The signal is what the file says, of another type too."""
    Path("n.csv").write_text("source,spoof_score\ns3://f/1,high\n")
    assert "--replace" in scores("put", "spoof_score", "n.csv", "-p", "x@1", expect=1).err
    scores("put", "spoof_score", "n.csv", "-p", "x@1", "--replace")

    assert [("s3://f/1", "high")] == [(row["source"], row["spoof_score"]) for row in scores.json("read", "@draft")]
