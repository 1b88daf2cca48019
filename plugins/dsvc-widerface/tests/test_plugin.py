"""The feed as dsvc reads it: found by its entry point, held to the contract, and taken in by an ingest."""

import os
from pathlib import Path

import pytest
from dsvc_widerface.plugin import WiderFaceFeed, to_document

import dsvc
from dsvc.errors import FeedError
from dsvc.plugins import FeedQuery
from dsvc.testing.plugins import FeedTests

RAW_DATA = os.environ.get("DSVC_TEST_RAW_DATA")
"""Directory with the published annotations, below `labels`."""

PREFIX = "s3://wider/images"
TEXT = """0--Parade/a.jpg
2
10 20 30 40 0 0 0 0 0 0
5 6 0 8 2 1 1 1 2 1
1--Handshaking/b.jpg
0
0 0 0 0 0 0 0 0 0 0
0--Parade/ü.jpg
1
1026 474 -2 23 1 0 0 0 1 0
1--Handshaking/d.jpg
1
3 4 5 6 0 0 0 0 0 0
"""
DOCUMENTS = (
    {
        "uri": f"{PREFIX}/0--Parade/a.jpg",
        "path": "0--Parade/a.jpg",
        "event": "0--Parade",
        "boxes": [
            {"x": 10.0, "y": 20.0, "w": 30.0, "h": 40.0, "score": None, "label": "face"},
            {"x": 5.0, "y": 6.0, "w": 0.0, "h": 8.0, "score": None, "label": "face"},
        ],
        "attributes": [
            {
                "blur": "clear",
                "expression": "typical",
                "illumination": "normal",
                "invalid": False,
                "occlusion": "none",
                "pose": "typical",
                "zero_size": False,
                "negative_size": False,
            },
            {
                "blur": "heavy",
                "expression": "exaggerated",
                "illumination": "extreme",
                "invalid": True,
                "occlusion": "heavy",
                "pose": "atypical",
                "zero_size": True,
                "negative_size": False,
            },
        ],
        "counts": {"boxes": 2, "invalid": 1, "zero_size": 1, "negative_size": 0},
        "line": 1,
    },
    {
        "uri": f"{PREFIX}/1--Handshaking/b.jpg",
        "path": "1--Handshaking/b.jpg",
        "event": "1--Handshaking",
        "boxes": [],
        "attributes": [],
        "counts": {"boxes": 0, "invalid": 0, "zero_size": 0, "negative_size": 0},
        "line": 5,
    },
    {
        "uri": f"{PREFIX}/0--Parade/ü.jpg",
        "path": "0--Parade/ü.jpg",
        "event": "0--Parade",
        "boxes": [{"x": 1026.0, "y": 474.0, "w": -2.0, "h": 23.0, "score": None, "label": "face"}],
        "attributes": [
            {
                "blur": "normal",
                "expression": "typical",
                "illumination": "normal",
                "invalid": False,
                "occlusion": "partial",
                "pose": "typical",
                "zero_size": False,
                "negative_size": True,
            }
        ],
        "counts": {"boxes": 1, "invalid": 0, "zero_size": 0, "negative_size": 1},
        "line": 8,
    },
    {
        "uri": f"{PREFIX}/1--Handshaking/d.jpg",
        "path": "1--Handshaking/d.jpg",
        "event": "1--Handshaking",
        "boxes": [{"x": 3.0, "y": 4.0, "w": 5.0, "h": 6.0, "score": None, "label": "face"}],
        "attributes": [
            {
                "blur": "clear",
                "expression": "typical",
                "illumination": "normal",
                "invalid": False,
                "occlusion": "none",
                "pose": "typical",
                "zero_size": False,
                "negative_size": False,
            }
        ],
        "counts": {"boxes": 1, "invalid": 0, "zero_size": 0, "negative_size": 0},
        "line": 11,
    },
)


def make_feed(place, query=None, path="x.txt", prefix=f"{PREFIX}/"):
    """Return a feed of a file."""
    return WiderFaceFeed("wider", {"path": path, "prefix": prefix}, place, query or FeedQuery())


class TestWiderFaceFeed(FeedTests):
    """The contract of dsvc."""

    documents = DOCUMENTS
    key = "line"
    cursor = None
    filters = (({"event": "0--Parade"}, [1, 8]), ({"counts.boxes": {"$gt": 1}}, [1]))
    fields = ("line", "uri", "boxes", "counts.invalid")
    look_up = (
        "uri",
        [f"{PREFIX}/1--Handshaking/b.jpg", f"{PREFIX}/0--Parade/ü.jpg", f"{PREFIX}/none.jpg"],
        {"event": {"$ne": "1--Handshaking"}},
        [8],
    )

    def make_feed(self, documents, place, query):
        lines = TEXT.splitlines(keepends=True)
        ends = {1: 4, 5: 7, 8: 10, 11: 13}
        kept = [lines[document["line"] - 1 : ends[document["line"]]] for document in documents]
        (place / "x.txt").write_text("".join(line for part in kept for line in part))
        return make_feed(place, query)

    def make_missing_feed(self, place):
        return make_feed(place, path="gone.txt")


def test_an_annotation_is_a_document(tmp_path):
    """With the words of every code, and what is odd."""
    (tmp_path / "x.txt").write_text(TEXT)

    assert list(DOCUMENTS) == [document for batch in make_feed(tmp_path).read() for document in batch.documents]


@pytest.mark.parametrize(
    "prefix,expected",
    [
        ("s3://wider/images", "s3://wider/images/0--Parade/ü b%.jpg"),
        ("s3://wider/images/", "s3://wider/images/0--Parade/ü b%.jpg"),
        ("file:///data/images", "file:///data/images/0--Parade/%C3%BC%20b%25.jpg"),
    ],
)
def test_a_pointer_begins_with_the_prefix(tmp_path, prefix, expected):
    """The key of an object stands as it is; in the URI of a file some signs are written as %XX."""
    (tmp_path / "x.txt").write_text("0--Parade/ü b%.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n")

    assert [expected] == [
        document["uri"] for batch in make_feed(tmp_path, prefix=prefix).read() for document in batch.documents
    ]


def test_a_broken_file_is_an_error_with_its_line(tmp_path):
    """The feed, the file and the line are named."""
    (tmp_path / "x.txt").write_text(TEXT.replace("3 4 5 6", "3 4 5"))
    with pytest.raises(FeedError) as caught:
        list(make_feed(tmp_path).read())

    assert "wider" == caught.value.feed
    assert caught.value.reason.startswith("x.txt, line 13: expected face 1 of 1 of 1--Handshaking/d.jpg")


def test_a_file_that_is_no_text_is_an_error(tmp_path):
    """Rather than letters that nobody wrote."""
    (tmp_path / "x.txt").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(FeedError, match=r"cannot read x\.txt: it is no text"):
        list(make_feed(tmp_path).read())


def test_a_changed_file_has_another_fingerprint(tmp_path):
    """So it is read again, and else not."""
    (tmp_path / "x.txt").write_text(TEXT)
    before = make_feed(tmp_path).fingerprint()
    (tmp_path / "x.txt").write_text(TEXT + "a/z.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n")

    assert before != make_feed(tmp_path).fingerprint()


RECIPE = """
[feed.wider]
plugin  = "wider-face"
path    = "{path}"
prefix  = "s3://wider/WIDER_val/images/"
pointer = "uri"

[signal.faces]
from  = "wider"
type  = "boxes"
value = "boxes"

[signal.face_attributes]
from  = "wider"
value = "attributes"

[step.usable_faces]
type = "boxes"
sql  = "SELECT [f for f, i in faces if NOT (face_attributes[i].invalid OR f.w <= 0 OR f.h <= 0)] AS usable_faces"
"""


@pytest.fixture
def repo(tmp_path):
    """A repository without records."""
    with dsvc.init(tmp_path / "repo") as repo:
        yield repo


def test_a_file_is_ingested(repo):
    """Every image is a source, every box a box, odd ones included; a recipe can leave these out."""
    (repo.path / "val.txt").write_text(TEXT)
    (repo.path / "dsvc.toml").write_text(RECIPE.format(path="val.txt"))
    repo.ingest()
    repo.run()

    rows = repo.read("@draft", signals=["faces", "face_attributes", "usable_faces"]).to_pylist()
    expected = {d["path"]: (d["boxes"], d["attributes"]) for d in DOCUMENTS}
    prefix = "s3://wider/WIDER_val/images/"
    assert expected == {
        row["source"].removeprefix(prefix): (
            row["faces"],
            [{name: a[name] for name in DOCUMENTS[0]["attributes"][0]} for a in row["face_attributes"]],
        )
        for row in rows
    }
    assert {"a": 1, "b": 0, "ü": 0, "d": 1} == {Path(row["source"]).stem: len(row["usable_faces"]) for row in rows}


def test_the_published_annotations_are_ingested(repo):
    """All 3,226 images and 39,708 boxes of the validation set, and the 10 of them without width or height."""
    if RAW_DATA is None:
        pytest.skip("DSVC_TEST_RAW_DATA names no directory with the published files")
    path = Path(RAW_DATA) / "labels" / "wider_face_val_bbx_gt.txt"
    (repo.path / "dsvc.toml").write_text(RECIPE.format(path=path))
    repo.ingest()

    rows = repo.read("@draft", signals=["faces", "face_attributes"]).to_pylist()
    attributes = [a for row in rows for a in row["face_attributes"]]
    assert 3226 == len(rows)
    assert 39708 == sum(len(row["faces"]) for row in rows) == len(attributes)
    assert 10 == sum(a["zero_size"] for a in attributes)
    assert 1 == sum(a["negative_size"] for a in attributes)
    assert 1655 == sum(a["pose"] == "atypical" for a in attributes)
    assert {"blur", "expression", "illumination", "invalid", "occlusion", "pose", "zero_size", "negative_size"} == set(
        attributes[0]
    )


def test_documents_are_made_of_images_alone():
    """A document of no faces has the same fields as any."""
    from dsvc_widerface.annotations import Image

    assert set(DOCUMENTS[0]) == set(to_document(Image("a/b.jpg", 1, ()), "s3://a/b.jpg"))
