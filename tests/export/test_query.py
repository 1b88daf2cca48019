"""A version as tables, for queries in SQL."""

import pyarrow as pa
import pytest

from dsvc.errors import CheckoutError, QueryError
from dsvc.export.query import VersionTables, query_version, write_answer


@pytest.fixture
def ask(faces):
    """Returns the answer to a query over the draft, as columns."""
    view = faces.view("@draft")
    return lambda text: query_version(view, text).to_pydict()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT quality FROM quality WHERE quality > 2", {"quality": [3, 4]}),
        ("SELECT box.label, box IS NULL AS n FROM box", {"label": ["face", None, None], "n": [False, True, False]}),
        (
            "SELECT _producer, _version, count(*) AS c FROM spoof GROUP BY ALL",
            {"_producer": ["spoof"], "_version": ["2.1"], "c": [2]},
        ),
        ("SELECT spoof._state AS s, _origin AS o FROM spoof LIMIT 1", {"s": ["final"], "o": ["import"]}),
        ("SELECT source, q, split FROM good WHERE split = 'test'", {"source": ["s3://c"], "q": [3], "split": ["test"]}),
        ("SELECT x2 FROM dataset.good WHERE x2 IS NOT NULL", {"x2": [5.0]}),
        ("SELECT quality FROM signal.quality ORDER BY quality DESC LIMIT 1", {"quality": [4]}),
        ("SELECT count(*) AS c FROM global", {"c": [4]}),
        ("SELECT count(spoof) AS s, count(*) AS c FROM global", {"s": [2], "c": [4]}),
        ("SELECT box.x AS x FROM global WHERE quality = 4", {"x": [2.5]}),
        (
            "SELECT spoof._version AS v, count(*) AS c FROM global GROUP BY 1 ORDER BY 1",
            {"v": ["2.1", None], "c": [2, 2]},
        ),
        ("SELECT g.spoof._producer AS p, 'ü' AS u FROM global g WHERE quality = 2", {"p": ["spoof"], "u": ["ü"]}),
        (
            "SELECT quality.quality AS q, s.spoof FROM quality JOIN spoof s USING (source)",
            {"q": [2, 3], "spoof": [0.5, 0.25]},
        ),
        ("SELECT count(*) AS c FROM global WHERE source IN (SELECT source FROM good)", {"c": [3]}),
        ("SELECT QUALITY.Quality AS q FROM Quality LIMIT 1", {"q": [1]}),
    ],
)
def test_signals_and_datasets_are_tables(ask, text, expected):
    """A signal's name is its value and `x.f` its field, in its own table and in `global`."""
    assert expected == ask(text)


def test_a_star_is_every_column(ask):
    """Of a signal with its circumstances; of `global` the values."""
    assert ["source", "quality", "_state", "_origin", "_producer", "_version"] == list(ask("FROM quality"))
    assert ["source", "box", "quality", "spoof"] == list(ask("FROM global"))
    assert ["source", "q", "version", "who", "x2", "split"] == list(ask("FROM good"))


def test_a_row_is_whole_under_another_name(ask):
    """A table's alias alone is a row of all its columns; its own name is the signal's value."""
    (row,) = ask("SELECT r FROM quality r LIMIT 1")["r"]

    assert {"source": "s3://a", "quality": 1} == {key: row[key] for key in ("source", "quality")}
    assert [1] == ask("SELECT quality FROM quality LIMIT 1")["quality"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("SELECT * FROM qualty", "did you mean 'quality'?"),
        ("SELECT * FROM dataset.god", "did you mean 'dataset.good'?"),
        ("SELECT qualty FROM quality", "did you mean 'quality'?"),
        ("SELECT nothing_like_it FROM quality", "there are: source, quality, _state, _origin, _producer, _version"),
    ],
)
def test_unknown_names_get_the_nearest(ask, text, hint):
    """Of tables and of columns; with the names there are, where none is near."""
    with pytest.raises(QueryError) as caught:
        ask(text)

    assert hint == caught.value.hint


def test_tables_are_listed_by_the_name_that_means_them(faces, select):
    """A signal has its own name, whatever dataset has it too."""
    select("quality", {"s3://a": 0}, {"q": "quality"})
    tables = dict(VersionTables(faces.view("@draft")).list())

    assert {"global", "good", "dataset.quality", "box", "quality", "spoof"} == tables.keys()
    assert ("source", "q") == tables["dataset.quality"]
    assert ("source", "quality", "_state", "_origin", "_producer", "_version") == tables["quality"]


def test_a_dataset_without_columns_that_are_named_is_counted(ask):
    """Its rows are there all the same."""
    assert {"c": [3]} == ask("SELECT count(*) AS c FROM good")


def test_narrow_floats_can_be_asked(repo, put):
    """The engine has none of 16 bits."""
    put("half", {"s3://a": 0.5}, pa.float16())

    assert {"half": [0.5]} == query_version(repo.view("@draft"), "SELECT half FROM half").to_pydict()


def test_an_empty_version_answers(repo):
    """`global` is there, and empty."""
    assert {"c": [0]} == query_version(repo.view("@draft"), "SELECT count(*) AS c FROM global").to_pydict()


def test_nothing_is_written(faces, ask):
    """No operation, and no object."""
    before = len(list(faces.operations()))
    ask("SELECT * FROM global")

    assert before == len(list(faces.operations()))


def test_answers_are_written_as_arrow(ask, faces, tmp_path):
    """And where that fails, the path is named."""
    answer = query_version(faces.view("@draft"), "SELECT quality FROM quality")
    write_answer(answer, tmp_path / "a.arrow")

    assert answer == pa.ipc.open_file(tmp_path / "a.arrow").read_all()
    with pytest.raises(CheckoutError, match="nowhere"):
        write_answer(answer, tmp_path / "nowhere" / "a.arrow")
