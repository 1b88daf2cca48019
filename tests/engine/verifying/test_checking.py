"""A recipe is checked against the signals of the draft before anything is made."""

from __future__ import annotations

import pytest

from dsvc.engine.verifying.checking import check_recipe

CODE = """
def one(x) -> int:
    return 1

def two(a, b):
    return 1

number = 3
"""


@pytest.fixture
def check(bench):
    """Returns (key, nearest, part of the message) of the problems of a recipe over q, an integer, and a struct c."""
    bench.put("q", {"a": 1})
    bench.put("c", {"a": {"age": 3, "country": "DE"}})

    def check(text, code=CODE):
        bench.write(text, steps=code)
        return list(check_recipe(bench.view, bench.path, bench.plugins, bench.known))

    return check


def words(problems):
    """Return the messages."""
    return [problem.message for problem in problems]


def test_a_sound_recipe_has_no_problem(check):
    """Steps over steps, of all kinds, and datasets over both; nothing has been made yet."""
    assert [] == check(
        """
        [step.one]
        python = "steps:one"
        inputs = ["c.age"]
        [step.more]
        sql = "SELECT one + q AS more"
        [dataset.d]
        where = "more > 1 AND c.country = 'DE'"
        columns = { a = "more + 1", b = "c.age", v = "one._version" }
        split = "s"
        [split.s]
        by = "c.country"
        parts = { all = 1 }
        """
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "[step.s]\nsql = 'SELECT len(q) AS s'", "dsvc.toml:2: step.s.sql: expected SQL that fits", id="sql"
        ),
        pytest.param("[step.s]\nsql = 'SELECT c.agee AS s'", "c has no field 'agee'", id="field-in-sql"),
        pytest.param(
            "[step.s]\npython = 'steps:one'\ninputs = ['c.agee']",
            "dsvc.toml:3: step.s.inputs: c has no field",
            id="field",
        ),
        pytest.param("[dataset.d]\nwhere = 'q + 1'", "`q + 1` is of type int64, expected a condition", id="where"),
        pytest.param(
            "[dataset.d]\ncolumns = { a = 'len(q)' }", "dsvc.toml:2: dataset.d.columns.a: expected SQL", id="column"
        ),
        pytest.param(
            "[step.s]\npython = 'steps:one'\ninputs = ['q']\ntype = 'text'\ngroup = 'c.agee'",
            "dsvc.toml:5: step.s.group: c has no field",
            id="group",
        ),
        pytest.param("[step.s]\npython = 'steps:noone'\ninputs = ['q']", "expected a function 'noone'", id="function"),
        pytest.param("[step.s]\npython = 'nowhere:f'\ninputs = ['q']", "found neither", id="module"),
        pytest.param("[step.s]\npython = 'steps:number'\ninputs = ['q']\ntype = 'text'", "found int", id="callable"),
        pytest.param(
            "[step.s]\npython = 'steps:two'\ninputs = ['q']\ntype = 'text'", "required argument: 'b'", id="call"
        ),
        pytest.param(
            "[step.s]\npython = 'steps:two'\ninputs = ['q', 'c']", "step.s.type: expected the type", id="type"
        ),
        pytest.param(
            "[feed.f]\nplugin = 'files'\npath = 'x'\npointer = 'p'\n"
            "[signal.s]\nfrom = 'f'\nvalue = 'v'\nformats = { '<2' = 'steps:nope' }",
            "expected a function 'nope'",
            id="format",
        ),
    ],
)
def test_one_problem_is_found_once(check, text, expected):
    """In words, with the place."""
    (message,) = words(check(text))

    assert expected in message


def test_types_are_those_that_steps_will_have(check, bench):
    """What a step was before it was edited does not count."""
    bench.write("[step.s]\nsql = 'SELECT q AS s'")
    bench.run()

    assert [] == check("[step.s]\nsql = 'SELECT [q] AS s'\n[step.t]\nsql = 'SELECT len(s) AS t'")
    assert 1 == len(check("[step.s]\nsql = 'SELECT q AS s'\n[step.t]\nsql = 'SELECT len(s) AS t'"))


def test_what_depends_on_an_unknown_type_is_left(check):
    """A signal without records and without a declared type could be anything; so could what is made of it."""
    feed = "[feed.f]\nplugin = 'files'\npath = 'x'\npointer = 'p'\n[signal.n]\nfrom = 'f'\nvalue = 'v'\n"
    steps = "[step.s]\nsql = 'SELECT len(n) AS s'\n[dataset.d]\nwhere = 's'\ncolumns = { a = 'n.x' }"

    assert [] == check(feed + steps)
    assert 2 == len(check(feed + "type = 'int64'\n" + steps))


def test_a_module_that_fails_is_shown_with_its_line(check):
    """Python files are run, as a run would."""
    (problem,) = check("[step.s]\npython = 'steps:one'\ninputs = ['q']", code="x = 1\nraise OSError('no')\n")

    assert ("steps.py", 2) == (problem.file, problem.line)
    assert "step.s.python names it, dsvc.toml:2" == problem.hint


def test_problems_of_text_and_of_types_come_together(check):
    """In order of lines."""
    found = check("[dataset.d]\nwhere = 'q + 1'\nspilt = 'x'\n[step.s]\nsql = 'SELECT len(q) AS s'")

    assert [2, 3, 5] == [problem.line for problem in found]


def test_what_a_dataset_unnests_and_samples_by_is_checked(check, bench):
    """Lists, and expressions that fit; what is taken over from another dataset is told there alone."""
    bench.put("l", {"a": [1]})
    problems = check(
        """
        [dataset.d]
        columns = { q = "q", l = "l" }
        unnest = "q"
        sample = { max = 3, per = "len(q)" }
        [dataset.e]
        from = "d"
        [dataset.f]
        columns = { l = "l" }
        unnest = "l"
        """
    )

    assert ["dataset.d.unnest", "dataset.d.sample.per"] == [problem.key for problem in problems]


def test_tasks_are_checked_as_datasets_are(bench):
    """Their conditions against the types of what they name, and what they judge against their own type."""
    bench.put("label", {"s1": "cat"})
    bench.put("score", {"s1": 1})
    bench.write("""
        [task.kind]
        type = "rating(5)"
        of   = "label"
        ask  = "score + 1"
        formats = { "<1" = "nowhere:f" }
        """)
    problems = check_recipe(bench.view, bench.path, bench.plugins, bench.known)

    assert {"task.kind.ask", "task.kind.type", "nowhere:f"} == {problem.key for problem in problems}
