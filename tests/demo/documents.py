"""What the demo must print, counted from the shipped documents with the standard library alone."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "dsvc" / "demo" / "data"
CHILDREN = {"0-2", "3-9"}


def read_documents(name: str) -> dict[str, dict[str, Any]]:
    """Return the documents of one shipped file by pointer."""
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        return {document["uri"]: document for document in map(json.loads, lines)}


@dataclass(frozen=True)
class Counts:
    """Records and rows at the three versions of the story."""

    portraits: int
    scenes: int
    boxes: int
    gender_changed: int
    """Portraits of which the two versions of the gender model say different things."""
    child_misread_changed: int
    hard_before: int
    hard_after: int
    face_count_changed: int
    """Scenes with another number of faces from 0.8 than from 0.5."""
    detector_before: int
    detector_after: int
    crowds_before: int
    crowds_after: int


def count_all() -> Counts:
    """Count what each step of the story changes."""
    march, april = read_documents("portraits/2026-03.jsonl.gz"), read_documents("portraits/2026-04.jsonl.gz")
    scenes = read_documents("scenes/2026-03.jsonl.gz")
    wrong = [{uri: _is_wrong(document) for uri, document in dump.items()} for dump in (march, april)]
    child = [{uri: is_wrong and _is_child(march[uri]) for uri, is_wrong in dump.items()} for dump in wrong]
    scores = {uri: [row[4] for row in _output(document, "face_detector")] for uri, document in scenes.items()}
    low, high = ({uri: sum(score >= least for score in found) for uri, found in scores.items()} for least in (0.5, 0.8))
    return Counts(
        portraits=len(march),
        scenes=len(scenes),
        boxes=sum(map(len, scores.values())),
        gender_changed=sum(_output(march[uri], "gender") != _output(april[uri], "gender") for uri in march),
        child_misread_changed=sum(child[0][uri] != child[1][uri] for uri in march),
        hard_before=sum(wrong[0].values()),
        hard_after=sum(wrong[1].values()),
        face_count_changed=sum(low[uri] != high[uri] for uri in scenes),
        detector_before=sum(count >= 1 for count in low.values()),
        detector_after=sum(count >= 1 for count in high.values()),
        crowds_before=sum(count >= 20 for count in low.values()),
        crowds_after=sum(count >= 20 for count in high.values()),
    )


def _output(document: dict[str, Any], worker: str) -> Any:
    return document["models"][worker]["output"]


def _is_wrong(document: dict[str, Any]) -> bool:
    return bool(_output(document, "gender") != document["people"]["gender"])


def _is_child(document: dict[str, Any]) -> bool:
    return document["people"]["age"] in CHILDREN
