"""What an annotation platform must do: show questions to people, and give back what they answered.

A platform is at-least-once in both directions. What makes each question asked once, and each answer counted once, is
the key that dsvc gives to a question and the platform hands back with every answer:

- before creating a task, `post` looks for one that has the key already, and adopts it;
- `poll` may give an answer again, and gives every answer; who collects drops what it has;
- a task is deleted only while it has no answers, since most platforms delete the answers with it;
- what a platform sends on its own, a webhook, is a hint to poll, whatever it says.

Values are plain values of the task's type, as documents hold them: boxes are a list of `{x, y, w, h, label}`, keypoints
a list of lists of `{x, y}` or None, a class and a text a str, a rating an int. Coordinates are pixels of the image that
is shown, origin top left, whole numbers of 1/16 px.

`dsvc.testing.platforms` has a suite that a plugin's own tests run.

Source: docs/how-to/platforms.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from dsvc.plugins.options import Option

Form = Literal["label", "adjust", "verify"]
Mode = Literal["label", "adjust", "verify", "adjudicate", "audit"]
Outcome = Literal["value", "skip", "accept", "reject"]
Withdrawal = Literal["deleted", "answered", "gone"]


@dataclass(frozen=True)
class Capabilities:
    """What a platform can do, and what it wants of us.

    Attributes:
        image: What a question's `image` must be: `pointer`, the source's own pointer, and nothing is staged; `url`, an
            address of a staged copy that the annotator's browser can fetch for as long as the question is open; `uri`,
            the name of the staged copy in its store (`s3://bucket/key`).
        signs_per_view: Whether the platform itself turns a `uri` into a short-lived address each time it is looked at.
            Only then no credential is ever kept by the platform.
        enforces_overlap: Whether it refuses more answers than are wanted. Where not, more may come.
        keeps_revisions: Whether an edited answer keeps what it said before.
        has_hints: Whether it can send webhooks.
        honours_avoid: Whether nobody is given a question that names them in `avoid`. Where not, they may answer it.
        batch: The most questions that one `post` should have.
    """

    image: Literal["pointer", "url", "uri"]
    signs_per_view: bool = False
    enforces_overlap: bool = False
    keeps_revisions: bool = False
    has_hints: bool = False
    honours_avoid: bool = False
    batch: int = 500


@dataclass(frozen=True)
class TaskForm:
    """What all questions of one version of a task have in common; a platform's project is made of it.

    Attributes:
        task: The task's name in the recipe.
        version: The task's version. A platform never changes the form of a version that has questions.
        type: The type of the answers as a recipe writes it: `boxes`, `keypoints(5)`, `class(a, b)`, `rating(5)`.
        labels: What a box can be called, or the names of the points; empty for one unnamed kind, or for 1, 2, 3, ...
        reasons: Why a value can be rejected, for the annotator to choose from.
        guideline: What the annotator reads, Markdown. No part of what is asked: editing it asks nothing again.
    """

    task: str
    version: str
    type: str
    labels: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    guideline: str = ""

    @property
    def project(self) -> str:
        """The name under which cursors are kept and projects are found: `face_boxes@2`."""
        return f"{self.task}@{self.version}"


@dataclass(frozen=True)
class Question:
    """One ask, as it is shown.

    Attributes:
        key: Our key of it, at most 100 characters of `0-9a-z#-`: it says which ask and which attempt. Opaque to the
            platform, which gives it back with every answer.
        form: What a person sees and does: `label`, nothing is shown and a value is given; `adjust`, `shown` is
            corrected to a value; `verify`, `shown` is accepted or rejected, and a correction may come with a rejection.
        image: What to show; `Capabilities.image` says what it is.
        mode: Why it is asked, for platforms that hand the questions of an audit or an adjudication to other people.
        width: Of that image in pixels, None where it is not known. Boxes and points can be shown only where it is.
        height: As `width`.
        shown: The value that is shown to be corrected or judged, None for none.
        reasons: Why the value shown was rejected before.
        round: The round that the ask belongs to, 0 first.
        want: How many answers are wanted, of different people.
        expires_us: When the image goes away, microseconds UTC; None where it does not.
        avoid: The platform's own names of people who must not be given it: they answered it, or what it judges, before.
            What one of them says all the same is kept, counts for nothing, and somebody else is asked.
        context: More to show, name -> text.
    """

    key: str
    form: Form
    image: str
    mode: Mode = "label"
    width: int | None = None
    height: int | None = None
    shown: Any = None
    reasons: tuple[str, ...] = ()
    round: int = 0
    want: int = 1
    expires_us: int | None = None
    context: tuple[tuple[str, str], ...] = ()
    avoid: tuple[str, ...] = ()


@dataclass(frozen=True)
class Posted:
    """Where a question is now.

    Attributes:
        key: The question's.
        task_id: The platform's own name of its task.
        is_adopted: Whether it was there already.
    """

    key: str
    task_id: str
    is_adopted: bool = False


@dataclass(frozen=True)
class PlatformTask:
    """A task that a platform holds.

    Attributes:
        key: Of its question; empty for a task that is not ours.
        task_id: The platform's own name of it.
        n_answers: How many answers it has, skips included.
    """

    key: str
    task_id: str
    n_answers: int = 0


@dataclass(frozen=True)
class PlatformAnswer:
    """What a person returned, as the platform has it now.

    Attributes:
        key: Of the question; empty where the platform's task is not ours.
        task_id: The platform's own name of the task.
        platform_id: The platform's own name of the answer. An edited answer may come again under it.
        annotator: The platform's own name of the person; whoever stores it replaces it by a pseudonym first.
        submitted_us: When it was given or last edited, microseconds UTC.
        outcome: `value`, `skip` (it cannot be answered), or the verdict.
        payload: The value; None for a skip, an `accept`, and a `reject` that corrects nothing.
        reasons: Of a `reject` or a `skip`.
        lead_s: Seconds that the person took, None where nobody measured.
        problem: Why this does not fit its task, None where it does. Such an answer is kept and shown, and counts for
            nothing; `outcome` is then `skip` and `payload` None.
        raw: What the platform gave, as JSON; without addresses that are signed.
    """

    key: str
    task_id: str
    platform_id: str
    annotator: str
    submitted_us: int
    outcome: Outcome
    payload: Any = None
    reasons: tuple[str, ...] = ()
    lead_s: float | None = None
    problem: str | None = None
    raw: str = ""


@dataclass(frozen=True)
class AnswerPage:
    """Some answers, in the order in which the platform says they were made or edited.

    Attributes:
        answers: At most some hundreds.
        cursor: From where to go on once these are durable.
        n_malformed: What could not even be read as an answer, and was kept aside.
        notes: One line about each of these: where it is, and what is wrong.
    """

    answers: Sequence[PlatformAnswer]
    cursor: bytes
    n_malformed: int = 0
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Finding:
    """One thing that a platform's set-up needs.

    Attributes:
        what: What was looked at.
        is_well: Whether it is as it must be.
        found: What was found.
        advice: What to do about it, None where it is well.
    """

    what: str
    is_well: bool
    found: str
    advice: str | None = None


class Platform(ABC):
    """Where people answer questions. Making one opens nothing; the first call does, and `close` ends it.

    Every method may raise

    - `dsvc.errors.PlatformUnavailableError` if the platform does not answer now; what was asked for may have happened;
    - `dsvc.errors.PlatformError` if it refuses.

    Args:
        name: The platform's name in the recipe, for messages.
        options: Every declared option, with `${NAME}` replaced and defaults filled in.
        base_dir: The recipe's directory, which relative paths start from.
    """

    options: ClassVar[Mapping[str, Option]] = {}
    """The keys of `[platform.NAME]` that this plugin reads, beside those every platform has."""

    def __init__(self, name: str, options: Mapping[str, Any], base_dir: Path) -> None:
        self.name = name
        self.values = options
        self.base_dir = base_dir

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this platform can do, as it is set up."""

    @abstractmethod
    def post(self, form: TaskForm, questions: Sequence[Question]) -> list[Posted]:
        """Have questions shown, those first that come first.

        A key that the platform holds already is adopted, never posted twice: posting again after a lost answer is
        safe. Where several tasks have one key, because an earlier call was cut short, one is kept (one with answers
        before one without, then the oldest), and those without answers are deleted.

        Returns:
            One per question, in order. After an exception some may be posted; call again.
        """

    @abstractmethod
    def poll(self, form: TaskForm, cursor: bytes | None = None) -> Iterator[AnswerPage]:
        """Yield what was answered, page by page; the last page has nothing after it now.

        Args:
            form: Of which task; answers of its other versions are not given.
            cursor: What an earlier page said; None gives all. Answers at the cursor may come again, in whatever number
                of repetitions, and none made or edited after it may be left out, also when clocks are apart or
                transactions end in another order than they began. A cursor that is not known any more gives all.
        """

    @abstractmethod
    def iter_tasks(self, form: TaskForm) -> Iterator[PlatformTask]:
        """Yield what the platform holds of a task, answered or not: from it operational state is built again."""

    @abstractmethod
    def withdraw(self, form: TaskForm, task_id: str) -> Withdrawal:
        """Delete a task unless it has answers; one that has stays, and is best shown to nobody else. Idempotent.

        Returns:
            `deleted`, `answered` if it has answers and stays, `gone` if there is no such task.
        """

    @abstractmethod
    def discard(self, form: TaskForm, task_id: str) -> Withdrawal:
        """Delete a task whose answers are durable in the ledger, with them; idempotent.

        Returns:
            `deleted` or `gone`; `answered` where the platform keeps answered tasks.
        """

    @abstractmethod
    def check(self) -> Sequence[Finding]:
        """Return what was found of the set-up, without changing anything; a platform that is away is a finding."""

    def read_hint(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return the `TaskForm.project` that a webhook says has news; None for one that is not authentic or not ours.

        Nothing else of the body may be believed. The default knows no hints.
        """
        return None

    def close(self) -> None:  # noqa: B027 - most platforms hold nothing open
        """Let go of connections and files; idempotent."""
