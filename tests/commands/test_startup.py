"""Quick commands stay quick: they load nothing that they do not need."""

import subprocess
import sys

import pytest

HEAVY = ("pyarrow", "numpy", "duckdb", "boto3", "pymongo", "pluggy", "rich")
QUICK = ("importlib.metadata", "subprocess", "tomllib", "logging", "asyncio", "json")
"""Parts of the standard library that cost milliseconds and that no quick command needs."""

MOST_MODULES = 60
"""Of dsvc itself, that a quick command may load."""

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


COUNT = """
import sys
from dsvc.cli import main
status = main(sys.argv[1:])
ours = [name for name in sys.modules if name.split(".")[0] == "dsvc"]
sys.exit(f"exit status {status}" if status else str(len(ours)))
"""


@pytest.mark.parametrize("words", ["log -n1", "branch", "status"])
def test_quick_command_loads_few_of_our_modules(words, scores):
    """Loading modules is nearly all that a quick command does: a prompt that shows the branch must not be felt."""
    command = [sys.executable, "-c", COUNT, *words.split()]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stderr.splitlines()[-1]

    assert int(found) <= MOST_MODULES
