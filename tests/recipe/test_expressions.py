"""Expressions: what they read, how names are bound, and errors that say where."""

import pytest

from dsvc.errors import NotRowWiseError, RecipeError
from dsvc.recipe.expressions import Place, name_expression, parse_expression, parse_select
from dsvc.recipe.paths import InputPath


def inputs(expression):
    """Return the texts of what an expression reads."""
    return [str(path) for path in expression.inputs]


@pytest.mark.parametrize(
    "text,expected",
    [
        ("len(face_boxes) >= 1 AND quality >= 3", ["face_boxes", "quality"]),
        ("x + x.f + x", ["x", "x.f"]),
        ("x._origin = 'human' OR x._version < '2'", ["x._origin", "x._version"]),
        ("[b.score for b in x if b.score > limit_of]", ["x", "limit_of"]),
        ("[b + i for b, i in x]", ["x"]),
        ("[x for x in x]", ["x"]),
        ("list_transform(a, lambda p, i: p.f + i + z)", ["a", "z"]),
        ("list_filter(a, lambda B: b.score > 1)", ["a"]),
        ("list_transform(a, lambda p: list_transform(p.q, lambda r: r + p.s + t))", ["a", "t"]),
        ("list_transform(a, lambda p: p + 1)[1] + p", ["a", "p"]),
        ("x.f[1].g", ["x.f"]),
        ("x['f']", ["x"]),
        ("x.f.upper().trim()", ["x.f"]),
        ("x -> '$.a'", ["x"]),
        ('x."b.c"', ['x."b.c"']),
        ("CASE WHEN a THEN b ELSE c END", ["a", "b", "c"]),
        ("a BETWEEN b AND c", ["a", "b", "c"]),
        ("a IN (b, c, 1)", ["a", "b", "c"]),
        ("CAST(a AS STRUCT(b INTEGER))", ["a"]),
        ("struct_pack(a := b)", ["b"]),
        ("{'a': b, 'c': d.e}", ["b", "d.e"]),
        ("coalesce(a, b) COLLATE NOCASE = c", ["a", "b", "c"]),
        ("1", []),
    ],
)
def test_everything_named_is_an_input(text, expected):
    """In order of first appearance, each once; the parameters of lambdas and comprehensions are no inputs."""
    assert expected == inputs(parse_expression(text))


def test_no_name_is_left_for_the_engine():
    """Every input becomes a column of ours, whatever it is called; only lambda parameters keep their names."""
    expression = parse_expression("list_transform(a, lambda p: p + q.f)")

    assert """list_transform("_dsvc:a", (lambda p: (p + "_dsvc:q.f")))""" == expression.bound


@pytest.mark.parametrize("text", ["_dsvc:x", '"_dsvc:x"', 'list_transform(a, lambda "_dsvc:a": 1)', '"_DSVC:x".f'])
def test_our_column_names_cannot_be_written(text):
    """A quoted name does not reach around the binding."""
    with pytest.raises(RecipeError):
        parse_expression(text)


def test_an_expression_is_known_by_its_tokens():
    """White space and comments make no difference, case does."""
    first, second = parse_expression("len(x)>=1 -- some"), parse_expression("len( x ) /* all */ >= 1")

    assert first == second
    assert hash(first) == hash(second)
    assert "len(x) >= 1" == second.text
    assert first != parse_expression("LEN(x) >= 1")


@pytest.mark.parametrize(
    "text,is_input", [("x", True), ("x.f", True), ("x._origin", True), ("(x)", True), ("x + 1", False), ("x[1]", False)]
)
def test_a_bare_input_is_known(text, is_input):
    """Its values are taken as they are, without the engine."""
    assert is_input == parse_expression(text).is_input


def test_the_value_of_a_signal_is_an_expression():
    """`signals = [...]` means the same as columns of those names."""
    assert parse_expression("x") == name_expression("x")
    assert parse_expression("x").bound == name_expression("x").bound
    assert (InputPath("x"),) == name_expression("x").inputs


@pytest.mark.parametrize(
    "text,expected,found",
    [
        ("", "one SQL expression", "nothing"),
        (" -- only this", "one SQL expression", "nothing"),
        ("x;", "one SQL expression", "';'"),
        ("x, y", "one expression", "2 separated by commas"),
        ("x AS y", "an expression without a name", "'y' after it"),
        ("0xff", "an expression without a name", "'xff' after it"),
        ("x +", "an SQL expression", 'syntax error at or near "+" at character 3'),
        ("'ü' ||| x y", "an SQL expression", None),
        ("'abc", "SQL", "' without an end"),
        ("lenn(x)", "a function of SQL", "lenn() at character 1"),
    ],
)
def test_what_is_no_expression_is_refused(text, expected, found):
    """The error says what was expected, what was found, and at which character of the text."""
    with pytest.raises(RecipeError) as caught:
        parse_expression(text, Place("dsvc.toml", 7, "dataset.a.where"))

    assert not isinstance(caught.value, NotRowWiseError)
    assert ("dsvc.toml", 7, "dataset.a.where", expected) == (
        caught.value.file,
        caught.value.line,
        caught.value.key,
        caught.value.expected,
    )
    assert found is None or found == caught.value.found


def test_an_unknown_function_gets_the_nearest():
    """The hint is a function that there is."""
    with pytest.raises(RecipeError) as caught:
        parse_expression("lenn(x)")

    assert "did you mean 'len'?" == caught.value.hint


def test_positions_are_characters_of_the_text():
    """Not bytes, not of the statement around it; with lines where there are several."""
    with pytest.raises(NotRowWiseError) as caught:
        parse_expression("'größe' = sum(x)")
    assert "the aggregate sum() at character 11" == caught.value.construct

    with pytest.raises(NotRowWiseError) as caught:
        parse_select("SELECT x\n  , sum(y) AS z")
    assert "the aggregate sum() at line 2, character 5" == caught.value.construct


def test_columns_are_sorted_and_named():
    """An alias, or the last name of a bare input; inputs in the order of the text."""
    select = parse_select("SELECT y.f, len(x) AS n, a: q")

    assert ["a", "f", "n"] == [name for name, _ in select.columns]
    assert ["y.f", "x", "q"] == inputs(select)


def test_one_column_named_like_the_signal_is_its_value():
    """Any other list makes a struct."""
    assert parse_select("SELECT len(x) AS n").value("n") is not None
    assert parse_select("SELECT len(x) AS n").value("m") is None
    assert parse_select("SELECT len(x) AS n, x").value("n") is None


def test_an_alias_is_no_name_to_use():
    """Within one list a name means a signal, never a column beside it."""
    select = parse_select("SELECT len(x) AS n, n + 1 AS m")

    assert ["x", "n"] == inputs(select)


@pytest.mark.parametrize(
    "text,found",
    [
        ("SELECT len(x)", "none for column 1"),
        ("SELECT a AS x, b AS X", "'x' and 'X'"),
        ("len(x) AS n", 'syntax error at or near "len" at character 1'),
        ("CREATE TABLE t (a int)", None),
        ("SELECT x; SELECT y", "';'"),
    ],
)
def test_what_is_no_select_list_is_refused(text, found):
    """The error says what is missing."""
    with pytest.raises(RecipeError) as caught:
        parse_select(text)

    assert found is None or found == caught.value.found
