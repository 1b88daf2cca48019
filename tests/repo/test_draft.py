from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.errors import ObjectFormatError
from dsvc.objects.oid import Oid
from dsvc.objects.snapshot import Root
from dsvc.repo.draft import Draft, decode_draft, encode_draft, replace_datasets, replace_signals

A, B, C = (Oid(bytes([i]) * 32) for i in range(3))


@pytest.mark.parametrize("draft", [Draft(None, A), Draft(A, B), Draft(A, B, C)], ids=["unborn", "plain", "state"])
def test_drafts_survive_encoding(draft):
    """A draft is read as it was written."""
    assert draft == decode_draft(encode_draft(draft))


@given(st.binary(max_size=80))
def test_other_bytes_are_no_draft(data):
    """Bytes that are no draft give ObjectFormatError and nothing else."""
    with suppress(ObjectFormatError):
        decode_draft(data)


def test_replacing_keeps_names_sorted_and_unique():
    """Signals and datasets are put in by name, replaced, and left out with None."""
    root = replace_signals(Root(), {"b": A, "a": B})
    assert (("a", B), ("b", A)) == root.signals
    root = replace_datasets(replace_signals(root, {"a": None, "b": C, "c": None}), {"d": A})
    assert ((("b", C),), (("d", A),)) == (root.signals, root.datasets)
