"""Who does the turns of a platform now: one at a time, for so long at most, in the op store.

It is an economy, not a lock: two turns at once would repeat effects that are keyed, and lose nothing.
"""

from __future__ import annotations

from typing import Final

from dsvc.annotation.opstores.base import Doc, OpStore, update

LEASE_US: Final = 10 * 60_000_000
"""After so long somebody else may go on: whoever had it is taken for dead."""


def take_lease(ops: OpStore, name: str, owner: str, now_us: int) -> bool:
    """Take a lease that is free, over, or one's own; tell whether it is one's own now.

    One that would last for longer than any was taken while a clock was ahead, and is over.
    """

    def change(doc: Doc | None) -> Doc:
        if doc is not None and doc["owner"] not in {"", owner} and now_us < doc["until_us"] <= now_us + LEASE_US:
            return doc
        return {"owner": owner, "until_us": now_us + LEASE_US}

    doc = update(ops, "control", f"lease/{name}", change)
    return doc is not None and doc["owner"] == owner


def drop_lease(ops: OpStore, name: str, owner: str) -> None:
    """Give a lease back, if it is still one's own."""

    def change(doc: Doc | None) -> Doc | None:
        return {"owner": "", "until_us": 0} if doc is not None and doc["owner"] == owner else doc

    update(ops, "control", f"lease/{name}", change)
