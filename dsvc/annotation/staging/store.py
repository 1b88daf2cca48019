"""What a staging store must do: hold copies of images, under opaque keys, for less than a day.

The bytes of an image pass through `put` and are kept nowhere else: no error, no log and no file of ours has them.
What dsvc puts there is known by its key, and nothing else is ever deleted: a place that holds other things is refused.
`dsvc.testing.staging` is the contract; `dsvc.annotation.staging.stages` says what is staged and when it goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, Protocol

from dsvc.errors import StagingError
from dsvc.plugins.platforms import Finding


@dataclass(frozen=True)
class StagedObject:
    """A copy as its store lists it.

    Attributes:
        key: Its name below the prefix.
        put_us: When the store says it was put, microseconds UTC.
        etag: The store's name of its bytes.
        size: Bytes.
    """

    key: str
    put_us: int
    etag: str = ""
    size: int = 0


KEY_PREFIX: Final = "dsvc"
"""What all keys begin with: no sum of a file that somebody names files by can be taken for one."""
KEY_LENGTH: Final = 40
_OURS = re.compile(r"dsvc[0-9a-f]{36}(\.\d+-[0-9a-f]{8}\.part)?|dsvc-probe-[0-9a-f]{16}")
_FEW = 3


class StagingStore(Protocol):
    """A bucket or directory that holds staged copies and nothing else. May be used by several threads.

    Every method may raise StoreUnavailableError if the store does not answer now, and StoreError if it refuses.
    """

    @property
    def name(self) -> str:
        """What people call it, without credentials."""

    def put(self, key: str, data: bytes, media_type: str) -> StagedObject | None:
        """Create a copy; None if there is one of this key, which stays as it is.

        When the store's answer is lost, it is found out whether the copy is ours; so None is another's.
        """

    def head(self, key: str) -> StagedObject | None:
        """Return what is under a key, or None."""

    def delete(self, key: str) -> None:
        """Remove what is under a key, if anything is."""

    def iter_objects(self) -> Iterator[StagedObject]:
        """Yield everything below the prefix, whoever put it; what is put meanwhile may be missing.

        What is not a copy, such as a directory, is among it: it says that the place is somebody else's.
        """

    def uri(self, key: str) -> str:
        """Return the copy's name for a platform that signs by itself: `s3://bucket/prefix/key`."""

    def sign(self, key: str, life_s: int) -> str:
        """Return an address that shows the copy to whoever has it, for so many seconds at most."""

    def check(self) -> Iterable[Finding]:
        """Look at the set-up, finding by finding; the finding `EXPIRY_RULE` says whether the store deletes by itself.

        One of `VERSIONS`, whether what is deleted is gone, comes before it where a store can keep things. Those behind
        it may put and remove an object of no content: who stops there causes nothing.
        """


def is_ours(key: str) -> bool:
    """Tell whether dsvc put what is under a key: a copy, a part of one that was cut short, a probe."""
    return _OURS.fullmatch(key) is not None


def find_foreign(store: StagingStore) -> Finding:
    """Return whether a store holds what dsvc did not put."""
    return contents(islice((found.key for found in store.iter_objects() if not is_ours(found.key)), _FEW))


def contents(foreign: Iterable[str]) -> Finding:
    """Return what is said of a store that holds such things besides copies."""
    names = sorted(foreign)[:_FEW]
    if not names:
        return Finding(CONTENTS, True, "copies alone")
    advice = "name a directory or prefix of its own as `staging`"
    return Finding(CONTENTS, False, f"it holds other things, such as {', '.join(names)}", advice)


CONTENTS: Final = "contents"
"""The `what` of the finding about what else is there."""
EXPIRY_RULE = "expiry rule"
"""The `what` of the finding about the store's own deleting."""


VERSIONS = "versions"
"""The `what` of the finding about what stays of a copy that is deleted."""


def require_expiry_rule(store: StagingStore) -> None:
    """Refuse a store in which what dsvc failed to delete would stay, or what it did delete.

    Raises:
        StagingError: If its check found no rule, or that it keeps old versions.
    """
    rule = None
    for finding in store.check():
        if finding.what == VERSIONS and not finding.is_well:
            raise StagingError(store=store.name, reason=finding.found, hint=finding.advice)
        if finding.what == EXPIRY_RULE:
            rule = finding
            break
    if rule is None or not rule.is_well:
        found, advice = ("it does not say", None) if rule is None else (rule.found, rule.advice)
        raise StagingError(store=store.name, reason=f"it has no expiry rule of its own: {found}", hint=advice)
