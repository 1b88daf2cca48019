"""What a ledger object holds, and what it refuses."""

import pytest

from dsvc.errors import ObjectFormatError
from dsvc.objects.encoding import decode_object, encode_object
from dsvc.objects.ledger import Ledger, LedgerTask
from dsvc.objects.oid import Kind, Oid

A, B = (Oid(bytes([n]) * 32) for n in (1, 2))


def test_a_ledger_is_read_as_it_was_written():
    """Parents, tasks and cursors."""
    ledger = Ledger((A,), (LedgerTask("a", A, B, (("k", 1),)), LedgerTask("b")), (("files/x", b"7"),))

    assert ledger == decode_object(encode_object(Kind.LEDGER, ledger), Kind.LEDGER, Ledger)


def test_names_are_in_order():
    """So that equal ledgers have equal bytes."""
    for wrong in (((), (LedgerTask("b"), LedgerTask("a"))), ((), (), (("q", b""), ("p", b"")))):
        with pytest.raises(ValueError, match="ascending"):
            Ledger(*wrong)
    data = encode_object(Kind.LEDGER, [[], [["b", None, None, []], ["a", None, None, []]], []])
    with pytest.raises(ObjectFormatError):
        decode_object(data, Kind.LEDGER, Ledger)
