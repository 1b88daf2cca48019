"""What was made once is not made again: by other parameters and back, and on a colleague's branch."""

from __future__ import annotations

from dsvc.repo.workspace import MAX_TRACES

RECIPE = """
[step.s]
python = "steps:f"
inputs = ["x"]
parameters = { plus = PLUS }
[step.t]
sql = "SELECT s // 2 AS t"
"""
CODE = "def f(x, plus) -> int:\n    return x + plus\n"


def edit(bench, plus):
    """Write the recipe with another parameter."""
    bench.write(RECIPE.replace("PLUS", str(plus)), steps=CODE)


def ran(bench, **options):
    """Run, and return how many records each step executed."""
    return [step.ran for step in bench.run(**options).steps]


def test_there_and_back_executes_nothing(bench):
    """A -> B -> A: what A gave is still known, downstream too."""
    bench.put("x", {"a": 1, "b": 2})
    edit(bench, 10)
    assert [2, 2] == ran(bench)
    first = bench.view.root_id
    edit(bench, 20)
    assert [2, 2] == ran(bench)
    edit(bench, 10)

    assert [0, 0] == ran(bench)
    assert first == bench.view.root_id


def test_inputs_there_and_back_execute_nothing(bench):
    """Traces know records by their inputs, whatever came in between."""
    bench.put("x", {"a": 1, "b": 2})
    edit(bench, 10)
    ran(bench)
    bench.put("x", {"a": 3})
    assert [1, 1] == ran(bench)
    bench.put("x", {"a": 1})

    assert [0, 0] == ran(bench)


def test_a_colleagues_branch_executes_nothing(bench):
    """What they have made is taken up, whole or record by record."""
    bench.put("x", {"a": 1, "b": 2})
    bench.repo.commit("data")
    bench.repo.switch("theirs", create=True)
    edit(bench, 7)
    assert [2, 2] == ran(bench)
    bench.repo.commit("plus 7")
    bench.repo.switch("main")
    edit(bench, 7)
    assert [0, 0] == ran(bench)

    bench.repo.switch("mine", create=True)
    bench.put("x", {"b": 5, "c": 6})
    assert [2, 2] == ran(bench)


def test_as_many_traces_stay_as_promised(bench):
    """The last 64 of a step; the one before them runs again."""
    edit(bench, 1)
    for value in range(MAX_TRACES + 1):
        bench.put("x", {"a": value})
        assert [1] == ran(bench, only=["s"])
    for value in range(MAX_TRACES, 0, -1):
        bench.put("x", {"a": value})
        assert [0] == ran(bench, only=["s"]), value

    bench.put("x", {"a": 0})
    assert [1] == ran(bench, only=["s"])
