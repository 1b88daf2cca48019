"""A directory as staging store."""

import os

import pytest

from dsvc.annotation.staging.local import LocalStaging
from dsvc.annotation.staging.store import EXPIRY_RULE, require_expiry_rule
from dsvc.errors import StagingError, StoreError
from dsvc.testing.staging import StagingTests


class TestLocalStaging(StagingTests):
    def make_staging(self, tmp_path):
        return LocalStaging(tmp_path / "stage", cleaned_by="a timer")


def test_a_directory_that_nothing_empties_is_refused(tmp_path):
    """And what to do is said."""
    with pytest.raises(StagingError) as caught:
        require_expiry_rule(LocalStaging(tmp_path / "stage"))
    assert "`expiry`" in str(caught.value.hint)


def test_only_the_owner_may_look(tmp_path):
    """At the directory and at each file; a directory that others may enter is found."""
    staging = LocalStaging(tmp_path / "stage", cleaned_by="a timer")
    staging.put("0a", b"x", "image/png")

    assert 0o700 == (tmp_path / "stage").stat().st_mode & 0o777
    assert 0o600 == (tmp_path / "stage" / "0a").stat().st_mode & 0o777
    (tmp_path / "stage").chmod(0o755)
    assert [False] == [found.is_well for found in staging.check() if found.what != EXPIRY_RULE]


def test_nothing_is_left_beside_a_copy(tmp_path):
    """Not of one that was put, nor of one that was refused; what a killed writer left is listed like a copy."""
    staging = LocalStaging(tmp_path / "stage")
    staging.put("0a", b"x", "image/png")
    staging.put("0a", b"y", "image/png")
    assert ["0a"] == [path.name for path in (tmp_path / "stage").iterdir()]

    (tmp_path / "stage" / "0b.77-00.part").write_bytes(b"cut")
    assert ["0a", "0b.77-00.part"] == [found.key for found in staging.iter_objects()]


def test_a_key_is_one_name(tmp_path):
    """It leads nowhere else."""
    staging = LocalStaging(tmp_path / "stage")
    for key in ("../x", "a/b", "", ".hidden"):
        with pytest.raises(ValueError, match="plain name"):
            staging.put(key, b"", "image/png")


def test_an_error_has_no_byte_of_the_image(tmp_path, monkeypatch):
    """The directory and the reason, and no cause behind them."""
    staging = LocalStaging(tmp_path / "stage")

    def refuse(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StoreError) as caught:
        staging.put("0a", b"secret pixels", "image/png")
    assert "secret" not in str(caught.value)
    assert [] == list((tmp_path / "stage").iterdir())


def test_what_is_somebody_else_s_is_listed(tmp_path):
    """Files of any name and directories, but nothing hidden, nor what a file system has at its root."""
    staging = LocalStaging(tmp_path / "stage")
    assert [] == list(staging.iter_objects())
    (tmp_path / "stage").mkdir()
    for name in ("my photo.jpg", ".keep"):
        (tmp_path / "stage" / name).write_bytes(b"x")
    for name in ("images", "lost+found", ".git"):
        (tmp_path / "stage" / name).mkdir()

    assert ["images", "my photo.jpg"] == [found.key for found in staging.iter_objects()]
