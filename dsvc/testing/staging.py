"""The contract of staging stores as a test class to inherit from, and one in memory on a clock of one's own.

class TestMyStaging(StagingTests):
    def make_staging(self, tmp_path) -> StagingStore:
        return MyStaging(...)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import ClassVar

import pytest

from dsvc.annotation.staging.expiry import Expiry
from dsvc.annotation.staging.store import EXPIRY_RULE, StagedObject, StagingStore
from dsvc.errors import StoreUnavailableError
from dsvc.plugins.platforms import Finding

_NUMBERS = count(1)


class MemoryStaging:
    """Copies in memory, which go away as a store's own rule says, at the clock's time.

    Attributes:
        name: What tells it from others.
        n_puts: How many copies were created.
        expired: The keys that the store deleted by its own rule.
        fail_next: Calls that fail before they did anything.
        lose_next: Calls that do what they should and then fail.
    """

    def __init__(self, clock: Callable[[], int], expiry: Expiry | None = None, *, has_rule: bool = True) -> None:
        self._clock, self._expiry, self._has_rule = clock, expiry or Expiry(), has_rule
        self._objects: dict[str, StagedObject] = {}
        self._due: dict[str, int] = {}
        self._next_due: int | None = None
        self.n_puts = 0
        self.expired: list[str] = []
        self.fail_next = 0
        self.lose_next = 0
        self.name = f"memory {next(_NUMBERS)}"

    def put(self, key: str, data: bytes, media_type: str) -> StagedObject | None:
        """Create a copy; None if there is one."""
        self._begin()
        if key in self._objects:
            return None
        now = self._clock()
        self._objects[key] = StagedObject(key, now, str(self.n_puts), len(data))
        due = self._due[key] = self._expiry.store_expires(now)
        self._next_due = due if self._next_due is None else min(due, self._next_due)
        self.n_puts += 1
        self._end()
        return self._objects[key]

    def head(self, key: str) -> StagedObject | None:
        """Return what is under a key, or None."""
        self._begin()
        return self._objects.get(key)

    def delete(self, key: str) -> None:
        """Remove what is under a key."""
        self._begin()
        self._objects.pop(key, None)
        self._due.pop(key, None)
        self._end()

    def iter_objects(self) -> Iterator[StagedObject]:
        """Yield everything."""
        self._begin()
        yield from list(self._objects.values())

    def uri(self, key: str) -> str:
        """Return a name."""
        return f"memory://{key}"

    def sign(self, key: str, life_s: int) -> str:
        """Return a name with an end."""
        return f"memory://{key}?life={life_s}"

    def check(self) -> Sequence[Finding]:
        """Return that it has a rule, or none."""
        return [Finding(EXPIRY_RULE, self._has_rule, self._expiry.model if self._has_rule else "none")]

    def sweep(self) -> None:
        """Delete what the store's own rule says."""
        now = self._clock()
        if self._next_due is None or self._next_due > now:
            return
        for key in [key for key, due in self._due.items() if due <= now]:
            del self._objects[key], self._due[key]
            self.expired.append(key)
        self._next_due = min(self._due.values(), default=None)

    @property
    def ages_us(self) -> list[int]:
        """How old each copy is."""
        self.sweep()
        return [self._clock() - found.put_us for found in self._objects.values()]

    @property
    def keys(self) -> set[str]:
        """What there is."""
        self.sweep()
        return set(self._objects)

    @property
    def keys_now(self) -> Container[str]:
        """What there was at the last look, to be asked often."""
        return self._objects

    def _begin(self) -> None:
        self.sweep()
        if self.fail_next:
            self.fail_next -= 1
            raise StoreUnavailableError(store=self.name, reason="told to fail")

    def _end(self) -> None:
        if self.lose_next:
            self.lose_next -= 1
            raise StoreUnavailableError(store=self.name, reason="told to lose its answer")


class StagingTests:
    """What every staging store does."""

    has_rule: ClassVar[bool] = True
    """Whether the store made here has an expiry rule."""

    def make_staging(self, tmp_path: Path) -> StagingStore:
        """Return an empty store."""
        raise NotImplementedError

    @pytest.fixture
    def staging(self, tmp_path: Path) -> StagingStore:
        """An empty store."""
        return self.make_staging(tmp_path)

    def test_a_copy_is_created_once(self, staging: StagingStore) -> None:
        """The second of a key is refused, and the first stays."""
        first = staging.put("0a1b", b"one", "image/png")

        assert first is not None
        assert ("0a1b", 3) == (first.key, first.size)
        assert staging.put("0a1b", b"other bytes", "image/png") is None
        assert first == staging.head("0a1b")

    def test_a_copy_goes(self, staging: StagingStore) -> None:
        """Deleting is idempotent, and the key is free again."""
        staging.put("0a1b", b"one", "image/png")
        staging.delete("0a1b")
        staging.delete("0a1b")

        assert staging.head("0a1b") is None
        assert [] == list(staging.iter_objects())
        assert staging.put("0a1b", b"two", "image/png") is not None

    def test_everything_is_listed(self, staging: StagingStore) -> None:
        """With when it was put: what nobody remembers is found so."""
        for number in range(5):
            staging.put(f"0{number}", b"x" * number, "image/png")

        assert {f"0{number}": number for number in range(5)} == {x.key: x.size for x in staging.iter_objects()}
        assert all(found.put_us > 0 for found in staging.iter_objects())

    def test_of_many_who_create_one_wins(self, staging: StagingStore) -> None:
        """The others are told that there is one."""
        won: list[StagedObject | None] = []
        threads = [
            threading.Thread(target=lambda n=number: won.append(staging.put("0a", b"x" * (n + 1), "image/png")))
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert 1 == sum(found is not None for found in won)

    def test_an_address_names_the_copy(self, staging: StagingStore) -> None:
        """Both that which a platform signs and that which we sign; neither has characters that would be escaped."""
        staging.put("0a1b", b"one", "image/png")

        assert "0a1b" in staging.uri("0a1b")
        assert "0a1b" in staging.sign("0a1b", 60)
        assert "%" not in staging.uri("0a1b")

    def test_it_says_whether_it_deletes_by_itself(self, staging: StagingStore) -> None:
        """Which is demanded before the first image is put, and says what to do where it does not."""
        [rule] = [finding for finding in staging.check() if finding.what == EXPIRY_RULE]

        assert self.has_rule == rule.is_well
        assert rule.is_well or rule.advice
        assert [] == list(staging.iter_objects())
