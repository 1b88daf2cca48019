"""The shipped documents: what they are, how large they are, and that they are the published ones."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.documents import DATA, read_documents

PROJECT = Path(__file__).parents[2]
RAW_DATA = os.environ.get("DSVC_TEST_RAW_DATA")
"""Directory with the published files that scripts/make_demo_data.py names."""

MAX_BYTES = 5_000_000
FILES = ("portraits/2026-03.jsonl.gz", "portraits/2026-04.jsonl.gz", "scenes/2026-03.jsonl.gz")


def test_shipped_data_is_small_and_has_a_notice():
    """All files together stay far below what a package may weigh, and the notice names where each comes from."""
    files = [path for path in DATA.rglob("*") if path.is_file()]

    assert {"NOTICE", *FILES} == {str(path.relative_to(DATA)) for path in files}
    assert sum(path.stat().st_size for path in files) < MAX_BYTES
    notice = (DATA / "NOTICE").read_text(encoding="utf-8")
    assert all(words in notice for words in ("portraits/*", "scenes/2026-03", "CC BY 4.0", "MIT"))


def test_both_dumps_tell_of_the_same_portraits():
    """The dumps differ in the gender model alone: same images, same words of people, later times."""
    march, april = (read_documents(name) for name in FILES[:2])

    assert list(march) == list(april)
    for uri, before in march.items():
        assert before["people"] == april[uri]["people"]
        assert before["updated_at"] < april[uri]["updated_at"]


def test_no_document_carries_an_image():
    """Documents point to images and hold none: no text is longer than a pointer."""
    longest = max(
        len(text) for name in FILES for document in read_documents(name).values() for text in _texts(document)
    )

    assert longest < 150


@pytest.mark.slow
def test_documents_are_made_from_the_published_files(tmp_path):
    """The script gives the shipped documents again, byte for byte once unpacked."""
    if RAW_DATA is None:
        pytest.skip("DSVC_TEST_RAW_DATA names no directory with the published files")
    command = [sys.executable, "scripts/make_demo_data.py", RAW_DATA, str(tmp_path)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)

    for name in FILES:
        made, shipped = (_unpack(directory / name) for directory in (tmp_path, DATA))
        assert made == shipped


def _texts(value):
    if isinstance(value, str):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(child)


def _unpack(path):
    return gzip.decompress(path.read_bytes())
