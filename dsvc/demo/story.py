"""The story that `dsvc demo` tells: what is said, what arrives, what is edited, and which commands are typed.

Two things change between its first version and its last: a model worker, whose new outputs differ in a part of the
images, and a threshold in the recipe. Each time exactly what depends on the change is made again.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Say:
    """A remark to the reader."""

    text: str


@dataclass(frozen=True)
class Arrive:
    """A file of documents appears where a feed looks for them."""

    name: str
    """Path below `documents/`, and below the demo's own data."""


@dataclass(frozen=True)
class Edit:
    """Someone edits a file of the recipe."""

    path: str
    before: str
    """Text that stands in the file exactly once."""
    after: str


@dataclass(frozen=True)
class Type:
    """A command is typed."""

    words: tuple[str, ...]
    """The arguments of `dsvc`."""


Event = Say | Arrive | Edit | Type

CHANGED = "s3://fairface/val/1.jpg"
"""A source of which the two gender models say different things."""
UNCHANGED = "s3://fairface/val/2.jpg"
"""A source of which they say the same."""
LEFT = "s3://wider/0--Parade/0_Parade_Parade_0_102.jpg"
"""A source that is a crowd by the first threshold, and none by the second."""


def _type(line: str) -> Type:
    return Type(tuple(line.split()))


def _commit(message: str) -> Type:
    return Type(("commit", "-m", message))


STORY: tuple[Event, ...] = (
    Say("Documents of two feeds: people and a gender model on portraits, a face detector on scenes."),
    Arrive("portraits/2026-03.jsonl.gz"),
    Arrive("scenes/2026-03.jsonl.gz"),
    _type("ingest"),
    Say("What the recipe derives from them: four steps and three datasets."),
    _type("plan"),
    _type("run"),
    _commit("gender model 1.0, faces from 0.5"),
    _type("tag v1"),
    Say("A month later the gender model is at version 2.0 and has read every portrait again."),
    Arrive("portraits/2026-04.jsonl.gz"),
    _type("ingest"),
    Say("Most outputs are as before. Only where they differ is there something to make again."),
    _type("plan"),
    _type("run"),
    _commit("gender model 2.0"),
    Say("An engineer finds that 0.5 lets too many false faces in."),
    Edit("dsvc.toml", "min_score = 0.5", "min_score = 0.8"),
    _type("plan"),
    _type(f"plan --explain {LEFT} --step face_count"),
    _type("run"),
    _type("status"),
    _commit("faces from 0.8"),
    _type("tag v2"),
    Say("What is different between the two versions, and who made a value what it is?"),
    _type("log"),
    _type("diff v1 v2 --stat"),
    _type("dataset show crowds v1..v2"),
    _type(f"blame gender_wrong {CHANGED}"),
    _type(f"blame gender_wrong {UNCHANGED}"),
    Say("Whoever has the version can make it again, and gets the same ids."),
    _type("reproduce v2"),
    Say("Both versions of a dataset, as files to train on."),
    _type("checkout v1 detector --to out/v1"),
    _type("checkout v2 detector --to out/v2"),
)

NEXT: tuple[str, ...] = (
    "dsvc diff v1 v2 --signal face_count --limit 5",
    "dsvc read v2 --dataset crowds --limit 3",
    "dsvc switch -c exp/stricter",
)
"""What to type next, in the directory that the demo leaves behind."""
