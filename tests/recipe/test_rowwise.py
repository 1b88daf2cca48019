"""What is not row-wise is refused by name, hidden in a macro or not."""

import pytest

from dsvc.errors import NotRowWiseError, RecipeError
from dsvc.recipe.duck import shared_parser
from dsvc.recipe.expressions import parse_expression, parse_select
from dsvc.recipe.rowwise import DENIED, refuse_function

EXPRESSIONS = {
    "sum(x)": "the aggregate sum() at character 1",
    "count(*)": "the aggregate count_star() at character 1",
    "1 + count(x) FILTER (x > 1)": "the aggregate count() at character 5",
    "first(x ORDER BY y)": "the aggregate first() at character 1",
    "count(DISTINCT x)": "the aggregate count() at character 1",
    "geomean(x)": "the aggregate avg(), which geomean() stands for at character 1",
    "json_group_array(x)": "the aggregate string_agg(), which json_group_array() stands for at character 1",
    "row_number() OVER ()": "the window function row_number() at character 1",
    "sum(x) OVER (PARTITION BY y)": "the window function sum() at character 1",
    "lag(x)": "the window function lag() at character 1",
    "(SELECT 1)": "a subquery at character 1",
    "x IN (SELECT 1)": "a subquery at character 6",
    "EXISTS (FROM t)": "a subquery at character 1",
    "x = ANY([1, 2])": "a subquery at character 1",
    "ARRAY(SELECT 1)": "a subquery at character 1",
    "*": "* at character 1",
    "x.*": "* at character 1",
    "COLUMNS('a')": "* at character 1",
    "$1": "the parameter $1 at character 1",
    "?": "the parameter $1 at character 1",
    "#1": "the positional reference #1 at character 1",
    "random()": "the volatile function random() at character 1",
    "RANDOM()": "the volatile function random() at character 1",
    "uuid()": "the volatile function uuid() at character 1",
    "now()": "the volatile function now() at character 1",
    "today()": "the volatile function today() at character 1",
    "main.now()": "the volatile function now() at character 1",
    "current_timestamp": "the volatile current_timestamp at character 1",
    "CURRENT_DATE": "the volatile CURRENT_DATE at character 1",
    "get_current_time()": "the volatile function get_current_time() at character 1",
    "current_localtimestamp()": "the volatile function current_localtimestamp() at character 1",
    "ago(INTERVAL 1 DAY)": "the volatile current_timestamp, which ago() stands for at character 1",
    "age(x)": "age() of one argument, which asks the clock at character 1",
    "nextval('s')": "the volatile function nextval() at character 1",
    "txid_current()": "the volatile function txid_current() at character 1",
    "stats(x)": "the volatile function stats() at character 1",
    "unnest(x)": "unnest(), which makes rows at character 1",
    "generate_subscripts(x, 1)": "unnest(), which makes rows, which generate_subscripts() stands for at character 1",
    "read_csv('x.csv')": "the table function read_csv() at character 1",
    "read_text('/etc/passwd')": "the table function read_text() at character 1",
    "getenv('HOME')": "getenv(), which asks the engine at character 1",
    "getvariable('x')": "getvariable(), which asks the engine at character 1",
    "current_setting('TimeZone')": "the volatile function current_setting() at character 1",
    "alias(x)": "alias(), which asks the engine at character 1",
    "version()": "version(), which asks the engine at character 1",
    "list_aggr(x, 'reservoir_quantile', 0.5)": (
        "list_aggr() of an aggregate that is random or not named by a literal at character 1"
    ),
    "list_aggregate(x, y)": (
        "list_aggregate() of an aggregate that is random or not named by a literal at character 1"
    ),
    "list_transform(x, e -> e + 1)": ("an arrow in list_transform(), which is written `lambda x: ...` at character 1"),
    "DEFAULT": "DEFAULT at character 1",
    "GROUPING(x)": "GROUPING() at character 1",
    "x GROUP BY y": "GROUP BY at character 12",
    "x GROUP BY ALL": "GROUP BY",
    "x ORDER BY y": "ORDER BY at character 12",
    "x LIMIT 1": "LIMIT at character 9",
    "x LIMIT 10%": "LIMIT",
    "x FROM t": "FROM at character 8",
    "x FROM a JOIN b ON a.x = b.x": "a join at character 8",
    "x FROM a, b": "a join",
    "DISTINCT x": "DISTINCT",
    "x WHERE y": "WHERE at character 9",
    "x HAVING y": "HAVING at character 10",
    "x QUALIFY y": "QUALIFY at character 11",
    "x USING SAMPLE 10": "SAMPLE",
    "x UNION SELECT y": "UNION",
    "x EXCEPT SELECT y": "EXCEPT",
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_more_than_one_record_is_refused_by_name(text):
    """The error names the construct and where it is."""
    with pytest.raises(NotRowWiseError) as caught:
        parse_expression(text)

    assert caught.value.construct.startswith(EXPRESSIONS[text])


@pytest.mark.parametrize(
    "text",
    [
        "SELECT x FROM t",
        "FROM t",
        "WITH t AS (SELECT 1) SELECT x",
        "VALUES (1)",
        "SELECT x WHERE y",
        "SELECT sum(x) AS n",
    ],
)
def test_a_step_has_a_select_list_alone(text):
    """The same holds for the SQL of a step."""
    with pytest.raises(NotRowWiseError):
        parse_select(text)


@pytest.mark.parametrize(
    "text",
    [
        "list_sum(x)",
        "list_aggr(x, 'sum')",
        "list_sort(x)",
        "array_to_string(x, ',')",
        "split_part(x, ',', 1)",
        "age(x, y)",
        "date_trunc('day', x)",
        "error('no such class')",
        "greatest(x, y)",
        "regexp_extract(x, 'a(.)', 1)",
        "strftime(x, '%Y')",
        "range(3)",
        "TRY(CAST(x AS INTEGER))",
        "x NOT IN (1, 2)",
        "x IS NOT DISTINCT FROM y",
        "x SIMILAR TO 'a.*'",
        "INTERVAL 3 DAY + x",
        "x AT TIME ZONE 'UTC'",
        "if(x, 1, 2)",
        "nullif(x, 1)",
    ],
)
def test_what_sees_one_record_is_allowed(text):
    """Aggregates of a list are of one record's value."""
    parse_expression(text)


def test_every_function_of_the_engine_is_judged():
    """No overload that is volatile, makes rows or needs several gets through, whatever it is called."""
    parser = shared_parser()
    allowed = [name for name in parser.functions if refuse_function(name, 1, parser) is None]

    assert len(allowed) > 500
    assert {"error"} == {
        name
        for name in allowed
        for overload in parser.functions[name]
        if overload.kind == "aggregate" or (overload.kind == "scalar" and overload.stability != "CONSISTENT")
    }
    assert [] == [name for name in allowed if {o.kind for o in parser.functions[name]} <= {"table", "window", "pragma"}]


def test_what_the_engine_declares_wrongly_is_still_there():
    """The list of denied functions holds what this engine has, or what others of its builds have."""
    absent = set(DENIED) - set(shared_parser().functions)

    assert absent <= {"getenv", "unnest"}


def test_a_function_of_no_engine_is_unknown_not_refused():
    """What does not exist is an error of its own, with the nearest name."""
    with pytest.raises(RecipeError) as caught:
        parse_expression("read_csvv(x)")

    assert not isinstance(caught.value, NotRowWiseError)
