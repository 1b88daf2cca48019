"""Queries over whole tables: what they name, and what they are refused for."""

import pyarrow as pa
import pytest

from dsvc.errors import QueryError
from dsvc.recipe.query import TableName, parse_query, run_query

TABLES = {
    TableName("", "t"): pa.table({"source": ["a", "b"], "n": [1, 2], "more": ["x", "y"]}),
    TableName("", "u"): pa.table({"source": ["b", "c"], "m": [10, 20]}),
    TableName("dataset", "t"): pa.table({"source": ["z"], "k": [5]}),
}


class Tables:
    """Opens the tables, and notes with which columns."""

    def __init__(self):
        self.asked = []

    def __call__(self, name, words):
        self.asked.append((name, words))
        table = TABLES[name]
        if words is not None:
            table = table.select([column for column in table.schema.names if column in words or column == "source"])
        return table.to_reader()


def ask(text):
    """Return the answer to a query, as columns."""
    return run_query(parse_query(text), Tables()).to_pydict()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT n FROM t WHERE n > 1", {"n": [2]}),
        ("SELECT sum(n) AS s, count(*) AS c FROM t", {"s": [3], "c": [2]}),
        ("SELECT n, m FROM t JOIN u USING (source)", {"n": [2], "m": [10]}),
        ("SELECT n FROM t WHERE n > (SELECT avg(n) FROM t)", {"n": [2]}),
        ("WITH t2 AS (SELECT n FROM t) SELECT a.n FROM t2 a JOIN t2 b USING (n) ORDER BY n", {"n": [1, 2]}),
        ("SELECT k FROM dataset.t", {"k": [5]}),
        ("SELECT T.N AS n FROM T LIMIT 1", {"n": [1]}),
        ("SELECT row_number() OVER (ORDER BY n DESC) AS r FROM t ORDER BY n", {"r": [2, 1]}),
        ("SELECT t.n FROM t NATURAL JOIN u", {"n": [2]}),
        ("SELECT unnest([1, 2]) AS x", {"x": [1, 2]}),
        ("FROM range(2)", {"range": [0, 1]}),
        ("SELECT n FROM t UNION ALL SELECT m FROM u ORDER BY 1", {"n": [1, 2, 10, 20]}),
        ("SELECT count(*) AS c FROM t, u", {"c": [4]}),
        ("SELECT COLUMNS('^m') FROM u", {"m": [10, 20]}),
        ("SELECT epoch(TIMESTAMPTZ '2026-01-01 00:00:00') AS e", {"e": [1767225600.0]}),
    ],
)
def test_all_of_sql_can_be_asked(text, expected):
    """Aggregates, joins, windows, subqueries, table expressions; times are in UTC."""
    assert expected == ask(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("INSERT INTO t VALUES (1)", "it is no SELECT"),
        ("COPY t TO 'x.csv'", "it is no SELECT"),
        ("ATTACH 'x.db'", "it is no SELECT"),
        ("SET threads = 1", "it is no SELECT"),
        ("SELECT 1; SELECT 2", "expected one SELECT, found 2"),
        ("SELEC 1", "syntax error"),
        ("SELECT n FROM", "at character 10"),
        ("SELECT * FROM read_csv('/etc/hosts')", r"read_csv\(\) is no table"),
        ("SELECT * FROM glob('/*')", r"glob\(\) is no table"),
        ("SELECT * FROM duckdb_settings()", r"duckdb_settings\(\) is no table"),
        ("SELECT * FROM query('SELECT 1')", r"query\(\) is no table"),
        ("SELECT * FROM main.information_schema.tables", "there is no table"),
        ("SELECT len(n) FROM t", "^this query cannot be answered: No function matches"),
        ("SELECT CAST(more AS INT) FROM t", "Could not convert string 'x'"),
    ],
)
def test_what_cannot_be_asked_is_said(text, words):
    """Nothing that writes, and nothing outside; in our words."""
    with pytest.raises(QueryError, match=words):
        ask(text)


@pytest.mark.parametrize("text", ["SELECT nope FROM t", "SELECT t.nope FROM t", "SELECT x.nope FROM t AS x"])
def test_a_missing_column_is_named(text):
    """For whoever knows what there is."""
    with pytest.raises(QueryError) as caught:
        ask(text)

    assert "nope" == caught.value.column


def test_only_what_is_named_is_opened():
    """Tables once each, with the words of the query; all columns where it may need more."""

    def asked(text):
        tables = Tables()
        run_query(parse_query(text), tables)
        return [(name, words is None or "more" in words) for name, words in tables.asked]

    t, u = TableName("", "t"), TableName("", "u")
    assert [(t, False)] == asked("SELECT n FROM t")
    assert [(t, False), (u, False)] == asked("SELECT count(*) FROM t JOIN u ON t.source = u.source AND t.n < u.m")
    assert [(t, True)] == asked("SELECT * FROM t")
    assert [(t, True)] == asked("SELECT #2 FROM t")
    assert [(t, True)] == asked("DESCRIBE t")
    assert [] == asked("SELECT 1")


@pytest.mark.parametrize(
    ("text", "is_one_pass"),
    [
        ("SELECT sum(n) FROM t GROUP BY more", True),
        ("SELECT n FROM t a JOIN t b USING (n)", False),
        ("SELECT n FROM t WHERE n IN (SELECT 1)", False),
        ("WITH c AS (SELECT n FROM t) SELECT * FROM c", False),
        ("SUMMARIZE t", False),
    ],
)
def test_a_table_that_is_read_once_is_a_stream(text, is_one_pass):
    """Others are held, since they may be read again."""
    assert is_one_pass == parse_query(text).is_one_pass


def test_a_sum_of_integers_is_an_integer():
    """Unless it does not fit 64 bits."""
    tables = {TableName("", "t"): pa.table({"n": [2**62, 2**62, 2**62]})}
    big = run_query(parse_query("SELECT sum(n) AS s FROM t"), lambda name, _: tables[name].to_reader())
    small = run_query(parse_query("SELECT sum(1) AS s FROM t"), lambda name, _: tables[name].to_reader())

    assert (pa.int64(), [3]) == (small["s"].type, small["s"].to_pylist())
    assert [3 * 2**62] == [int(value) for value in big["s"].to_pylist()]


def test_names_that_stand_for_rows_are_told():
    """A table's name alone, where a column is expected."""
    query = parse_query("SELECT q, t.n FROM t AS q")

    assert ((TableName("", "t"), "q"),) == query.rows
    assert [("t", "n")] == [names for names, _, _ in query.references]
