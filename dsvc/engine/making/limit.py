"""How many records a run may execute."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Limit:
    """What is left of a limit, over all steps of a run."""

    left: int | None = None
    """None for no limit."""

    def take(self, wanted: int) -> int:
        """Take as many records as there may be, `wanted` at most, and return how many."""
        if self.left is None:
            return wanted
        taken = min(wanted, self.left)
        self.left -= taken
        return taken

    def allows(self, records: int) -> bool:
        """Tell whether so many records may be taken, which must be executed together."""
        return self.left is None or records <= self.left
