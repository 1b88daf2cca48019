"""Objects in memory that count what is read and written."""

from collections import Counter

from dsvc.objects.oid import Kind
from tests.golden.cases import MemoryObjects


class CountingObjects(MemoryObjects):
    """A writer that counts, by kind, the objects that were read and those that were new."""

    def __init__(self) -> None:
        super().__init__()
        self.read: Counter[Kind] = Counter()
        self.written: Counter[Kind] = Counter()
        self.written_bytes = 0

    def get(self, oid, kind=None):
        data = super().get(oid, kind)
        self.read[Kind(data[4])] += 1
        return data

    def put(self, kind, parts, hint=None):
        n_before = len(self.objects)
        oid = super().put(kind, parts, hint)
        if len(self.objects) > n_before:
            self.written[kind] += 1
            self.written_bytes += len(self.objects[oid])
        return oid

    def reset(self) -> None:
        """Count from zero again."""
        self.read.clear()
        self.written.clear()
        self.written_bytes = 0
