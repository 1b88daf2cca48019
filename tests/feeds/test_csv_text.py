import gzip

import pytest

from dsvc.feeds.csv_text import CsvColumns


def read(tmp_path, *texts, fields=None):
    """Return the documents of CSV files with these contents."""
    columns = CsvColumns()
    paths = []
    for number, text in enumerate(texts):
        paths.append(tmp_path / f"{number}.csv")
        paths[-1].write_text(text)
        columns.learn(paths[-1])
    return [document for path in paths for batch in columns.read(path, fields) for document in batch]


@pytest.mark.parametrize(
    "cells, expected",
    [
        pytest.param(["1", "-20", "0"], [1, -20, 0], id="integers"),
        pytest.param(["1", "2.50", "-1e-3"], [1.0, 2.5, -0.001], id="numbers"),
        pytest.param(["0.1", "0.30000000000000004"], [0.1, 0.30000000000000004], id="what a double is written as"),
        pytest.param(["true", "false"], [True, False], id="truth values"),
        pytest.param(["1", "x"], ["1", "x"], id="text among numbers"),
        pytest.param(["007", "12"], ["007", "12"], id="leading zeros"),
        pytest.param(["+1"], ["+1"], id="plus sign"),
        pytest.param(["0.1234567890123456789"], ["0.1234567890123456789"], id="more digits than a double holds"),
        pytest.param(["9223372036854775808"], ["9223372036854775808"], id="beyond 64 bits and no exact double"),
        pytest.param(["1e999"], ["1e999"], id="beyond a double"),
        pytest.param(["True", "1"], ["True", "1"], id="truth value of another kind"),
        pytest.param(["2026-01-01T00:00:00Z"], ["2026-01-01T00:00:00Z"], id="times stay text"),
        pytest.param(["nan"], ["nan"], id="words stay text"),
    ],
)
def test_a_column_is_typed_only_if_nothing_is_lost(tmp_path, cells, expected):
    """All cells of it decide, and every value comes with its type."""
    values = [document["c"] for document in read(tmp_path, "c\n" + "\n".join(cells) + "\n")]

    assert [(type(value), value) for value in expected] == [(type(value), value) for value in values]


def test_all_files_decide_together(tmp_path):
    """A column has one type over the files of a feed."""
    assert [{"c": "1"}, {"c": "x"}] == read(tmp_path, "c\n1\n", "c\nx\n")


def test_an_empty_cell_is_a_missing_field(tmp_path):
    """A quoted empty cell is empty text."""
    assert [{"b": "x"}, {"a": 1, "b": ""}] == read(tmp_path, 'a,b\n,x\n1,""\n')


def test_headers_with_dots_are_paths(tmp_path):
    """As mongoexport writes them; quotes and line ends within cells are part of them."""
    assert [{"image": {"uri": "s3://b/1", "size": 5}, "note": "two\nlines, said"}] == read(
        tmp_path, 'image.uri,image.size,note\ns3://b/1,5,"two\nlines, said"\n'
    )


def test_only_asked_columns_are_read(tmp_path):
    """A path asks for the column that it begins with."""
    assert [{"image": {"uri": "u"}, "b": 1}] == read(tmp_path, "image.uri,a,b\nu,2,1\n", fields=["image.uri", "b"])


def test_compressed_files_are_read(tmp_path):
    """A name that ends in .gz says so."""
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"a\n1\n"))
    columns = CsvColumns()
    columns.learn(path)

    assert [[{"a": 1}]] == list(columns.read(path, None))


def test_two_columns_of_one_name_are_an_error(tmp_path):
    """One would hide the other."""
    with pytest.raises(ValueError, match="two columns have one name"):
        read(tmp_path, "a,a\n1,2\n")
