"""Quick commands stay quick: they load nothing that they do not need."""

import os
import subprocess
import sys

import pytest

HEAVY = ("pyarrow", "numpy", "duckdb", "boto3", "pymongo", "pluggy", "rich")
QUICK = ("importlib.metadata", "subprocess", "tomllib", "logging", "asyncio", "json")
"""Parts of the standard library that cost milliseconds and that no quick command needs."""

PROGRAM = """
import sys
from dsvc.cli import main
status = main(sys.argv[2:])
loaded = [name for name in sys.argv[1].split(",") if name in sys.modules]
sys.exit(f"exit status {status}" if status else ",".join(loaded) or 0)
"""


def loaded_by(*words, names=HEAVY):
    """Return what a command line failed with: the names of unwanted modules that it loaded."""
    command = [sys.executable, "-c", PROGRAM, ",".join(names), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr.splitlines()[-1:]


@pytest.mark.parametrize(
    "words", ["log -n1", "branch", "tag", "status", "show", "op log", "branch other", "switch main"]
)
def test_quick_command_loads_nothing_heavy(words, scores):
    """What shows or moves refs needs neither Arrow nor a database engine."""
    found = loaded_by(*words.split())

    assert not set(HEAVY) & set("".join(found).split(",")), found


@pytest.mark.parametrize("words", ["log -n1", "branch"])
def test_quick_command_loads_little_of_the_standard_library(words, scores):
    """Each of these modules costs milliseconds in every prompt that shows the branch."""
    assert [] == loaded_by(*words.split(), names=QUICK)


@pytest.mark.parametrize("words", ["--help", "log --help", "completion bash"])
def test_help_loads_nothing_heavy(words):
    """Help works at once, without a repository."""
    assert [] == loaded_by(*words.split())


def least_cpu_s(*arguments, rounds=7):
    """Return the least processor time of a Python process: what it takes when nothing is in the way."""
    times = []
    for _ in range(rounds):
        process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert 0 == process.returncode
        times.append(usage.ru_utime + usage.ru_stime)
    return min(times)


@pytest.mark.parametrize("words", ["log -n1", "branch", "status"])
def test_quick_command_takes_at_most_twice_and_a_half_an_import_of_click(words, scores):
    """A prompt that shows the branch must not be felt."""
    program = "import sys; from dsvc.cli import main; sys.exit(main(sys.argv[1:]))"

    assert least_cpu_s("-c", program, *words.split()) <= 2.5 * least_cpu_s("-c", "import click")
