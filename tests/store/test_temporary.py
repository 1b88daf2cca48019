"""Directories of work under way."""

import os
import subprocess
import sys

import pytest

from dsvc.store.temporary import temporary_directory


def test_a_directory_goes_with_its_context(tmp_path):
    """However it is left, and with all it holds; several at a time are different ones."""

    def work():
        with temporary_directory(tmp_path / "new", "work") as one:
            (one / "file").write_text("x")
            with temporary_directory(tmp_path / "new", "work") as other:
                assert one != other
                assert one.is_dir()
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert [] == list((tmp_path / "new").iterdir())


def test_directories_of_dead_processes_are_removed(tmp_path):
    """Those of the same prefix; what another process that lives holds, or other work, stays."""
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    pid = int(dead.stdout)
    for name in (f"work-{pid}-0", f"other-{pid}-0", f"work-{os.getppid()}-0", "work-x-0"):
        (tmp_path / name).mkdir()

    with temporary_directory(tmp_path, "work") as path:
        assert f"work-{os.getpid()}-0" == path.name

    assert sorted([f"other-{pid}-0", f"work-{os.getppid()}-0", "work-x-0"]) == sorted(
        path.name for path in tmp_path.iterdir()
    )
