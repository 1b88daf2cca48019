"""What a recipe says of platforms becomes what their work needs."""

import pytest

from dsvc.annotation.opstores.lmdb import LmdbOpStore
from dsvc.annotation.outfit import open_ops, open_staging, read_expiry
from dsvc.annotation.staging.expiry import Expiry
from dsvc.annotation.staging.local import LocalStaging
from dsvc.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, Expiry()),
        ("rolling", Expiry()),
        ("midnight", Expiry("lifecycle")),
        ("daily 04:30", Expiry("daily sweep", 270)),
    ],
)
def test_expiry_is_read(text, expected):
    """Three readings of a store's own rule."""
    assert expected == read_expiry(text)


@pytest.mark.parametrize("text", ["daily", "daily 25:00", "daily 04:75", "weekly"])
def test_expiry_that_is_none_is_refused(text):
    """The error says what is possible."""
    with pytest.raises(ConfigError, match="rolling"):
        read_expiry(text)


def test_staging_is_a_directory_beside_the_recipe(tmp_path):
    """Files are put at the time of the clock that is given."""
    store = open_staging("staging", tmp_path, "rolling", lambda: 1_700_000_000_000_000)
    put = store.put("ab", b"x", "image/png")

    assert isinstance(store, LocalStaging)
    assert (str(tmp_path / "staging"), 1_700_000_000_000_000) == (store.name, put.put_us)


def test_state_is_kept_in_a_directory_unless_said(tmp_path):
    """An embedded store by default."""
    ops = open_ops(tmp_path / "annotation")
    assert isinstance(ops, LmdbOpStore)
    ops.close()
