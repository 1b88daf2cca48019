"""Whether a version has a source, and which pointers are near to one that it has not."""

from __future__ import annotations

from difflib import SequenceMatcher

from dsvc.errors import SourceNotFoundError
from dsvc.objects.chunk import load_keys
from dsvc.objects.keys import Keys
from dsvc.objects.tree import Tree
from dsvc.repo.view import View

_SHOWN = 3
_WINDOW = 200
"""Pointers to each side that are looked at: those that begin alike stand together."""


def check_source(view: View, pointer: str) -> bytes:
    """Return a pointer as a key of the version's signals.

    Raises:
        SourceNotFoundError: If no signal of the version has it; the hint gives the nearest.
    """
    key = pointer.encode()
    probe = Keys.of_bytes([key])
    trees = [view.get_tree(name) for name in view.signals]
    if not any(tree.has(probe)[0] for tree in trees):
        raise SourceNotFoundError(pointer=pointer, revision=view.revision, near=find_near(trees, key))
    return key


def find_near(trees: list[Tree], key: bytes) -> list[str]:
    """Return the pointers most like a key, of those that stand around its place in the largest tree."""
    if not trees:
        return []
    largest = max(trees, key=lambda tree: tree.count)
    nodes = largest.nodes()
    path, _, _ = next(nodes.locate(Keys.of_bytes([key])))
    keys = load_keys(largest.reader, [nodes.chunk(path)])
    at = int(keys.search(Keys.of_bytes([key]))[0][0])
    around = [name.decode() for name in keys[max(0, at - _WINDOW) : at + _WINDOW]]
    wanted = key.decode("utf-8", "replace")
    return sorted(around, key=lambda name: (-SequenceMatcher(None, wanted, name).ratio(), name))[:_SHOWN]
