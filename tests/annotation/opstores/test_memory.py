"""The op store in memory keeps the contract."""

from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.testing.opstores import INDEXES, OpStoreTests


class TestMemoryOpStore(OpStoreTests):
    survives_close = False

    def open_opstore(self, place):
        return MemoryOpStore(INDEXES)
