import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.errors import CheckoutError
from dsvc.export.manifest import (
    JOURNAL,
    MANIFEST,
    ColumnEntry,
    FileEntry,
    JournalLine,
    Manifest,
    append_journal,
    read_journal,
    read_manifest,
    write_manifest,
)

ENTRY = FileEntry("part-00.parquet", 3, 99, "c0", "i0")
MADE = Manifest(
    dsvc_manifest=1,
    commit=None,
    root="00",
    dataset="good",
    format="parquet",
    options={"compression": "zstd"},
    columns=(ColumnEntry("source", "string", None), ColumnEntry("q", "int64", "quality")),
    splits=("train",),
    rows=3,
    files=(ENTRY, FileEntry(None, 0, 0, "c1", "i1")),
)


def test_a_manifest_survives_writing(tmp_path):
    """What was written is read again; it ends in a line end, and nothing else is left."""
    assert read_manifest(tmp_path) is None
    write_manifest(tmp_path, MADE)
    assert MADE == read_manifest(tmp_path)
    assert (tmp_path / MANIFEST).read_text().endswith("}\n")
    assert [MANIFEST] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"dsvc_manifest": "x"}'])
def test_a_file_of_that_name_that_is_none(tmp_path, content):
    """Something else of the manifest's name is not taken for one, and not replaced."""
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(CheckoutError, match=MANIFEST):
        read_manifest(tmp_path)
    assert content == (tmp_path / MANIFEST).read_bytes()


LINES = [JournalLine("part-00.parquet"), JournalLine("part-01.parquet", "parquet", ENTRY)]


def write_journal(directory, lines):
    """Append lines as a checkout does."""
    file = os.open(directory / JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    append_journal(file, lines)
    os.close(file)


def test_a_journal_survives_writing(tmp_path):
    """Lines are read in the order written, over several openings."""
    assert [] == read_journal(tmp_path)
    for line in LINES:
        write_journal(tmp_path, [line])
    assert LINES == read_journal(tmp_path)


@given(st.data())
def test_a_journal_cut_short_loses_only_its_last_line(tmp_path_factory, data):
    """Wherever a kill cut the last write, the lines before are whole."""
    directory = tmp_path_factory.mktemp("journal")
    write_journal(directory, LINES)
    whole = (directory / JOURNAL).read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    (directory / JOURNAL).write_bytes(whole[:cut])
    assert LINES[: whole[:cut].count(b"\n")] == read_journal(directory)
