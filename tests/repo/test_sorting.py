import os
import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.repo import sorting
from dsvc.repo.sorting import SortedRuns, is_sorted

SCHEMA = pa.schema([("source", pa.string()), ("value", pa.int64())])


def make_table(rows):
    """Return a table of (source, value) rows."""
    return pa.table({"source": [row[0] for row in rows], "value": [row[1] for row in rows]}, schema=SCHEMA)


def rows_of(tables):
    """Return (source, value) of all rows of tables."""
    return [(row["source"], row["value"]) for table in tables for row in table.to_pylist()]


@given(st.lists(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 9)), max_size=8), max_size=8), st.data())
def test_any_input_comes_out_sorted(tmp_path_factory, batches, data):
    """Whatever order and batches rows come in, they come out by source, equal sources in one table, twice alike."""
    run_bytes = data.draw(st.sampled_from([1, 100, 10_000]))
    with (
        pytest.MonkeyPatch.context() as patch,
        SortedRuns(tmp_path_factory.mktemp("runs"), SCHEMA, run_bytes=run_bytes) as runs,
    ):
        patch.setattr(sorting, "BATCH_ROWS", data.draw(st.sampled_from([1, 2, 5])))
        for batch in batches:
            runs.add(make_table(batch))
        tables = list(runs.merged())
        found = rows_of(tables)
        assert sorted(source.encode() for batch in batches for source, _ in batch) == [s.encode() for s, _ in found]
        assert sorted(row for batch in batches for row in batch) == sorted(found)
        lasts = [table["source"][-1].as_py() for table in tables]
        assert len(lasts) == len(set(lasts))
        assert found == rows_of(runs.merged())


def test_sorted_input_is_one_run(tmp_path):
    """Rows that come in order are copied, never sorted; others begin runs of their own."""
    with SortedRuns(tmp_path, SCHEMA, run_bytes=1) as runs:
        for i in range(5):
            runs.add(make_table([(f"{i}a", i), (f"{i}b", i)]))
        list(runs.merged())
        assert 1 == len(list(tmp_path.glob("*/*.arrow")))
    with SortedRuns(tmp_path, SCHEMA, run_bytes=1) as runs:
        for i in reversed(range(5)):
            runs.add(make_table([(f"{i}", i)]))
        assert 5 == len(rows_of(runs.merged()))
        assert 5 == len(list(tmp_path.glob("*/*.arrow")))


def test_nothing_is_left_behind(tmp_path):
    """The files are gone after use, also when an error ended it."""

    def fail():
        with SortedRuns(tmp_path / "tmp", SCHEMA, run_bytes=1) as runs:
            runs.add(make_table([("b", 1)]))
            runs.add(make_table([("a", 1)]))
            assert 2 == len(list((tmp_path / "tmp").glob("*/*")))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [] == list((tmp_path / "tmp").iterdir())


def test_runs_of_dead_processes_are_removed(tmp_path):
    """What a killed process left is taken away; what a living one uses is not."""
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    left = tmp_path / f"sort-{int(dead.stdout)}-0"
    mine = tmp_path / f"sort-{os.getpid()}-0"
    left.mkdir()
    mine.mkdir()
    with SortedRuns(tmp_path, SCHEMA) as runs:
        runs.add(make_table([("a", 1)]))
        assert not left.exists()
        assert mine.exists()


@pytest.mark.parametrize(
    "chunks, expected",
    [
        ([], True),
        ([["a", "b"], [], ["b", "c"]], True),
        ([["a", "c"], ["b"]], False),
        ([["b", "a"]], False),
        ([["Z", "a", "é"]], True),
        ([["é", "a"]], False),
        ([["a"], ["b"], ["b"]], True),
        ([["a"], ["c"], ["b"]], False),
    ],
)
def test_order_is_that_of_bytes_across_chunks(chunks, expected):
    """Order is judged within chunks and between them; equal neighbours are in order."""
    assert expected == is_sorted(pa.chunked_array(chunks, pa.string()))
