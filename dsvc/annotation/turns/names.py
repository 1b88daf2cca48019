"""How a platform calls the people behind pseudonyms: known as far as they answered there, and kept in the op store.

It is needed to say who must not be given a question. Nothing depends on it: without it somebody may be given what they
are not to answer, and their answer counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dsvc.annotation.opstores.base import OpStore, update


def remember_names(ops: OpStore, platform: str, names: Mapping[str, str]) -> None:
    """Keep pseudonym -> name, where it is not known yet."""
    found = ops.get("control", _key(platform))
    if found is None or not names.items() <= found.doc.items():
        update(ops, "control", _key(platform), lambda doc: {**(doc or {}), **names})


def names_of(ops: OpStore, platform: str, pseudonyms: Iterable[str]) -> tuple[str, ...]:
    """Return the names of some people, sorted; who never answered there is left out."""
    found = ops.get("control", _key(platform))
    known = {} if found is None else found.doc
    return tuple(sorted({str(known[one]) for one in pseudonyms if one in known}))


def _key(platform: str) -> str:
    return f"people of {platform}"
