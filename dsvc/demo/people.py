"""The story that `dsvc demo --people` tells: people as a step of the pipeline, from the first ask to two datasets."""

from __future__ import annotations

from dataclasses import dataclass

from dsvc.demo.story import Event, Say, Type


@dataclass(frozen=True)
class Wait:
    """Time passes."""

    minutes: int

    @property
    def text(self) -> str:
        """How people say it."""
        size, unit = (60, "hour") if self.minutes % 60 == 0 else (1, "minute")
        n = self.minutes // size
        return f"{n} {unit if n == 1 else f'{unit}s'} later"


@dataclass(frozen=True)
class Answer:
    """A person answers what is out."""

    task: str
    who: str
    limit: int | None = None
    """They stop after so many."""
    can_be_me: bool = False
    """Whether whoever watches may answer instead."""


PeopleEvent = Event | Wait | Answer


def _type(line: str) -> Type:
    return Type(tuple(line.split()))


PEOPLE_STORY: tuple[PeopleEvent, ...] = (
    Say("24 images, and a model that found a face in each. Of six it is unsure: those go to people."),
    _type("ingest"),
    _type("annotate check"),
    Say("What people would be asked is counted before anybody is."),
    _type("plan"),
    _type("run"),
    Say("Two datasets want the boxes; each image is asked about once. Copies are staged only while somebody may look."),
    _type("annotate asks face_boxes"),
    Wait(5),
    Answer("quality", "ann", can_be_me=True),
    Answer("face_boxes", "ann", limit=4),
    _type("annotate sync"),
    Say("Two boxes are left, and nobody comes for a day: their copies are deleted, and they are asked again."),
    Wait(30 * 60),
    _type("annotate sync"),
    _type("annotate status"),
    Wait(5),
    Answer("face_boxes", "ann"),
    Say("Everything uncertain is answered. Now a sample of what the model was sure of is audited, by somebody else."),
    _type("annotate sync --close-lots"),
    Wait(10),
    Answer("face_boxes", "ben"),
    Say("The auditor found too many wrong boxes: that lot fails, and its rest goes to people, for a second round."),
    _type("annotate sync --close-lots"),
    _type("annotate status"),
    Wait(10),
    Answer("face_boxes", "cleo"),
    Say("What people gave in the second round is audited as well."),
    _type("annotate sync --close-lots"),
    Wait(10),
    Answer("face_boxes", "dora"),
    _type("annotate sync --close-lots"),
    Say("Nothing is open. All boxes are final, and a new version is made of them."),
    Type(("run", "-m", "boxes by model and people")),
    _type("annotate status"),
    Say("How good was the model, by people's boxes? And what did those cost?"),
    _type("annotate agreement face_boxes --against face_detection"),
    _type("annotate cost"),
    _type("read --dataset spoof --limit 5"),
)

PEOPLE_NEXT: tuple[str, ...] = (
    "dsvc annotate agreement face_boxes",
    "dsvc read --signal face_boxes --limit 5",
    "dsvc op log",
)
"""What to type next, in the directory that the demo leaves behind."""
