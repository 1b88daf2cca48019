"""What `[task.NAME]` and `[platform.NAME]` say, as values. `dsvc.recipe.tasks` reads them.

A task is a question to people about each of some sources; its result is the signal of its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from dsvc.recipe.paths import InputPath
from dsvc.recipe.versions import VersionRange

if TYPE_CHECKING:
    from dsvc.objects.types import Type
    from dsvc.recipe.expressions import Expression

Metric = Literal["equal", "iou", "oks", "within"]
Form = Literal["label", "adjust", "verify"]
"""Nothing is shown; a value is shown and corrected; a value is shown, right or wrong."""


@dataclass(frozen=True)
class Nearness:
    """When two values are near enough.

    Attributes:
        metric: `iou` of boxes; `oks` of keypoints; `within`, steps of a rating; `equal`, for everything.
        bound: The least IoU or OKS, or the most steps; no meaning for `equal`.
        sigmas: For `oks`: the spread of each point, or one of all; a share of the object's size.
    """

    metric: Metric
    bound: Decimal = Decimal(0)
    sigmas: tuple[Decimal, ...] = ()


@dataclass(frozen=True)
class OverlapSpec:
    """How many people answer one question.

    Attributes:
        min: As many at least.
        max: Nobody more is asked, whether they agree or not.
        until: No more are asked once their agreement is this, from 0 to 1; None asks `min` alone where those have a
            majority.
        match: The IoU or OKS from which regions of two answers are one thing.
    """

    min: int = 1
    max: int = 1
    until: Decimal | None = None
    match: Decimal = Decimal("0.5")


@dataclass(frozen=True)
class LotSpec:
    """What values are judged together.

    Attributes:
        by: Values with equal results of it share lots; None for all.
        size: A lot is closed when it has this many.
        close_after_us: Or when its first value has waited for so long.
    """

    by: Expression | None = None
    size: int = 2000
    close_after_us: int = 7 * 86_400_000_000


@dataclass(frozen=True)
class AuditSpec:
    """How values are judged by a sample.

    Attributes:
        sample: The share of a lot that is looked at, at least.
        max_error: The share of wrong values that a lot may have: such a lot passes 19 times of 20.
        reject_error: A lot with this share of wrong values is to fail 9 times of 10: the sample grows as it needs.
        agree: When the auditor's value confirms the judged one.
        on_fail: What goes to people where a lot fails: the rest of the `lot`, what was `found`, or nothing, `hold`.
        rounds: Audits of one source at most; then an expert decides.
        mode: What an auditor sees and does; None as the task's mode.
        people: Whether values that people gave in the first place are audited too; of a task that judges nothing they
            are, unless it says otherwise. What is given in a later round always is.
        lot: How lots are cut.
    """

    sample: Decimal
    max_error: Decimal
    agree: Nearness
    reject_error: Decimal | None = None
    on_fail: Literal["lot", "found", "hold"] = "lot"
    rounds: int = 3
    mode: Form | None = None
    people: bool = False
    lot: LotSpec = LotSpec()


@dataclass(frozen=True)
class OldAnswersSpec:
    """Where labels that exist already are taken from, as answers of this task.

    Attributes:
        feed: The feed.
        value: Dotted path of the value.
        only: Dotted path -> literal that a document must have there to count.
        annotator: Dotted path of who gave it.
        at: Dotted path of when.
        version: Dotted path of the task version that it was given under; None for the task's own.
        content_id: Dotted path of the content id that it was about; None for whatever the source has.
    """

    feed: str
    value: str
    only: Mapping[str, Any] = field(default_factory=dict)
    annotator: str | None = None
    at: str | None = None
    version: str | None = None
    content_id: str | None = None


@dataclass(frozen=True)
class ShownSpec:
    """What of an image a person sees.

    Attributes:
        crop: An expression whose box is shown; None for all of it.
        margin: Added on each side, as a share of the box's side.
        max_side: Pixels of the longer side at most; None for as it is.
    """

    crop: Expression | None = None
    margin: Decimal = Decimal(0)
    max_side: int | None = None


@dataclass(frozen=True)
class TaskSpec:
    """One `[task.NAME]`.

    Attributes:
        name: The name of the task and of its signal.
        type: Of its answers and of its signal.
        of: The signal that is judged; None where people are asked from nothing.
        mode: What a person sees and does.
        ask: Which sources go straight to a person; None for all where there is no `audit` or no `of`, and else none.
        version: Raised when the meaning changes.
        accept: The versions whose answers count.
        formats: (range, `module:function`) in file order: how answers of old versions become today's.
        resample: The share of old answers that is asked again, to see whether they still hold.
        answers: Where existing labels come from.
        same: How close a later value must be for a verdict to cover it.
        overlap: How many people answer.
        audit: How the values are judged; None for not at all.
        shown: What of the image is shown.
        platform: Where it is asked. Operation, not meaning, as all below.
        guideline: A file, relative to the recipe's directory.
        priority: Higher is released first, among tasks of one platform.
        budget_s: Seconds of work at most that may be asked for; None without limit.
    """

    name: str
    type: Type
    of: InputPath | None = None
    mode: Form = "label"
    ask: Expression | None = None
    version: str = "1"
    accept: VersionRange = field(default_factory=lambda: VersionRange((("==", "1"),)))
    formats: tuple[tuple[VersionRange, str], ...] = ()
    resample: Decimal = Decimal(0)
    answers: OldAnswersSpec | None = None
    same: Nearness = Nearness("equal")
    overlap: OverlapSpec = OverlapSpec()
    audit: AuditSpec | None = None
    shown: ShownSpec = ShownSpec()
    platform: str | None = None
    guideline: str | None = None
    priority: int = 0
    budget_s: int | None = None

    @property
    def type_text(self) -> str:
        """The type as a recipe spells it."""
        return str(self.type)

    @property
    def asks_all(self) -> bool:
        """Whether every source goes straight to a person; where nothing is judged, there is no other way."""
        return self.ask is None and (self.audit is None or self.of is None)

    @property
    def depends(self) -> tuple[InputPath, ...]:
        """The signals whose bits decide what is asked or kept, in the order they are named; `content.id` among them."""
        expressions = [self.ask, self.shown.crop, self.audit.lot.by if self.audit is not None else None]
        named = [path for expression in expressions if expression is not None for path in expression.inputs]
        judged = [] if self.of is None else [self.of]
        return tuple(dict.fromkeys([*judged, *named, InputPath("content", ("id",))]))

    @property
    def signals(self) -> frozenset[str]:
        """The names of the signals it reads."""
        return frozenset(path.signal for path in self.depends)


@dataclass(frozen=True)
class PlatformSpec:
    """One `[platform.NAME]`: operation, not meaning; part of no hash.

    Attributes:
        name: Its name in the recipe.
        plugin: The name that a plugin offers.
        options: What the plugin reads, as written: `${NAME}` is not replaced, defaults are not filled in.
        staging: Where copies of images are put while they are asked about; None where the platform needs none.
        expiry: The staging store's own rule: `rolling`, `midnight` or `daily HH:MM`.
        hours: When people work; None for always.
        holidays: Days on which nobody works, `YYYY-MM-DD`.
        attempts: An ask that expired as often is parked and reported.
    """

    name: str
    plugin: str
    options: Mapping[str, Any] = field(default_factory=dict)
    staging: str | None = None
    expiry: str | None = None
    hours: str | None = None
    holidays: tuple[str, ...] = ()
    attempts: int = 5
