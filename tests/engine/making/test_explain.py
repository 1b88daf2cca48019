"""Which part of a step changed."""

from __future__ import annotations

import pytest

CODE = "def f(x, k=1) -> int:\n    return x + {add}\n"


@pytest.fixture
def change(bench):
    """Runs one step, commits if asked, and returns what a plan says of another."""
    bench.put("x", {"a": 1, "b": 2})
    bench.put("y", {"a": 1, "b": 2})

    def change(before, after, *, commit=True, code=(1, 1), meanwhile=None):
        bench.write(f"[step.s]\n{before}", steps=CODE.format(add=code[0]))
        bench.run()
        if commit:
            bench.repo.commit("made")
        if meanwhile is not None:
            meanwhile()
        bench.write(f"[step.s]\n{after}", steps=CODE.format(add=code[1]))
        return next(step.change for step in bench.plan().steps if step.name == "s")

    return change


PYTHON = 'python = "steps:f"\ninputs = ["x"]'


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('sql = "SELECT x AS s"', 'sql = "SELECT x + 1 AS s"', "sql"),
        ('sql = "SELECT x AS s"', 'sql = "SELECT y AS s"', "inputs x -> y"),
        ('sql = "SELECT x AS s"', 'sql = "SELECT x > 1 AS s"', "type int64 -> bool"),
        ('sql = "SELECT x AS s"', PYTHON, "sql -> steps:f"),
        (PYTHON, f"{PYTHON}\nparameters = {{ k = 2 }}", "parameters.k none -> 2"),
        (f"{PYTHON}\nparameters = {{ k = 1 }}", f"{PYTHON}\nparameters = {{ k = 2 }}", "parameters.k 1 -> 2"),
        (f'{PYTHON}\nversion = "1"', f'{PYTHON}\nversion = "2"', "version 1 -> 2"),
        (PYTHON, f'{PYTHON}\nenvironment = {{ torch = "2.1" }}', "environment.torch none -> 2.1"),
    ],
)
def test_the_part_that_changed_is_named(change, before, after, expected):
    """Inputs, type, producer and version are known from what was made, the rest from the committed recipe."""
    assert expected == change(before, after)


def test_code_is_what_is_left(change):
    """Where the table of the step is the same, its code changed."""
    assert "code" == change(PYTHON, PYTHON, code=(1, 2))


def test_without_a_commit_of_that_recipe_less_is_known(change):
    """A recipe that nobody committed cannot be compared."""
    assert "code or parameters" == change(PYTHON, f"{PYTHON}\nparameters = {{ k = 2 }}", commit=False)


def test_a_draft_that_another_recipe_made_is_not_compared(change, bench):
    """The committed recipe says nothing of what was made after the commit."""

    def meanwhile():
        bench.write(f"[step.s]\n{PYTHON}\nparameters = {{ k = 7 }}")
        bench.run()

    assert "code or parameters" == change(PYTHON, f"{PYTHON}\nparameters = {{ k = 8 }}", meanwhile=meanwhile)


def test_a_signal_without_records_tells_less(change, bench):
    """Where no record is left there is no producer to compare."""
    assert "sql" == change('sql = "SELECT x AS s"', 'sql = "SELECT x + 1 AS s"', meanwhile=lambda: None)
    bench.repo.remove("x", ["a", "b"])
    bench.put("x", {"c": 1})

    assert bench.plan().steps[0].change == "sql"


def test_an_earlier_commit_tells_too(change, bench):
    """A parameter that was taken back after a later commit."""

    def meanwhile():
        for k in (2, 1):
            bench.write(f"[step.s]\n{PYTHON}\nparameters = {{ k = {k} }}", steps=CODE.format(add=1))
            bench.run()
            if k == 2:
                bench.repo.commit("later")

    found = change(f"{PYTHON}\nparameters = {{ k = 1 }}", f"{PYTHON}\nparameters = {{ k = 3 }}", meanwhile=meanwhile)

    assert "parameters.k 1 -> 3" == found
