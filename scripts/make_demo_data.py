"""Make the documents that `dsvc demo` ingests from the published files they come from.

usage: python scripts/make_demo_data.py RAW_DIR [OUT_DIR]

RAW_DIR holds the three published files named in `RAW_FILES`; OUT_DIR is `dsvc/demo/data` unless given. The documents
have the shape in which a capture pipeline would write them to a document database: a pointer to the image, facts about
it, and the outputs of model workers with their versions. Equal raw files give equal documents, byte for byte.

Every fact is taken over unchanged: labels as they are spelled, coordinates and scores as the exact decimal numbers of
the published text. `dsvc/demo/data/NOTICE` says what was left out and which fields are ours.
"""

import csv
import gzip
import hashlib
import json
import sys
import tarfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

GENDER_A = "attrs/fortunanto_fairface_label_val_expanded.csv"
GENDER_B = "attrs/fortunanto_fairface_label_val_expanded_fair.csv"
DETECTIONS = "preds/retinaface_jit_ajmalrasi_a7fd2ba.tar.gz"
RAW_FILES = {
    GENDER_A: "0798df266374ba0fd498719337eddd0a14654e01bde6b7f74b7759e5b81109d3",
    GENDER_B: "483e3d1a112ca4f0026327ac229487fa5afebc1f4b1cc6252b3de7e66f14f99d",
    DETECTIONS: "dd4a48f9a5d744c3b6889e9f65f780f88f553d8ce79e18ebf4a126724baec6da",
}
"""The raw files, relative to RAW_DIR, and their sha256."""

MIN_SCORE = 0.1
"""Detections below this score are left out: 100,016 of 143,889, nearly all of them noise."""

PORTRAITS = {
    "portraits/2026-03.jsonl.gz": (GENDER_A, "1.0", datetime(2026, 3, 31, tzinfo=UTC)),
    "portraits/2026-04.jsonl.gz": (GENDER_B, "2.0", datetime(2026, 4, 30, tzinfo=UTC)),
}
"""Per dump of the portraits: its raw file, the version of the gender classifier, and the time of its first document."""

SCENES = "scenes/2026-03.jsonl.gz"


def check_raw_files(raw_dir: Path) -> None:
    """Stop unless every raw file is there and is the published one."""
    for name, expected in RAW_FILES.items():
        path = raw_dir / name
        if not path.is_file():
            raise SystemExit(f"missing raw file {path}")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected:
            raise SystemExit(f"{path} is not the published file: expected sha256 {expected}, found {found}")


def iter_portraits(csv_path: Path, version: str, started_at: datetime) -> Iterator[dict[str, Any]]:
    """Yield one document a second per FairFace image: what people said, and the output of one gender classifier."""
    with csv_path.open(newline="", encoding="utf-8") as lines:
        for i, row in enumerate(csv.DictReader(lines)):
            yield {
                "uri": f"s3://fairface/val/{PurePosixPath(row['file']).name}",
                "updated_at": f"{started_at + timedelta(seconds=i):%Y-%m-%dT%H:%M:%SZ}",
                "people": {
                    "age": row["age"],
                    "gender": row["gender"],
                    "race": row["race"],
                    "service_test": row["service_test"] == "True",
                },
                "models": {"gender": {"version": version, "output": row["predicted_gender"]}},
            }


def read_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """Return the bytes of a file of an archive."""
    stream = tar.extractfile(member)
    if stream is None:
        raise SystemExit(f"{member.name} is no file")
    return stream.read()


def iter_scenes(archive: Path) -> Iterator[dict[str, Any]]:
    """Yield one document per WIDER FACE image: its event, and the face boxes of one detector as rows of numbers."""
    with tarfile.open(archive) as tar:
        members = sorted((m for m in tar.getmembers() if m.isfile()), key=lambda member: member.name)
        for member in members:
            _name, count, *lines = read_member(tar, member).decode("ascii").splitlines()
            rows = [line.split() for line in lines if line.strip()]
            if len(rows) != int(count):
                raise SystemExit(f"{member.name}: {count} boxes announced, {len(rows)} found")
            event, image = PurePosixPath(member.name).parts[-2:]
            yield {
                "uri": f"s3://wider/{event}/{PurePosixPath(image).stem}.jpg",
                "event": event,
                "models": {
                    "face_detector": {
                        "version": "1.0",
                        "output": [[*map(int, row[:4]), float(row[4])] for row in rows if float(row[4]) >= MIN_SCORE],
                    }
                },
            }


def write_documents(documents: Iterable[dict[str, Any]], path: Path) -> int:
    """Write documents as gzipped JSON lines, without a time or name in the gzip header, and return how many."""
    lines = [json.dumps(document, separators=(",", ":")) for document in documents]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=9, mtime=0))
    return len(lines)


def main(raw_dir: Path, out_dir: Path) -> None:
    """Write the documents of the demo below `out_dir` and say how many each file holds."""
    check_raw_files(raw_dir)
    made = {
        **{name: iter_portraits(raw_dir / raw, version, time) for name, (raw, version, time) in PORTRAITS.items()},
        SCENES: iter_scenes(raw_dir / DETECTIONS),
    }
    for name, documents in made.items():
        count = write_documents(documents, out_dir / name)
        print(f"{name}: {count:,} documents, {(out_dir / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    default_out = Path(__file__).parents[1] / "dsvc" / "demo" / "data"
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else default_out)
