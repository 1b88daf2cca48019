"""Which sources a version has: the union over its put and ingested signals, found without reading a value."""

from __future__ import annotations

from collections.abc import Iterator

from dsvc.objects.access import Reader
from dsvc.objects.chunk import batched_chunks, load_keys
from dsvc.objects.keys import Keys, merge_order
from dsvc.objects.node import ChunkEntry
from dsvc.objects.tree import ROWS_PER_BATCH, Tree, count_up_to
from dsvc.repo.view import View


class _Stream:
    """The keys of one tree, block by block."""

    def __init__(self, reader: Reader, chunks: Iterator[ChunkEntry], rows: int) -> None:
        self._blocks = (load_keys(reader, batch) for batch in batched_chunks(chunks, rows))
        self.block: Keys | None = next(self._blocks, None)

    def take_up_to(self, last: bytes) -> Keys | None:
        """Give out the keys up to and with `last`; None where there are none."""
        block = self.block
        if block is None:
            return None
        count = count_up_to(block, last, 0, len(block))
        self.block = next(self._blocks, None) if count == len(block) else block.slice(count, len(block))
        return block.slice(0, count) if count else None


def covering_trees(view: View) -> list[Tree]:
    """Return trees whose keys are the sources of a version, one for each different set of keys.

    Signals of the same sources share their key objects; their nodes alone tell.
    """
    by_keys: dict[tuple[bytes, ...], Tree] = {}
    for name in view.source_signals:
        tree = view.get_tree(name)
        by_keys.setdefault(tuple(chunk.keys for chunk in tree.nodes().chunks()), tree)
    return list(by_keys.values())


def iter_source_keys(view: View, *, rows_per_batch: int = ROWS_PER_BATCH) -> Iterator[Keys]:
    """Yield the sources of a version in order, in batches of about `rows_per_batch`."""
    streams = [_Stream(view.reader, tree.nodes().chunks(), rows_per_batch) for tree in covering_trees(view)]
    while lasts := [stream.block[-1] for stream in streams if stream.block is not None]:
        parts = [stream.take_up_to(min(lasts)) for stream in streams]
        yield _union([part for part in parts if part is not None])


def _union(parts: list[Keys]) -> Keys:
    keys, *rest = parts
    for part in rest:
        keys, _, _ = merge_order(keys, part)
    return keys
