"""What is staged and when it goes: claimed in the op store before it is put, shared by asks, deleted on the last leave.

A key is a keyed hash of what is shown, under a secret that changes weekly: it tells nothing of the image, and nobody
can guess one. A copy's record is written before the copy, with the time from which its life is counted, and removed
after it. So whatever is cut short leaves a record that says what to delete. A copy without a record (the op store was
deleted, or is another clone's) is found by listing, and goes when it is due, whoever it belongs to.

One op store has the records of all staging stores, each with the store's name and its address as a recipe writes it:
so copies of one are never taken for those of another, and `dsvc.annotation.reaping` finds those of a store that no
platform stages in any more.

| state | meaning |
| --- | --- |
| putting | claimed; the copy may be there or not |
| there | the copy was put |
| going | nobody may join any more; the copy is deleted, then the record |
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from dsvc.annotation.opstores.base import Doc, OpRecord, OpStore, iter_scan, update
from dsvc.annotation.staging.expiry import DAY_US, HOUR_US, Expiry, Life
from dsvc.annotation.staging.rendering import Rendered
from dsvc.annotation.staging.store import (
    KEY_LENGTH,
    KEY_PREFIX,
    StagingStore,
    contents,
    find_foreign,
    is_ours,
    require_expiry_rule,
)
from dsvc.errors import StagingError, StoreError, StoreUnavailableError
from dsvc.plugins.platforms import Finding

SPACE = "stages"
EPOCH_US = 7 * DAY_US
"""How long a secret is used; none is kept for longer than two of these."""
_FEW = 3
_SETTLING_US = 60_000_000
"""A copy put so shortly before a listing began may be missing from it."""


@dataclass(frozen=True)
class Stage:
    """A copy that an ask has joined.

    Attributes:
        key: The copy's name in the staging store.
        expires_us: When it is gone at the latest.
        width: Of what is shown, in pixels.
        height: As `width`.
        left: Where it begins in the image; see `dsvc.annotation.staging.rendering`.
        top: As `left`.
        factor: Pixels of the image for one that is shown.
        is_fresh: Whether this call put it.
    """

    key: str
    expires_us: int
    width: int
    height: int
    left: int = 0
    top: int = 0
    factor: int = 1
    is_fresh: bool = False


@dataclass
class Reaped:
    """What a look at the staging store did.

    Attributes:
        n_overdue: Copies that were deleted for their age.
        n_left: Copies that were deleted since nobody had joined them any more.
        n_unknown: Copies without a record, younger than the limit: not ours to delete yet.
        lost: Keys whose copy was gone before its time.
        lives: What the store's own deleting showed.
        failed: Keys of copies that should be gone and could not be deleted now, with what the store said.
    """

    n_overdue: int = 0
    n_left: int = 0
    n_unknown: int = 0
    lost: list[str] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    n_silent: int = 0
    """How often the store did not answer; after a few times nothing more is tried."""


def is_left(doc: Doc) -> bool:
    """Tell whether nobody uses a copy any more, by its record."""
    return doc["state"] == "going" or not doc["refs"]


class Stages:
    """The copies of one staging store."""

    def __init__(
        self,
        ops: OpStore,
        store: StagingStore,
        expiry: Expiry,
        clock: Callable[[], int],
        entropy: Callable[[int], bytes] = os.urandom,
        *,
        address: str = "",
    ) -> None:
        """Open nothing.

        Args:
            ops: Where records are.
            store: Where copies are.
            expiry: How long they live.
            clock: Microseconds UTC.
            entropy: Random bytes for secrets.
            address: How a recipe names the store, with `${NAME}` as it is written there; its name if empty.
        """
        self._ops, self.store, self._clock, self._entropy = ops, store, clock, entropy
        self._address = address or store.name
        self.declared = self.expiry = expiry
        """What was said of how long copies live, and what is believed."""
        self.contents: Finding | None = None
        """What the last look found of what else is there; None before the first."""

    def require_fit(self) -> None:
        """Refuse a store in which copies would stay, or would lie among what is somebody else's.

        Raises:
            StagingError: If it is not fit to hold copies of images.
            StoreUnavailableError: If that cannot be found out now.
        """
        found = self.contents or find_foreign(self.store)
        if not found.is_well:
            raise StagingError(store=self.store.name, reason=found.found, hint=found.advice)
        require_expiry_rule(self.store)

    def join(self, name: bytes, ref: str, render: Callable[[], Rendered], media_type: str, least_us: int) -> Stage:
        """Return a staged copy of a rendering, put now if none is there that lives for long enough.

        Args:
            name: What the rendering is, by `rendering_name`.
            ref: Who joins; joining again changes nothing.
            render: Makes it; called at most once, and its bytes are handed on and forgotten.
            media_type: What the store is told that it is.
            least_us: How long the copy must live from now.

        Raises:
            StoreError: If the store fails; the claim stays and is taken up at the next call, or reaped.
        """
        secret = self._secret()
        own = self.store.name.encode()
        shared = self._digest(secret, b"rendering", own, name)
        now = self._clock()
        joined = None
        for record in self._ops.scan(SPACE, "rendering", shared, shared + "\x01"):
            stage = None if joined else self._try_join(record.id, ref, now, least_us)
            joined, doc = joined or stage, record.doc
            is_old_claim = doc["state"] == "putting" and doc["put_us"] // HOUR_US != now // HOUR_US
            if stage is None and ref in doc["refs"] and (is_old_claim or doc["state"] == "there"):
                self.leave(record.id, ref)  # whoever joined it was cut short, too long ago for it to be taken up
        if joined is not None:
            return joined
        rendered = render()  # before anything is claimed: a source that is gone leaves nothing behind
        for number in count():
            now = self._clock()
            key = self._digest(secret, b"key", own, name, str(now // HOUR_US).encode(), str(number).encode())
            fresh: Doc = {
                "state": "putting",
                "put_us": now,
                "alive_us": now,
                "rendering": shared,
                "refs": [ref],
                "store": self.store.name,
                "address": self._address,
            }
            if not self._ops.insert(SPACE, key, fresh):
                stage = self._try_join(key, ref, now, least_us)
                if stage is not None:
                    return stage
                found = self._ops.get(SPACE, key)
                if found is None or found.doc["state"] != "putting" or not self._is_young(found.doc, now, least_us):
                    continue  # its life is over: the next key
            if self.store.put(key, rendered.data, media_type) is None:
                there = self.store.head(key)
                if there is not None and now - there.put_us > HOUR_US:
                    self._abandon(key)  # a copy of an earlier life that no record knows
                    continue
            stage = self._settle(key, ref, rendered, now)
            if stage is not None:
                return stage
        raise AssertionError("keys do not end")

    def _try_join(self, key: str, ref: str, now: int, least_us: int) -> Stage | None:
        """Join a copy that is there; None if it is not, or not for long enough."""

        def change(doc: Doc | None) -> Doc | None:
            if doc is None or doc["state"] != "there" or not self._is_young(doc, now, least_us) or ref in doc["refs"]:
                return doc
            return {**doc, "refs": [*doc["refs"], ref]}

        doc = update(self._ops, SPACE, key, change)
        is_joined = doc is not None and doc["state"] == "there" and ref in doc["refs"]
        return self._stage(key, doc) if doc and is_joined and self._is_young(doc, now, least_us) else None

    def _settle(self, key: str, ref: str, rendered: Rendered, now: int) -> Stage | None:
        """Note that the copy is there; None if the claim was given up meanwhile, and then the copy is deleted."""
        size = [rendered.width, rendered.height, rendered.left, rendered.top, rendered.factor]

        def change(doc: Doc | None) -> Doc | None:
            if doc is None or doc["state"] == "going":
                return doc
            refs = doc["refs"] if ref in doc["refs"] else [*doc["refs"], ref]
            return {**doc, "state": "there", "refs": refs, "size": size, "alive_us": max(now, doc["alive_us"])}

        doc = update(self._ops, SPACE, key, change)
        if doc is None or doc["state"] != "there":
            self.store.delete(key)
            return None
        return self._stage(key, doc, is_fresh=True)

    def leave(self, key: str, ref: str) -> bool:
        """Take one ask off a copy, and delete the copy when that was the last; tell whether it was. Idempotent.

        A copy in another store, where this platform staged before, is left to whoever looks there.
        """

        def change(doc: Doc | None) -> Doc | None:
            if doc is None or doc["state"] == "going":
                return doc
            refs = [other for other in doc["refs"] if other != ref]
            return {**doc, "refs": refs, "state": doc["state"] if refs else "going"}

        doc = update(self._ops, SPACE, key, change)
        if doc is None or doc["state"] != "going" or not self._is_own(doc):
            return False
        self._remove(key)
        return True

    def drop_refs(self, is_wanted: Callable[[str, str], bool]) -> int:
        """Take off every ask that is on no way any more, given (key, ref); return how many copies went."""
        n_gone = 0
        for record in self._records():
            for ref in record.doc["refs"]:
                if not is_wanted(record.id, ref):
                    n_gone += self.leave(record.id, ref)
        return n_gone

    def find(self, key: str) -> Stage | None:
        """Return a copy that is there, in this store, and not overdue by its record."""
        record = self._ops.get(SPACE, key)
        if record is None or record.doc["state"] != "there" or not self._is_own(record.doc):
            return None
        if not self._is_young(record.doc, self._clock(), 1):
            return None
        return self._stage(key, record.doc)

    def address(self, key: str, *, is_signed: bool, life_s: int = 60) -> str:
        """Return how a copy is shown: its name, or an address signed for a view, or for as long as it lives."""
        return self.store.sign(key, max(1, life_s)) if is_signed else self.store.uri(key)

    def reap(self, report: Reaped | None = None) -> Reaped:
        """Delete what is overdue, by the records alone: cheap, and done at every turn."""
        report, now = report or Reaped(), self._clock()
        for record in list(iter_scan(self._ops, SPACE, "put_us", 0, now - self.expiry.limit_us + 1)):
            if self._is_own(record.doc):
                report.n_overdue += self._reap_one(record.id, report)
        return report

    def clear(self) -> Reaped:
        """Delete what is overdue and what was left, by the records alone: nothing is staged here any more."""
        report = self.reap()
        for record in self._records():
            if is_left(record.doc):
                report.n_left += self._reap_one(record.id, report)
        return report

    def survey(self, report: Reaped | None = None) -> Reaped:
        """Compare the store's list with the records, and delete what is overdue of ours, whichever clone put it."""
        report, start = self.reap(report), self._clock()
        self._forget_secrets(start)
        listed = list(self.store.iter_objects())
        self.contents = contents(found.key for found in listed if not is_ours(found.key))
        seen: set[str] = set()
        for found in listed:
            if not is_ours(found.key):
                continue  # somebody else's: it is never touched
            seen.add(found.key)
            record = self._ops.get(SPACE, found.key)
            put_us = found.put_us if record is None else min(found.put_us, record.doc["put_us"])
            if start - put_us >= self.expiry.limit_us:
                report.n_overdue += self._reap_one(found.key, report)
            elif record is None:
                report.n_unknown += 1
        for record in self._records():
            doc = record.doc
            if is_left(doc):
                report.n_left += self._reap_one(record.id, report)
            elif record.id in seen:
                self._note_alive(record.id, start)
            elif doc["state"] == "there" and doc["put_us"] < start - _SETTLING_US:
                report.lost.append(record.id)
                report.lives.append(Life(doc["put_us"], doc["alive_us"], start))
                self._reap_one(record.id, report)
        return report

    def _records(self) -> list[OpRecord]:
        return [record for record in iter_scan(self._ops, SPACE) if self._is_own(record.doc)]

    def _is_own(self, doc: Doc) -> bool:
        """Tell whether a record is of a copy in this store."""
        return bool(doc["store"] == self.store.name)

    def _note_alive(self, key: str, now: int) -> None:
        update(self._ops, SPACE, key, lambda doc: doc and {**doc, "alive_us": max(now, doc["alive_us"])})

    def _reap_one(self, key: str, report: Reaped) -> bool:
        """Delete one copy, unless that failed just now; tell whether it went. Its record stays until it does."""
        if key in report.failed:
            return False
        self._abandon(key)
        if report.n_silent < _FEW:
            try:
                self._remove(key)
            except StoreError as err:
                report.n_silent += isinstance(err, StoreUnavailableError)
                report.failed[key] = err.message
            else:
                return True
        report.failed.setdefault(key, next(reversed(report.failed.values()), ""))
        return False

    def _abandon(self, key: str) -> None:
        update(self._ops, SPACE, key, lambda doc: doc if doc is None else {**doc, "state": "going"})

    def _remove(self, key: str) -> None:
        self.store.delete(key)
        update(self._ops, SPACE, key, lambda doc: doc if doc is None or doc["state"] != "going" else None)

    def _is_young(self, doc: Doc, now: int, least_us: int) -> bool:
        return self.expiry.expires(int(doc["put_us"])) - now >= least_us

    def _stage(self, key: str, doc: Doc, *, is_fresh: bool = False) -> Stage:
        width, height, left, top, factor = doc["size"]
        return Stage(key, self.expiry.expires(int(doc["put_us"])), width, height, left, top, factor, is_fresh)

    def _secret(self) -> bytes:
        epoch = str(self._clock() // EPOCH_US)
        while True:
            found = self._ops.get("secrets", epoch)
            if found is not None:
                return bytes.fromhex(found.doc["secret"])
            self._ops.insert("secrets", epoch, {"secret": self._entropy(32).hex()})

    def _forget_secrets(self, now: int) -> None:
        for record in self._ops.scan("secrets"):
            if int(record.id) < now // EPOCH_US - 1:
                self._ops.delete("secrets", record.id, record.version)

    def _digest(self, secret: bytes, *parts: bytes) -> str:
        framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return (KEY_PREFIX + hmac.new(secret, framed, hashlib.sha256).hexdigest())[:KEY_LENGTH]
