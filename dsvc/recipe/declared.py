"""Code that changed although the version that stands for it did not.

A Python step that declares a version is taken at its word: its records are not made again when its code changes. What
the code was when records of this version were first made here is kept beside the repository's data, so that a change
can be told. It is part of no version, goes to no remote, and neither stops nor makes anything.

Nothing heavy is imported here: a status needs it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import msgspec

from dsvc.errors import MissingFileError, RecipeError, RefConflictError
from dsvc.objects.encoding import hash_encoded
from dsvc.objects.oid import Kind, Oid, StoredOid
from dsvc.recipe.code import code_digest, is_inside
from dsvc.recipe.files import RECIPE_FILE, REFERENCE, merge_files
from dsvc.repo.refs import SOURCES
from dsvc.store.base import RefChange, RefStore

MAX_ACCEPTED = 16
"""Digests that one version may stand for: reformatted code of other branches, accepted there."""


class ChangedCode(msgspec.Struct, frozen=True):
    """A step whose code is not what its version stood for."""

    step: str
    code: str
    """``module:function``."""
    version: str
    digest: Oid
    """Of the code as it is now."""
    is_told: bool
    """Whether a run has said so already."""

    @property
    def sentence(self) -> str:
        """What to tell of it, and what to do."""
        changed = f"the code of step {self.step} changed, its version {self.version} did not"
        return f"{changed}: raise the version, or run `dsvc run --accept-code` if the values stay the same"


class _Known(msgspec.Struct, frozen=True, array_like=True):
    """The value of ``sources/<hash of function and version>``, as msgpack."""

    accepted: tuple[StoredOid, ...]
    """Digests of code that the version stands for."""
    told: StoredOid | None = None
    """The digest of which a run has said that it is none of these."""


class _Declared(msgspec.Struct, frozen=True):
    """One Python step with a version, and its code now."""

    step: str
    code: str
    version: str
    digest: Oid

    @property
    def ref(self) -> str:
        """Where what is known of this version of the function is kept."""
        return SOURCES + hash_encoded(Kind.DEFINITION, ["declared", self.code, self.version]).hex()


def find_changed_code(refs: RefStore, directory: Path) -> list[ChangedCode]:
    """Return the steps whose code changed under their version, and was not accepted; by the order of the recipe.

    Args:
        refs: Where what is known is kept.
        directory: Where the recipe is.
    """
    found = []
    for item in _iter_declared(directory):
        known = _decode(refs.get(item.ref))
        if known is not None and item.digest not in known.accepted:
            is_told = item.digest == known.told
            found.append(ChangedCode(item.step, item.code, item.version, item.digest, is_told))
    return found


def note_code(refs: RefStore, directory: Path, steps: Collection[str] | None = None) -> None:
    """Keep what the code of declared versions is, where nothing is known of them yet: they have been made."""
    for item in _iter_declared(directory):
        if (steps is None or item.step in steps) and refs.get(item.ref) is None:
            _put(refs, item.ref, None, _Known((item.digest,)))


def accept_code(refs: RefStore, directory: Path) -> list[ChangedCode]:
    """Let declared versions stand for the code as it is now, too; return what had changed."""
    changed = find_changed_code(refs, directory)
    for item, data in _with_data(refs, changed):
        known = _decode(data) or _Known(())
        _put(refs, _ref_of(item), data, _Known((item.digest, *known.accepted)[:MAX_ACCEPTED]))
    return changed


def mark_told(refs: RefStore, changed: Iterable[ChangedCode]) -> None:
    """Keep that these changes were told."""
    for item, data in _with_data(refs, changed):
        known = _decode(data)
        if known is not None:
            _put(refs, _ref_of(item), data, msgspec.structs.replace(known, told=item.digest))


def _with_data(refs: RefStore, changed: Iterable[ChangedCode]) -> Iterator[tuple[ChangedCode, bytes | None]]:
    return ((item, refs.get(_ref_of(item))) for item in changed)


def _ref_of(item: ChangedCode) -> str:
    return _Declared(item.step, item.code, item.version, item.digest).ref


def _put(refs: RefStore, name: str, before: bytes | None, known: _Known) -> None:
    try:
        refs.update([RefChange(name, before, msgspec.msgpack.encode(known))])
    except RefConflictError:
        return  # another process has just said something of it; what we know is told again next time


def _decode(data: bytes | None) -> _Known | None:
    try:
        return None if data is None else msgspec.msgpack.decode(data, type=_Known)
    except msgspec.DecodeError:
        return None  # of another version of dsvc; nothing depends on it


def _iter_declared(directory: Path) -> Iterator[_Declared]:
    """Yield the steps that say a version of a function in the recipe's directory, as far as they can be read."""
    try:
        content = merge_files(directory)[0] if (directory / RECIPE_FILE).exists() else {}
    except (RecipeError, MissingFileError):
        return
    steps = content.get("step", {})
    for name, table in steps.items() if isinstance(steps, dict) else ():
        code, version = (table.get("python"), table.get("version")) if isinstance(table, dict) else (None, None)
        if isinstance(code, str) and isinstance(version, str) and REFERENCE.fullmatch(code):
            digest = _digest(code, directory)
            if digest is not None:
                yield _Declared(name, code, version, digest)


def _digest(code: str, directory: Path) -> Oid | None:
    try:
        return code_digest(code, directory) if is_inside(code, directory) else None
    except RecipeError:
        return None  # what cannot be followed is why a version is declared
