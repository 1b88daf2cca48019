"""A repository of its own for every test, with a clock that ticks a second a look."""

from itertools import count

import pyarrow as pa
import pytest

from dsvc.repo.base import BaseRepository


@pytest.fixture
def clock():
    """Microseconds from 2026 on, a second later at each call."""
    ticks = count(1_767_225_600_000_000, 1_000_000)
    return lambda: next(ticks)


@pytest.fixture
def repo(tmp_path, clock):
    """An empty repository."""
    with BaseRepository.init(tmp_path / "faces", author="ann", clock=clock) as repo:
        yield repo


@pytest.fixture
def put(repo):
    """Puts a signal given as a dict of source -> value."""

    def put(signal, records, producer="model@1", **options):
        type_ = options.pop("arrow", None)
        table = pa.table({"source": list(records), signal: pa.array(list(records.values()), type_)})
        return repo.put(signal, table, producer=producer, **options)

    return put


@pytest.fixture
def values(repo):
    """Reads a signal as a dict of source -> value."""

    def values(signal, revision="@draft"):
        table = repo.read(revision, [signal])
        return dict(zip(table["source"].to_pylist(), table[signal].to_pylist(), strict=True))

    return values
