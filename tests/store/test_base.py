"""Names of refs and lines of the operation log."""

import msgspec
import pytest

from dsvc.errors import InvalidNameError
from dsvc.store.base import REF_NAME_BYTES, Operation, RefChange, encode_ref_name, moved


def test_moved_tells_what_changed():
    """Changes that only demand something are no moves."""
    changes = [RefChange("a", None, b"1"), RefChange("b", b"2", b"2"), RefChange("c", b"3", None)]

    assert (("a", None, b"1"), ("c", b"3", None)) == moved(changes)


@pytest.mark.parametrize("name", ["", "x" * (REF_NAME_BYTES + 1), "é" * REF_NAME_BYTES], ids=["empty", "long", "wide"])
def test_impossible_names_are_refused(name):
    """A name is measured in bytes, not in characters."""
    with pytest.raises(InvalidNameError):
        encode_ref_name(name)


def test_an_operation_is_a_plain_list_on_disk():
    """The log is msgpack of arrays; a line written today reads the same for ever."""
    operation = Operation(1_700_000_000_000_000, "ada", "commit", (("heads/main", None, b"\x01"),))
    encoded = msgspec.msgpack.encode(operation)

    assert "94cf00060a24181e4000a3616461a6636f6d6d69749193aa68656164732f6d61696ec0c40101" == encoded.hex()
    assert operation == msgspec.msgpack.decode(encoded, type=Operation)
