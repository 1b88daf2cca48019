"""What every staging store must have, shown on the one in memory."""

import pytest

from dsvc.annotation.staging.store import find_foreign, is_ours, require_expiry_rule
from dsvc.errors import StagingError
from dsvc.testing.staging import MemoryStaging, StagingTests


class TestMemoryStaging(StagingTests):
    def make_staging(self, tmp_path):
        return MemoryStaging(lambda: 1)


def test_a_store_without_a_rule_is_refused():
    """Before any image is in it."""
    require_expiry_rule(MemoryStaging(lambda: 1))
    with pytest.raises(StagingError, match="expiry rule"):
        require_expiry_rule(MemoryStaging(lambda: 1, has_rule=False))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("dsvc" + "0a" * 18, True),
        ("dsvc" + "0a" * 18 + ".77-00ff00ff.part", True),
        ("dsvc-probe-" + "0a" * 8, True),
        ("0a" * 20, False),
        ("dsvc" + "0a" * 18 + ".png", False),
        ("sub/dsvc" + "0a" * 18, False),
        ("dsvc.toml", False),
        ("face.jpg", False),
    ],
)
def test_what_is_ours_is_known_by_its_key(key, expected):
    """A copy, its part, a probe; no file that is named by a sum of its content, and none of a repository."""
    assert expected == is_ours(key)


def test_a_place_of_somebody_else_is_found():
    """A few of the things there are named, and what to do is said."""
    store = MemoryStaging(lambda: 1)
    store.put("dsvc" + "0a" * 18, b"x", "image/png")
    assert find_foreign(store).is_well
    for number in range(5):
        store.put(f"{number}.png", b"x", "image/png")

    found = find_foreign(store)
    assert (False, "it holds other things, such as 0.png, 1.png, 2.png") == (found.is_well, found.found)
    assert "directory or prefix of its own" in str(found.advice)
