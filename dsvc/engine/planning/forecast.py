"""What a run would find at one step: how many records must run or may have to, and which."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dsvc.engine.making.binding import Bound
from dsvc.engine.reading.flagged import Mask
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Oid

NEW, UNCHANGED, STALE, REMOVED = "new", "unchanged", "stale", "removed"


@dataclass(frozen=True)
class Part:
    """Some records that must run or may have to."""

    keys: Keys
    codes: npt.NDArray[np.int64]
    """Why, as indexes into the forecast's labels."""
    is_certain: Mask


@dataclass
class StepForecast:
    """What a run would find at one step."""

    name: str
    status: str
    labels: Sequence[str] = ()
    change: str | None = None
    transform: Oid | None = None
    bound: Bound | None = None
    """The step as it stands to the draft; None where it can have no records."""
    lower: int = 0
    upper: int = 0
    reuse: int = 0
    remove: int = 0
    waiting: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    """Label -> records that must run for certain."""
    iter_parts: Callable[[], Iterator[Part]] = lambda: iter(())
    iter_removed: Callable[[], Iterator[Keys]] = lambda: iter(())
    """Sources whose record goes."""

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield (source, why) of every record that must run or may have to."""
        for part in self.iter_parts():
            for key, code, is_certain in zip(part.keys, part.codes.tolist(), part.is_certain.tolist(), strict=True):
                why = self.labels[code]
                yield key.decode(), why if is_certain else f"{why}; may be cut off"

    def count(self, part: Part) -> None:
        """Count some records."""
        self.upper += len(part.keys)
        self.lower += int(part.is_certain.sum())
        for code, n in zip(*np.unique(part.codes[part.is_certain], return_counts=True), strict=True):
            self.give_reason(self.labels[int(code)], int(n))

    def doubt(self) -> None:
        """Let no record be certain to run."""
        parts = self.iter_parts
        self.lower, self.reasons = 0, {}
        self.iter_parts = lambda: (Part(part.keys, part.codes, np.zeros(len(part.keys), np.bool_)) for part in parts())

    def give_reason(self, label: str, records: int) -> None:
        """Count records that must run for a reason."""
        if records:
            self.reasons[label] = self.reasons.get(label, 0) + records
