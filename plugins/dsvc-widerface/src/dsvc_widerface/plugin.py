"""What dsvc sees of this package: the feed `wider-face`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from dsvc.errors import FeedError
from dsvc.plugins import DocumentBatch, Feed, Option, compile_filter, hookimpl
from dsvc_widerface.annotations import AnnotationError, Face, Image, read_images

_BATCH = 1000


class WiderFaceFeed(Feed):
    """Documents of one annotation file: one for each image, in the order of the file.

    | field | what |
    | --- | --- |
    | `uri` | the pointer: `prefix` and the path |
    | `path`, `event` | the path as it stands in the file, and its first directory |
    | `boxes` | `x`, `y`, `w`, `h`, `score` (null) and `label` (`face`): what dsvc's type `boxes` holds |
    | `attributes` | for each box, in the same order: the six words of the file, and what is odd about its size |
    | `counts` | how many boxes there are, and how many of them are odd |
    | `line` | where the image stands in the file |
    """

    options: ClassVar[Mapping[str, Option]] = {
        "path": Option(str, "a file wider_face_*_bbx_gt.txt, relative to the recipe"),
        "prefix": Option(str, "what pointers begin with, e.g. s3://wider/WIDER_val/images/"),
    }
    meaning_keys: ClassVar[tuple[str, ...]] = ("path", "prefix")

    def read(self, cursor: bytes | None = None) -> Iterator[DocumentBatch]:
        """Yield the documents; a cursor changes nothing.

        Raises:
            FeedError: If the file cannot be read, or a line of it is not what it must be; the line is named.
        """
        matches = compile_filter(self.name, self.query.filter)
        documents: list[dict[str, Any]] = []
        for image in self._images():
            document = to_document(image, self._pointer(image.path))
            if matches(document):
                documents.append(document)
            if len(documents) == _BATCH:
                yield _batch(documents)
                documents = []
        if documents:
            yield _batch(documents)

    def fingerprint(self) -> bytes:
        """Return the size and the time of the file."""
        try:
            status = self._path.stat()
        except OSError as err:
            raise self._unreadable(err.strerror) from err
        return f"{status.st_size} {status.st_mtime_ns}".encode()

    @property
    def _path(self) -> Path:
        return self.base_dir / self.values["path"]

    def _images(self) -> Iterator[Image]:
        try:
            with self._path.open(encoding="utf-8") as lines:
                yield from read_images(lines)
        except AnnotationError as err:
            hint = "mend the file and ingest again; nothing of it was taken in"
            raise FeedError(feed=self.name, reason=f"{self.values['path']}, {err}", hint=hint) from err
        except UnicodeDecodeError as err:
            raise self._unreadable("it is no text") from err
        except OSError as err:
            raise self._unreadable(err.strerror) from err

    def _unreadable(self, reason: str | None) -> FeedError:
        return FeedError(
            feed=self.name,
            reason=f"cannot read {self.values['path']}: {reason}",
            hint=f"paths are relative to {self.base_dir}",
        )

    def _pointer(self, path: str) -> str:
        prefix: str = self.values["prefix"]
        # A file's URI writes some signs as %XX; a key of S3 stands as it is.
        return prefix.rstrip("/") + "/" + (quote(path) if prefix.startswith("file:") else path)


def _batch(documents: list[dict[str, Any]]) -> DocumentBatch:
    return DocumentBatch(documents, [document["line"] for document in documents])


def to_document(image: Image, pointer: str) -> dict[str, Any]:
    """Return an image as a document."""
    faces = image.faces
    return {
        "uri": pointer,
        "path": image.path,
        "event": image.path.partition("/")[0],
        "boxes": [_to_box(face) for face in faces],
        "attributes": [_to_attributes(face) for face in faces],
        "counts": {
            "boxes": len(faces),
            "invalid": sum(face.is_invalid for face in faces),
            "zero_size": sum(face.is_of_zero_size for face in faces),
            "negative_size": sum(face.is_of_negative_size for face in faces),
        },
        "line": image.line,
    }


def _to_box(face: Face) -> dict[str, Any]:
    place = {"x": face.x, "y": face.y, "w": face.w, "h": face.h}
    return {**{name: float(value) for name, value in place.items()}, "score": None, "label": "face"}


def _to_attributes(face: Face) -> dict[str, Any]:
    return {
        **face.attributes,
        "invalid": face.is_invalid,
        "zero_size": face.is_of_zero_size,
        "negative_size": face.is_of_negative_size,
    }


@hookimpl
def dsvc_feeds() -> Mapping[str, type[WiderFaceFeed]]:
    """Offer the feed under the name that a recipe uses."""
    return {"wider-face": WiderFaceFeed}
