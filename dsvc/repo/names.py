"""Names that people give: branches, tags, signals and producers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dsvc.errors import InvalidNameError

MAX_REF_BYTES = 200
"""A ref's name is a key of the store, and those are short."""
RESERVED_SIGNALS = frozenset({"source", "content", "pixels"})
"""The key column of every table, and signals that are built in."""
GLOBAL = "global"
"""The dataset of all sources and all signals, which every version has."""

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
_REF_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_IDENTIFIER_RULE = "a lower-case letter, then up to 62 of a-z, 0-9 and _"


def check_signal_name(name: str) -> str:
    """Return `name` if a signal can have it.

    Raises:
        InvalidNameError: If it is no identifier, or is taken by dsvc itself.
    """
    if not _IDENTIFIER.fullmatch(name):
        raise InvalidNameError(what="signal", name=name, rule=_IDENTIFIER_RULE)
    if name in RESERVED_SIGNALS:
        raise InvalidNameError(what="signal", name=name, rule="it is built in")
    return name


def check_ref_name(name: str, what: str) -> str:
    """Return `name` if a branch or tag can have it.

    Args:
        name: Parts joined by ``/``, each of letters, digits and ``_ . + -``.
        what: ``branch`` or ``tag``, for the error.

    Raises:
        InvalidNameError: If it cannot.
    """
    for is_broken, rule in (
        (not name, "it is empty"),
        (len(name.encode()) > MAX_REF_BYTES, f"it is longer than {MAX_REF_BYTES} bytes"),
        (name == "HEAD" or name.startswith("HEAD/"), "HEAD is the current commit"),
        (".." in name, "`A..B` is a range of commits"),
        (
            not all(_REF_PART.fullmatch(part) for part in name.split("/")),
            "use letters, digits and _ . + - in parts joined by /, each beginning with a letter, digit or _",
        ),
        (name.endswith((".lock", ".")), "it ends in a dot or .lock"),
    ):
        if is_broken:
            raise InvalidNameError(what=what, name=name, rule=rule)
    return name


def split_tag_name(name: str) -> tuple[str | None, str]:
    """Return the dataset, if the tag names one, and the tag's own part: ``spoof@v3`` is ("spoof", "v3").

    Raises:
        InvalidNameError: If a part breaks its rule.
    """
    dataset, at, label = name.rpartition("@")
    check_ref_name(label, "tag")
    if not at:
        return None, label
    if not _IDENTIFIER.fullmatch(dataset):
        raise InvalidNameError(what="dataset", name=dataset, rule=_IDENTIFIER_RULE)
    return dataset, label


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that `name` may have been meant for."""
    from difflib import get_close_matches  # only for an error's hint

    return next(iter(get_close_matches(name, list(names), 1)), None)
