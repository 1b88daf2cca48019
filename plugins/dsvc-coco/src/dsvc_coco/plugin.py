"""What dsvc sees of this package: the format `coco`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, ClassVar

import pyarrow as pa

from dsvc.errors import SchemaError
from dsvc.plugins import Exporter, Option, hookimpl
from dsvc_coco.columns import Layout, find_layout, is_many
from dsvc_coco.ids import Ids, make_id
from dsvc_coco.objects import NotCocoError, box_around, box_part, pair_objects, points_part
from dsvc_coco.plain import plain

_IN_MEMORY_BYTES = 64 << 20
"""Text of annotations beyond this waits in an unnamed temporary file: images come before them."""


class CocoExporter(Exporter):
    """One COCO data set for each part of the dataset's split, or one in all.

    Ids of images, annotations and categories are numbers made from what they name, the same in every file and version.
    """

    suffix: ClassVar[str] = ".json"
    per_split: ClassVar[bool] = True
    options: ClassVar[Mapping[str, Option]] = {
        "boxes": Option(str, "the column of boxes, where there are several", default=None),
        "keypoints": Option(str, "the column of keypoints, where there are several", default=None),
        "categories": Option(
            str, "all labels in the order of their ids 1, 2, ..., with commas; else ids are hashes", default=None
        ),
        "label": Option(str, "the category of objects without a label", default="object"),
        "points": Option(str, "names of the keypoints, with commas; else point_1, point_2, ...", default=None),
        "root": Option(str, "what to leave out at the beginning of file names, e.g. s3://faces/", default=""),
        "nulls": Option(
            str,
            "what an image is whose boxes are null: an error, or one without objects",
            default="error",
            choices=("error", "empty"),
        ),
    }

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> None:
        """Write one data set.

        Raises:
            SchemaError: If no column holds boxes or keypoints, or a value cannot be written; its source is named.
        """
        layout = find_layout(schema, self.values["boxes"], self.values["keypoints"])
        made = _DataSet(self.values, layout, schema)
        try:
            with (
                path.open("w", encoding="utf-8") as file,
                tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES, "w+", encoding="utf-8") as annotations,
            ):
                file.write('{"info":' + _text({"description": "made by dsvc-coco", "version": "1"}))
                file.write(',"licenses":[],"images":[')
                made.write_rows(batches, file, annotations)
                file.write('],"annotations":[')
                annotations.seek(0)
                while piece := annotations.read(1 << 20):
                    file.write(piece)
                file.write('],"categories":' + _text(made.categories()) + "}\n")
        except BaseException:
            path.unlink(missing_ok=True)
            raise


class _DataSet:
    """One file in the making."""

    def __init__(self, options: Mapping[str, Any], layout: Layout, schema: pa.Schema) -> None:
        self._options = options
        self._layout = layout
        self._many_boxes = layout.boxes is not None and is_many(schema.field(layout.boxes).type)
        self._many_points = layout.keypoints is not None and is_many(schema.field(layout.keypoints).type)
        self._images = Ids()
        self._annotations = Ids()
        listed = _words(options["categories"])
        self._fixed = {label: place + 1 for place, label in enumerate(listed)} if listed else None
        self._seen: dict[str, int] = dict(self._fixed or {})
        self._points = _words(options["points"]) or [f"point_{at + 1}" for at in range(layout.n_points)]
        if layout.n_points and len(self._points) != layout.n_points:
            raise SchemaError(
                message=f"there are {layout.n_points} keypoints, and names of {len(self._points)}",
                hint="give as many names with `-o points=...`",
            )

    def write_rows(self, batches: Iterable[pa.RecordBatch], images: IO[str], annotations: IO[str]) -> None:
        """Write images and annotations, each with commas between them."""
        between_images = between_annotations = ""
        for source, group in groupby(_rows(batches), key=itemgetter("source")):
            rows = list(group)
            image_id = self._images.give("image", source)
            images.write(between_images + _text(self._image(image_id, source, rows)))
            between_images = ","
            try:
                found = self._of_image(image_id, source, rows)
            except NotCocoError as err:
                raise SchemaError(
                    message=f"{source}: {err}", hint="leave it out with `where`, or mend the value"
                ) from err
            for annotation in found:
                annotations.write(between_annotations + _text(annotation))
                between_annotations = ","

    def _of_image(self, image_id: int, source: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the annotations of an image; a dataset may have a row for each object of it."""
        found: list[dict[str, Any]] = []
        for row in rows:
            # What a row says beside its objects belongs to the image, or, if it is one of several, to its objects.
            more = {"dsvc": self._others(row)} if len(rows) > 1 and self._layout.others else {}
            for box, points in self._objects(row):
                found.append(self._annotation(image_id, source, len(found), box, points) | more)
        return found

    def _others(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: plain(row[name]) for name in self._layout.others}

    def _image(self, image_id: int, source: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        root = self._options["root"]
        if not source.startswith(root):
            raise SchemaError(message=f"{source} does not begin with {root!r}", hint="give another `-o root=...`")
        image: dict[str, Any] = {"id": image_id, "file_name": source[len(root) :], "coco_url": source}
        for name, column in (("width", self._layout.width), ("height", self._layout.height)):
            if column is not None and rows[0][column] is not None:
                image[name] = rows[0][column]
        if self._layout.others and len(rows) == 1:
            image["dsvc"] = self._others(rows[0])
        return image

    def _objects(self, row: Mapping[str, Any]) -> list[tuple[Any, Any]]:
        boxes = self._list(row, self._layout.boxes, is_many_=self._many_boxes)
        points = self._list(row, self._layout.keypoints, is_many_=self._many_points)
        return pair_objects(
            boxes, points, has_boxes=self._layout.boxes is not None, has_points=self._layout.keypoints is not None
        )

    def _list(self, row: Mapping[str, Any], column: str | None, *, is_many_: bool) -> list[Any]:
        """Return what a column holds of each object."""
        if column is None:
            return []
        value = row[column]
        found = value if is_many_ else [value]
        if value is None or None in found:
            if self._options["nulls"] == "error" or (value is not None and is_many_):
                raise NotCocoError(f"{column} is null, which COCO cannot tell from no objects (`-o nulls=empty`)")
            return []
        return list(found)

    def _annotation(self, image_id: int, source: str, place: int, box: Any, points: Any) -> dict[str, Any]:
        label = self._options["label"] if box is None or box.get("label") is None else box["label"]
        annotation: dict[str, Any] = {
            "id": self._annotations.give("annotation", source, str(place)),
            "image_id": image_id,
            "category_id": self._category(label),
            "iscrowd": 0,
        }
        if points is not None:
            annotation |= points_part(points)
        return annotation | (box_part(box) if box is not None else box_around(annotation["keypoints"]))

    def _category(self, label: str) -> int:
        if label not in self._seen:
            if self._fixed is not None:
                known = ", ".join(self._fixed)
                raise NotCocoError(f"label {label!r} is not among the categories {known}")
            self._seen[label] = make_id("category", label)
        return self._seen[label]

    def categories(self) -> list[dict[str, Any]]:
        """Return the categories, by id: all that were listed, else those that some object has."""
        shape = {"keypoints": self._points, "skeleton": []} if self._layout.n_points else {}
        by_id = sorted((number, label) for label, number in self._seen.items())
        return [{"id": number, "name": label, "supercategory": "", **shape} for number, label in by_id]


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    for batch in batches:
        for start in range(0, batch.num_rows, 4096):
            yield from batch.slice(start, 4096).to_pylist()


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in text.split(",")] if text else []


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@hookimpl
def dsvc_exporters() -> Mapping[str, type[CocoExporter]]:
    """Offer the format under the name that `--format` gives."""
    return {"coco": CocoExporter}
