"""`dsvc sql`."""

import io
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from dsvc.cli import main


@pytest.fixture(name="asked")
def _asked(made):
    """A shell in a repository with a committed version."""
    made("commit", "-m", "one")
    return made


def test_an_answer_is_a_table(asked):
    """Numbers to the right and as they are; nothing for null is a dash."""
    assert ["quality     n  none", "      2  2026  -", "      4  2026  -"] == asked(
        "sql", "SELECT quality, 2026 AS n, NULL AS none FROM quality ORDER BY 1"
    ).lines


def test_an_answer_without_rows_is_empty(asked):
    """In every form."""
    query = "SELECT quality FROM quality WHERE false"

    assert "" == asked("sql", query).out
    assert [] == asked.json("sql", query)
    assert ['"quality"'] == asked("sql", query, "--csv").lines


def test_programs_get_json_csv_or_arrow(asked):
    """A row a line; a file where one is named."""
    query = "SELECT source, quality FROM quality ORDER BY source"

    assert [{"type": "sql-row", "values": {"source": "s3://f/1", "quality": 4}}] == asked.json(
        "sql", f"{query} LIMIT 1"
    )
    assert ['"source","quality"', '"s3://f/1",4', '"s3://f/2",2'] == asked("sql", query, "--csv").lines
    result = asked("sql", query, "--arrow", "a.arrow")
    assert ("", "Wrote 2 rows to a.arrow\n") == (result.out, result.err)
    assert Path("a.arrow").stat().st_size


def test_one_form_at_a_time(asked):
    """Two are wrong usage."""
    assert "choose one" in asked("sql", "SELECT 1", "--csv", "--json", expect=2).err


def test_a_version_is_named(asked):
    """HEAD unless said; drafts and tags too."""
    asked.put("other", {"s3://f/1": 1})

    assert ["n", "1"] == asked("sql", "SELECT count(*) AS n FROM other", "--at", "@draft").lines
    assert "no table 'other' in HEAD" in asked("sql", "FROM other", expect=1).err


def test_without_a_query_the_tables_are_listed(asked):
    """With their columns."""
    assert [
        "global   source, content, is_good, quality",
        "good     source, quality",
        "content  source, content, _state, _origin, _producer, _version",
    ] == asked("sql").lines[:3]
    first, *_ = asked.json("sql")
    assert {"type": "sql-table", "name": "global", "columns": ["source", "content", "is_good", "quality"]} == first


def test_columns_of_one_name_stay_apart(asked):
    """In a table of text; programs get the last."""
    assert ["a  a", "1  2"] == asked("sql", "SELECT 1 AS a, 2 AS a").lines


def test_values_that_are_text_to_programs_have_no_quotes_for_people(asked):
    """A date, a decimal, an infinity; what is in a list is shown as programs get it."""
    query = "SELECT DATE '2026-01-02' AS t, 1.5::DECIMAL(5, 2) AS d, 'inf'::DOUBLE AS i, [DATE '2026-01-02'] AS l"

    assert ["2026-01-02", "1.50", "Infinity", '["2026-01-02"]'] == asked("sql", query).lines[1].split()


def test_arrow_goes_to_a_file_or_to_stdout(asked, monkeypatch):
    """As `dsvc plan --arrow` has it: `-` is stdout; a path that cannot be written is named."""
    assert (
        "cannot write to nowhere/a: No such file" in asked("sql", "SELECT 1 AS n", "--arrow", "nowhere/a", expect=1).err
    )
    assert "cannot write to .: Is a directory" in asked("sql", "SELECT 1 AS n", "--arrow", ".", expect=1).err
    out = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(out))
        main(["sql", "SELECT 1 AS n", "--arrow", "-"])
        sys.stdout.detach()
    assert [1] == pa.ipc.open_stream(out.getvalue()).read_all()["n"].to_pylist()
    assert not Path("-").exists()
