"""The table that every row of the benchmark uses: sources of face images with five signals.

| column | type | content |
| --- | --- | --- |
| source | string | `s3://<bucket>/<year>/<month>/<day>/orb-<n>/<32 hex digits>.png`, strictly ascending |
| bbox | struct of x, y, w, h, score, float32 | noise |
| kp | fixed-size list of 10 float32 | noise |
| spoof | float32 | noise |
| quality | int8 | 1 to 5 |
| meta | struct of ts int64, country int16, orb string | times, one of 200, one of 500 |

Noise compresses about as badly as what real models put out. A million rows are 162 MB of Arrow.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

SIGNALS = ("bbox", "kp", "spoof", "quality", "meta")
N_ORBS = 500
HEX_DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
MONTH, DAY, ORB, NAME = slice(21, 23), slice(24, 26), slice(31, 35), slice(36, 68)
"""Where the digits stand in `s3://orb-raw-eu/2026/01/01/orb-0000/<32 hex digits>.png`."""


def make_table(n: int, seed: int = 0, year: int = 2026) -> pa.Table:
    """Return the table of `n` sources; equal arguments give an equal table, and a later year sorts behind."""
    rng = np.random.default_rng(seed)

    def floats(size: int) -> pa.Array:
        return pa.array(rng.random(size, dtype=np.float32))

    box = {name: floats(n) for name in ("x", "y", "w", "h", "score")}
    meta = {
        "ts": pa.array(rng.integers(1_600_000_000, 1_800_000_000, n)),
        "country": pa.array(rng.integers(0, 200, n).astype(np.int16)),
        "orb": pa.array([f"orb-{i}" for i in range(N_ORBS)]).take(pa.array(rng.integers(0, N_ORBS, n))),
    }
    return pa.table(
        {
            "source": _sources(rng, n, year),
            "bbox": pa.StructArray.from_arrays(list(box.values()), names=list(box)),
            "kp": pa.FixedSizeListArray.from_arrays(floats(n * 10), 10),
            "spoof": floats(n),
            "quality": pa.array(rng.integers(1, 6, n).astype(np.int8)),
            "meta": pa.StructArray.from_arrays(list(meta.values()), names=list(meta)),
        }
    )


def change_spoof(table: pa.Table, count: int, seed: int) -> pa.Table:
    """Return `source` and `spoof` of `count` random rows of the table, every value another one."""
    rng = np.random.default_rng(seed)
    rows = pa.array(np.sort(rng.choice(table.num_rows, count, replace=False)))
    picked = table.select(["source", "spoof"]).take(rows).combine_chunks()
    # The table's values lie in [0, 1), these in [2, 3).
    return picked.set_column(1, "spoof", pa.array(rng.random(count, dtype=np.float32) + np.float32(2)))


def shuffle(table: pa.Table, seed: int = 0) -> pa.Table:
    """Return the same rows in random order."""
    order = np.random.default_rng(seed).permutation(table.num_rows)
    return table.take(pa.array(order)).combine_chunks()


def _sources(rng: np.random.Generator, n: int, year: int) -> pa.Array:
    """Return `n` sorted pointers, all of one length, written digit by digit into one byte matrix."""
    template = f"s3://orb-raw-eu/{year}/00/00/orb-0000/{'0' * 32}.png".encode()
    matrix = np.empty((n, len(template)), dtype=np.uint8)
    matrix[:] = np.frombuffer(template, dtype=np.uint8)
    month, day, orb, name = (matrix[:, part] for part in (MONTH, DAY, ORB, NAME))
    days = rng.integers(0, 400, n)
    _write_digits(month, days // 31 + 1)
    _write_digits(day, days % 31 + 1)
    _write_digits(orb, rng.integers(0, N_ORBS, n))
    name[:] = HEX_DIGITS[rng.integers(0, 16, name.shape, dtype=np.uint8)]
    matrix.view(f"S{len(template)}").sort(axis=0)
    offsets = np.arange(n + 1, dtype=np.int32) * len(template)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(matrix))


def _write_digits(text: npt.NDArray[np.uint8], numbers: npt.NDArray[np.int64]) -> None:
    for place in range(text.shape[1]):
        text[:, -1 - place] = ord("0") + numbers // 10**place % 10
