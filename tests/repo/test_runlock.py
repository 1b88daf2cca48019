"""One run at a time, across processes; nobody has to clean up after one that died."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsvc.errors import RunningError
from dsvc.repo.layout import Layout
from dsvc.repo.runlock import running

PROJECT = Path(__file__).parents[2]
HOLDER = """
import os, sys
from pathlib import Path
from dsvc.repo.layout import Layout
from dsvc.repo.runlock import running

with running(Layout(Path(sys.argv[1])), "dsvc run --ingest", None):
    print("held", flush=True)
    os.read(0, 1)
"""


@pytest.fixture(name="layout")
def make_layout(tmp_path):
    """The paths of a repository."""
    (tmp_path / ".dsvc").mkdir()
    return Layout(tmp_path)


@pytest.fixture(name="holder")
def make_holder(layout):
    """Another process that is at work."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(layout.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_a_second_run_is_refused(layout, holder):
    """With who is at work, if it is not to wait."""
    with pytest.raises(RunningError) as caught, running(layout, "run", None, waits=False):
        pass

    assert (holder.pid, "dsvc run --ingest") == (caught.value.pid, caught.value.command)
    assert 17 == caught.value.exit_code


def test_a_second_run_waits_and_says_for_whom(layout, holder):
    """Until the first is done."""
    told = []

    def on_wait(note):
        told.append((note.pid, note.command))
        holder.stdin.write(b"x")
        holder.stdin.flush()

    with running(layout, "run", on_wait):
        assert [(holder.pid, "dsvc run --ingest")] == told


def test_a_run_that_died_is_in_nobodys_way(layout, holder):
    """The kernel lets go of what it held."""
    holder.kill()
    holder.wait()

    with running(layout, "run", None, waits=False):
        assert layout.run_lock.is_file()


def test_runs_of_one_process_exclude_each_other_too(layout):
    """Two repositories open on one directory are two runs."""
    with running(layout, "run", None), pytest.raises(RunningError), running(layout, "run", None, waits=False):
        pass

    with running(layout, "again", None, waits=False):
        assert str(os.getpid()) in layout.run_lock.read_text()
