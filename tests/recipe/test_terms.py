"""A condition is cut into the terms that all must be TRUE."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.recipe.evaluate import SqlEvaluator
from dsvc.recipe.expressions import parse_expression
from dsvc.recipe.paths import InputPath
from dsvc.recipe.terms import and_terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", ["a"]),
        ("a AND b and c", ["a", "b", "c"]),
        ("(a AND b)", ["a", "b"]),
        ("((a) AND (b))", ["(a)", "(b)"]),
        ("(a AND b) AND c", ["(a AND b)", "c"]),
        ("a OR b AND c", ["a OR b AND c"]),
        ("a AND (b OR c)", ["a", "(b OR c)"]),
        ("n BETWEEN 1 AND 2 AND b", ["n BETWEEN 1 AND 2", "b"]),
        ("n NOT BETWEEN 1 AND [1, 2][1] AND b", ["n NOT BETWEEN 1 AND [1, 2][1]", "b"]),
        ("CASE WHEN a AND b THEN c ELSE a END AND b", ["CASE WHEN a AND b THEN c ELSE a END", "b"]),
        ("NOT a AND b", ["NOT a", "b"]),
        ("s = 'a AND b' AND b", ["s = 'a AND b'", "b"]),
        ('x.end = 1 AND x."and" = 2 AND x.or', ["x.end = 1", 'x."and" = 2', "x.or"]),
        ("len([y for y in l if y AND y]) > 1 AND b", ["len([y for y in l if y AND y]) > 1", "b"]),
        ("a -- AND\n AND /* AND */ LEN(s) = 2", ["a", "LEN(s) = 2"]),
    ],
)
def test_terms_are_cut_at_the_outermost_and(text, expected):
    """Parentheses, lists, CASE, BETWEEN, texts and names keep theirs; each term is as it was written."""
    assert expected == [term.text for term in and_terms(parse_expression(text))]


NUMBERS = st.sampled_from(["n", "m", "1", "2"])
ATOMS = st.sampled_from(["a", "b", "TRUE", "NULL"]) | st.builds(
    "{} {} BETWEEN {} AND {}".format, NUMBERS, st.sampled_from(["", "NOT"]), NUMBERS, NUMBERS
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({})".format, inner),
        st.builds("NOT {}".format, ATOMS),
        st.builds("{} AND {}".format, inner, inner),
        st.builds("{} OR {}".format, inner, inner),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, inner, inner, inner),
        st.builds("coalesce({}, {})".format, inner, inner),
    ),
    max_leaves=6,
)
BOOLS = [True, False, None]
ROWS = [(a, b, n, m) for a in BOOLS for b in BOOLS for n in (1, 2, 3, None) for m in (1, None)]


@pytest.fixture(name="evaluator", scope="module")
def _evaluator():
    with SqlEvaluator() as evaluator:
        yield evaluator


def columns():
    """Return every combination of a few values of each input."""
    types = {"a": pa.bool_(), "b": pa.bool_(), "n": pa.int64(), "m": pa.int64()}
    values = zip(*ROWS, strict=True)
    return {InputPath(name): pa.array(column, types[name]) for name, column in zip(types, values, strict=True)}


@given(CONDITIONS)
def test_the_condition_is_true_where_all_terms_are(evaluator, text):
    """Whatever it is made of, in logic of three values."""
    condition = parse_expression(text)
    terms = and_terms(condition)
    whole, *parts = (evaluator.where(item, columns(), n_rows=len(ROWS)).to_pylist() for item in (condition, *terms))

    assert whole == [all(row) for row in zip(*parts, strict=True)]
