"""What the suites of stores share."""

import pytest

from dsvc.objects.oid import Kind, hash_object
from dsvc.store.frame import decode_frame
from dsvc.store.memory import MemoryStore
from dsvc.testing.stores import StoreSuite, make_object


def test_made_objects_are_sound():
    """Id, frame and bytes belong together; equal texts give equal objects."""
    oid, frame, data = make_object("a", Kind.NODE, size=77)

    assert (77, hash_object(Kind.NODE, data)) == (len(data), oid)
    assert (Kind.NODE, data) == decode_frame(frame)
    assert (oid, frame, data) == make_object("a", Kind.NODE, size=77)
    assert oid != make_object("b", Kind.NODE, size=77)[0]


def test_a_suite_must_say_what_it_tests(tmp_path):
    """Without a store and a way to damage it there is nothing to hold to a contract."""
    with pytest.raises(NotImplementedError):
        StoreSuite().open_store(tmp_path)
    with pytest.raises(NotImplementedError):
        StoreSuite().damage(MemoryStore(), make_object("a")[0], bytes)
