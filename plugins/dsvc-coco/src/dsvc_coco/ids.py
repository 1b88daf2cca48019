"""Whole numbers for things that are known by text: the same in every file, on every machine, in every version.

COCO wants whole numbers. An id here is the first 53 bits of a hash, the largest that JSON readers of every language
and 64-bit floats hold exactly, and never 0, which pycocotools takes for "no match". Among a million texts two share one
by chance once in 18,000 data sets; the later of them in the file then takes the next free number.
"""

from __future__ import annotations

from hashlib import blake2b

MAX_ID = (1 << 53) - 1


def make_id(*words: str) -> int:
    """Return the number of some words, from 1 to `MAX_ID`."""
    digest = blake2b("\0".join(words).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 11 or 1


class Ids:
    """Gives numbers that are distinct within one file."""

    def __init__(self) -> None:
        self._given: set[int] = set()

    def give(self, *words: str) -> int:
        """Return the number of some words, or the next free one if another has it."""
        number = make_id(*words)
        while number in self._given:
            number = number % MAX_ID + 1
        self._given.add(number)
        return number
