"""Names of people become pseudonyms before anything is kept: by a key that every clone has and no ledger holds.

Without the key nobody can try out whether a pseudonym is somebody's; and one person has one pseudonym in all clones, on
all platforms and in labels that were there before. So a clone with another key must take no answers in: each person
would count as two. What the ledger holds of the key tells whether it is the same, and nothing else of it.

A repository without a key works as well. Whoever has its ledger can then find out who was meant by trying names.

Source: docs/format.md#asks-and-answers.
"""

from __future__ import annotations

import hashlib
import hmac

from dsvc.errors import UserError

_DIGITS = 12


class Pseudonyms:
    """What turns a platform's name of a person into ours.

    Args:
        key: The key; empty for none.
    """

    def __init__(self, key: str = "") -> None:
        self._key = b"annotator:" + key.encode()
        self.fingerprint = hmac.new(self._key, b"\0fingerprint", hashlib.sha256).digest()[:16] if key else b""
        """Tells keys apart; empty for none."""

    def __call__(self, name: str) -> str:
        """Return a person's pseudonym."""
        return "p-" + hmac.new(self._key, name.encode(), hashlib.sha256).hexdigest()[:_DIGITS]

    def check(self, known: bytes) -> None:
        """Refuse to mix pseudonyms of two keys.

        Args:
            known: The fingerprint of the key that people who answered before became pseudonyms by.

        Raises:
            UserError: If that is another key.
        """
        if known != self.fingerprint:
            theirs = "by the ledger's" if known else "without one"
            ours = "has another key of pseudonyms" if self.fingerprint else "has no key of pseudonyms"
            raise UserError(
                message=f"this clone {ours}: people answered {theirs}, and each would count as two",
                hint="let `pseudonyms` in .dsvc/config.toml be what it is in the clone where they answered",
            )
