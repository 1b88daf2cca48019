"""A repository with a few signals and a dataset over them, made by hand: exports need no recipe."""

from itertools import count

import pyarrow as pa
import pytest

from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import put_object
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Dataset
from dsvc.objects.types import Type
from dsvc.repo.base import BaseRepository
from dsvc.repo.draft import DraftEdit, replace_datasets


@pytest.fixture
def repo(tmp_path):
    """An empty repository."""
    ticks = count(1_767_225_600_000_000, 1_000_000)
    with BaseRepository.init(tmp_path / "faces", author="ann", clock=lambda: next(ticks)) as repo:
        yield repo


@pytest.fixture
def put(repo):
    """Puts a signal given as a dict of source -> value."""

    def put(signal, records, arrow=None, producer="model@1", **options):
        table = pa.table({"source": list(records), signal: pa.array(list(records.values()), arrow)})
        repo.put(signal, table, producer=producer, **options)

    return put


@pytest.fixture
def select(repo):
    """Gives the draft a dataset: which sources (source -> part, or None), and which columns (name -> expression)."""

    def select(name, parts, columns, splits=(), unnest=None, image=None):
        def edit(view, writer):
            type_ = Type.from_arrow(pa.int8())
            chosen = pa.table({"source": list(parts), "part": pa.array(list(parts.values()), pa.int8())})
            chosen = chosen.sort_by("source")
            given = Provenance("step", "selection", "0")
            change = Edit.of_arrow(writer, type_, chosen["source"], chosen["part"], given)
            signal = edit_tree(writer, None, type_, change).signal
            selection = put_object(writer, Kind.SIGNAL, signal)
            dataset = Dataset(selection, tuple(sorted(columns.items())), splits, unnest, image)
            return DraftEdit(replace_datasets(view.root, {name: put_object(writer, Kind.DATASET, dataset)}))

        repo.edit_draft(edit, command=f"dataset {name}")

    return select


@pytest.fixture
def faces(repo, put, select):
    """Four sources with three signals, and a dataset `good` of three of them."""
    put("quality", {"s3://a": 1, "s3://b": 2, "s3://c": 3, "s3://d": 4})
    put("box", {"s3://a": {"x": 1.5, "label": "face"}, "s3://c": None, "s3://d": {"x": 2.5, "label": None}})
    put("spoof", {"s3://b": 0.5, "s3://c": 0.25}, producer="spoof@2.1")
    columns = {"q": "quality", "x2": "box.x * 2", "who": "spoof._producer", "version": "spoof._version"}
    select("good", {"s3://a": None, "s3://b": 0, "s3://c": 1, "s3://d": 0}, columns, ("train", "test"))
    return repo
