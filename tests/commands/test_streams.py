"""What a step prints and reads is none of the command's business."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

RECIPE = """
[step.s]
python = "steps:s"
inputs = ["x"]
"""
CODE = """
import os, sys
print("loaded")
def s(x) -> int:
    print("called")
    os.system("echo child; cat")
    return len(sys.stdin.read())
"""


def test_what_a_step_prints_goes_to_stderr_and_stdin_is_empty(repo):
    """What it, its modules and its children print; so objects for programs stay such, whoever makes the records."""
    repo.put("x", {"a": 1})
    Path("dsvc.toml").write_text(RECIPE)
    Path("steps.py").write_text(CODE)

    for words in (["run"], ["try", "s"], ["run", "--check"], ["recipe", "check"]):
        line = [sys.executable, "-m", "dsvc", *words, "--json"]
        done = subprocess.run(line, check=False, input="typed", capture_output=True, text=True, timeout=60)

        assert 0 == done.returncode, done.stderr
        assert all(json.loads(line)["type"] for line in done.stdout.splitlines())
        assert "loaded" in done.stderr
    assert [0] == [row["s"] for row in repo.json("read", "@draft")]


def test_a_reader_of_stderr_that_has_gone_fails_no_record(repo):
    """As with `dsvc run 2>&1 | head`: what a step prints then is lost, and its records are made."""
    repo.put("x", {f"s{n:04}": n for n in range(3000)})
    Path("dsvc.toml").write_text(RECIPE)
    Path("steps.py").write_text("def s(x) -> int:\n    print('told', flush=True)\n    return x\n")
    reader, writer = os.pipe()
    os.close(reader)
    subprocess.run([sys.executable, "-m", "dsvc", "run"], check=False, stdout=writer, stderr=writer, timeout=60)
    os.close(writer)

    assert 3000 == len(repo.json("read", "@draft", "--signal", "s"))
