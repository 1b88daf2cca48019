"""How a platform calls people."""

from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.annotation.turns.names import names_of, remember_names


def test_who_answered_has_a_name():
    """On that platform alone; who did not, has none."""
    ops = MemoryOpStore()
    remember_names(ops, "team", {"p-2": "ben"})
    remember_names(ops, "team", {"p-1": "ann"})
    remember_names(ops, "team", {"p-1": "ann"})

    assert ("ann", "ben") == names_of(ops, "team", ["p-2", "p-1", "p-3"])
    assert () == names_of(ops, "other", ["p-1"])
    assert 2 == ops.get("control", "people of team").version
