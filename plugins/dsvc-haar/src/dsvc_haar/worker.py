"""A model worker: runs one version of the detector over images and writes a document for each.

    python -m dsvc_haar.worker --version 2 photos/*.jpg > outputs/2.jsonl

A document is a line of JSON: `pointer`, `etag` (the MD5 of the image's bytes, as S3 gives it), `model`, `version`, and
`output` in the format of that version, or `error` where an image could not be looked at. The same images give the
same bytes. Status 1 says that some images gave an error.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from dsvc_haar import cascade, outputs

MODEL: Final = "haar"


def documents(images: Sequence[Path], version: int) -> Iterator[dict[str, Any]]:
    """Yield the document of each image, in the order given.

    Args:
        images: Files.
        version: Of the detector: 1 or 2.
    """
    for image in images:
        document: dict[str, Any] = {"pointer": image.resolve().as_uri()}
        try:
            content = image.read_bytes()
            document["etag"] = hashlib.md5(content, usedforsecurity=False).hexdigest()
            result = {"output": outputs.WRITE[version](cascade.detect(content, version))}
        except (OSError, cascade.NoImageError) as err:
            result = {"error": f"{type(err).__name__}: {err.strerror if isinstance(err, OSError) else err}"}
        yield {**document, "model": MODEL, "version": str(version), **result}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the documents to stdout; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dsvc_haar.worker", description="Find faces in images and write a JSON document for each."
    )
    parser.add_argument(
        "--version", type=int, choices=sorted(outputs.WRITE), default=max(outputs.WRITE), help="of the detector"
    )
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="a file")
    given = parser.parse_args(arguments)
    status = 0
    for document in documents(given.images, given.version):
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()
        if "error" in document:
            sys.stderr.write(f"{document['pointer']}: {document['error']}\n")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
