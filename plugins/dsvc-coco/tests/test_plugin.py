"""The format as dsvc writes it: held to the contract, and a whole checkout read by another reader."""

import contextlib
import io
import json
import subprocess
import sys

import pyarrow as pa
import pytest
from coco_format import check_coco
from dsvc_coco.plugin import CocoExporter
from values import BOX, POINT, box, point

import dsvc
from dsvc.errors import SchemaError
from dsvc.testing.plugins import ExporterTests

SOURCES = ["s3://faces/1.jpg", "s3://faces/2.jpg", "s3://faces/ü.jpg"]


class TestCocoExporter(ExporterTests):
    """The contract of dsvc."""

    exporter = CocoExporter
    given = {"nulls": "empty"}
    table = pa.table(
        {
            "source": SOURCES,
            "boxes": pa.array(
                [[box(1.0, 2.0, 3.0, 4.0, 0.5), box(5.0, 6.0, 7.0, 8.0)], [], [box(0.5, 0.5, 1.5, 2.5)]], pa.list_(BOX)
            ),
            "country": ["DE", None, "CH"],
        }
    )

    def read_back(self, path):
        data = json.loads(path.read_text(encoding="utf-8"))
        names = {category["id"]: category["name"] for category in data["categories"]}
        found = check_coco(data)
        return [
            {
                "source": image["coco_url"],
                "boxes": [box(*a["bbox"], a.get("score"), names[a["category_id"]]) for a in found[image["coco_url"]]],
                "country": image["dsvc"]["country"],
            }
            for image in data["images"]
        ]


def test_boxes_are_annotations(export):
    """With their area, score and category; images without boxes are there too."""
    data = export(
        {
            "source": (SOURCES, None),
            "boxes": ([[box(1, 2, 3, 4, 0.5)], [], [box(5, 6, 7, 8, None, "mask")]], pa.list_(BOX)),
        }
    )
    found = check_coco(data)

    assert [1, 0, 1] == [len(found[source]) for source in SOURCES]
    assert ([1, 2, 3, 4], 12, 0.5) == tuple(found[SOURCES[0]][0][name] for name in ("bbox", "area", "score"))
    assert "score" not in found[SOURCES[2]][0]
    assert {"face", "mask"} == {category["name"] for category in data["categories"]}


def test_one_box_a_row_is_an_annotation(export):
    """A column like `face_boxes[1]`."""
    found = check_coco(export({"source": (SOURCES[:2], None), "box": ([box(1, 2, 3, 4), box(5, 6, 7, 8)], BOX)}))

    assert [[[1, 2, 3, 4]], [[5, 6, 7, 8]]] == [[a["bbox"] for a in found[source]] for source in SOURCES[:2]]


def test_keypoints_go_with_their_box(export):
    """Points that are not there are three zeros; scores are kept beside."""
    keypoints = [[[point(1, 2, 0.9), point(None, None), None]]]
    columns = {
        "source": (SOURCES[:1], None),
        "boxes": ([[box(0, 0, 9, 9)]], pa.list_(BOX)),
        "points": (keypoints, pa.list_(pa.list_(POINT, 3))),
    }
    data = export(columns, points="left_eye, right_eye, nose")
    (annotation,) = check_coco(data)[SOURCES[0]]

    assert [1, 2, 2, 0, 0, 0, 0, 0, 0] == annotation["keypoints"]
    assert (1, [0.9, None, None]) == (annotation["num_keypoints"], annotation["keypoint_scores"])
    assert [0, 0, 9, 9] == annotation["bbox"]
    assert ["left_eye", "right_eye", "nose"] == data["categories"][0]["keypoints"]


def test_keypoints_alone_have_the_least_box(export):
    """COCO wants one."""
    keypoints = [[[point(4, 2), point(1, 8)], [point(None, None), point(None, None)]]]
    data = export({"source": (SOURCES[:1], None), "points": (keypoints, pa.list_(pa.list_(POINT, 2)))}, label="person")
    first, second = check_coco(data)[SOURCES[0]]

    assert ([1, 2, 3, 6], 18) == (first["bbox"], first["area"])
    assert ([0, 0, 0, 0], 0) == (second["bbox"], second["num_keypoints"])
    assert [("person", ["point_1", "point_2"])] == [(c["name"], c["keypoints"]) for c in data["categories"]]


def test_ids_depend_on_what_they_name_alone(export):
    """The same image, object and label have the same numbers in another version with other images and labels."""
    columns = {
        "source": (SOURCES, None),
        "boxes": ([[box(1, 2, 3, 4)], [box(0, 0, 1, 1, None, "a")], []], pa.list_(BOX)),
    }
    whole = export(columns)
    part = export({name: (values[:1], type_) for name, (values, type_) in columns.items()})

    assert part["images"] == whole["images"][:1]
    assert part["annotations"] == whole["annotations"][:1]
    assert part["categories"][0] in whole["categories"]


def test_listed_categories_are_numbered_from_one(export):
    """All of them are in every file, also where no object has one."""
    columns = {"source": (SOURCES[:1], None), "boxes": ([[box(1, 2, 3, 4, None, "mask")]], pa.list_(BOX))}
    data = export(columns, categories="face, mask, glasses")

    assert [(1, "face"), (2, "mask"), (3, "glasses")] == [(c["id"], c["name"]) for c in data["categories"]]
    assert 2 == data["annotations"][0]["category_id"]
    with pytest.raises(SchemaError, match="label 'mask' is not among the categories face, person"):
        export(columns, categories="face,person")


def test_an_object_without_a_label_has_a_category(export):
    """`object`, or what the option says."""
    columns = {"source": (SOURCES[:1], None), "boxes": ([[box(1, 2, 3, 4, None, None)]], pa.list_(BOX))}

    assert ["object"] == [c["name"] for c in export(columns)["categories"]]
    assert ["face"] == [c["name"] for c in export(columns, label="face")["categories"]]


def test_sizes_and_other_columns_go_with_the_image(export):
    """Columns `width` and `height` are COCO's; what it has no place for is kept beside."""
    columns = {
        "source": (SOURCES[:2], None),
        "boxes": ([[], []], pa.list_(BOX)),
        "width": ([640, None], pa.int32()),
        "height": ([480, None], pa.int32()),
        "quality": ([0.5, float("nan")], pa.float64()),
    }
    first, second = export(columns)["images"]

    assert (640, 480, {"quality": 0.5}) == (first["width"], first["height"], first["dsvc"])
    assert "width" not in second
    assert {"quality": None} == second["dsvc"]


def test_several_rows_of_one_source_are_one_image(export):
    """A dataset may have a row for each face; what such a row says is said of the face."""
    columns = {
        "source": ([SOURCES[0]] * 3 + SOURCES[1:2], None),
        "box": ([box(1, 2, 3, 4), box(5, 6, 7, 8), box(9, 9, 1, 1), box(0, 0, 1, 1)], BOX),
        "sharp": ([1, 2, 3, 4], pa.int64()),
    }
    data = export(columns)
    found = check_coco(data)

    assert 2 == len(data["images"])
    assert [1, 2, 3] == [a["dsvc"]["sharp"] for a in found[SOURCES[0]]]
    assert [None, {"sharp": 4}] == [image.get("dsvc") for image in data["images"]]


def test_file_names_leave_out_the_root(export):
    """As loaders join them to a directory; the pointer is kept whole."""
    columns = {"source": (SOURCES, None), "boxes": ([[], [], []], pa.list_(BOX))}
    images = export(columns, root="s3://faces/")["images"]

    assert ["1.jpg", "2.jpg", "ü.jpg"] == [image["file_name"] for image in images]
    assert SOURCES == [image["coco_url"] for image in images]
    with pytest.raises(SchemaError, match=r"s3://faces/1\.jpg does not begin with 's3://other/'"):
        export(columns, root="s3://other/")


@pytest.mark.parametrize(
    "value,type_,error",
    [
        pytest.param(None, pa.list_(BOX), r"s3://faces/1\.jpg: boxes is null, which COCO cannot tell", id="null boxes"),
        pytest.param(None, BOX, "boxes is null, which COCO cannot tell from no objects", id="null box"),
        pytest.param([box(1, None, 2, 3)], pa.list_(BOX), r"a box of \[1.0, None, 2.0, 3.0\]", id="null corner"),
        pytest.param([box(1, 1, 2, float("inf"))], pa.list_(BOX), "expected four numbers", id="infinite side"),
    ],
)
def test_what_coco_cannot_hold_is_an_error_with_its_source(export, tmp_path, value, type_, error):
    """Nothing is left out silently, and no half of a file is left."""
    with pytest.raises(SchemaError, match=error):
        export({"source": (SOURCES[:1], None), "boxes": ([value], type_)})
    assert [] == list(tmp_path.iterdir())


def test_null_boxes_may_count_as_none(export):
    """Where one says so."""
    columns = {"source": (SOURCES[:2], None), "boxes": ([None, [box(1, 1, 1, 1)]], pa.list_(BOX))}

    assert [0, 1] == [len(found) for found in check_coco(export(columns, nulls="empty")).values()]


def test_boxes_and_keypoints_must_pair(export):
    """One for the other."""
    columns = {
        "source": (SOURCES[:1], None),
        "boxes": ([[box(1, 1, 1, 1)]], pa.list_(BOX)),
        "points": ([[]], pa.list_(pa.list_(POINT, 2))),
    }
    with pytest.raises(SchemaError, match="there are 1 boxes and keypoints of 0"):
        export(columns)
    with pytest.raises(SchemaError, match="there are 2 keypoints, and names of 3"):
        export(columns, points="a,b,c")


RECIPE = """
[split.halves]
by    = "source_number.n"
parts = { train = 0.5, val = 0.3, test = 0.2 }

[dataset.detector]
where   = "faces IS NOT NULL"
columns = { boxes = "faces", n = "source_number.n" }
split   = "halves"
"""


@pytest.fixture
def checked_out(tmp_path):
    """A dataset of 100 images with a split, checked out by the command line; its directory."""
    sources = [f"s3://faces/{number:03}.jpg" for number in range(100)]
    faces = [[box(float(n), 2.0, 10.0 + i, 20.0, 0.9) for i in range(n % 4)] for n in range(100)]
    with dsvc.init(tmp_path / "repo") as repo:
        (repo.path / "dsvc.toml").write_text(RECIPE)
        repo.put("faces", pa.table({"source": sources, "faces": faces}), producer="detector@1", type="boxes")
        repo.put("source_number", pa.table({"source": sources, "n": list(range(100))}), producer="import@1")
        repo.run()
        repo.commit("faces")
    words = ["checkout", "main", "detector", "--to", str(tmp_path / "out"), "--format", "coco"]
    command = [sys.executable, "-m", "dsvc", "-C", str(tmp_path / "repo"), *words, "-o", "categories=face"]
    subprocess.run(command, check=True, capture_output=True)
    return tmp_path / "out"


def test_a_checkout_is_one_data_set_for_each_part_of_the_split(checked_out):
    """Each is valid, and together they have every image and every box once."""
    manifest = json.loads((checked_out / "dsvc-manifest.json").read_text())
    sets = {entry["split"]: json.loads((checked_out / entry["name"]).read_text()) for entry in manifest["files"]}

    assert {"train", "val", "test"} == set(sets)
    assert {f"{name}.json" for name in sets} == {
        path.name.partition(".")[2] for path in checked_out.glob("part-*.json")
    }
    found = [check_coco(data) for data in sets.values()]
    assert all(found)
    sources = [source for one in found for source in one]
    assert 100 == len(sources) == len(set(sources))
    boxes = {source: [a["bbox"] for a in annotations] for one in found for source, annotations in one.items()}
    assert boxes == {
        f"s3://faces/{n:03}.jpg": [[float(n), 2.0, 10.0 + i, 20.0] for i in range(n % 4)] for n in range(100)
    }
    ids = [image["id"] for data in sets.values() for image in data["images"]]
    assert 100 == len(set(ids))


def test_pycocotools_reads_a_checkout(checked_out):
    """The reader that everybody uses: its index, its queries, and its evaluation of the boxes against themselves."""
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    (path,) = checked_out.glob("part-*.train.json")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO(str(path))
        image_ids = truth.getImgIds()
        annotations = truth.loadAnns(truth.getAnnIds(catIds=truth.getCatIds(catNms=["face"])))
        results = truth.loadRes([{**a, "score": 0.9} for a in annotations])
        evaluation = cocoeval.COCOeval(truth, results, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    data = json.loads(path.read_text())

    assert {image["id"] for image in data["images"]} == set(image_ids)
    assert len(data["annotations"]) == len(annotations) > 0
    assert 1.0 == pytest.approx(evaluation.stats[0])
