"""Random recipes of functions of which some drift: exactly these are named, with exactly the records that drifted."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsvc.engine.verifying.reproduce import reproduce
from dsvc.plugins.manager import Plugins
from dsvc.repo.divergences import read_divergences
from dsvc.repository import Repository
from tests.engine.reproducing import open_in_memory

SOURCES = [f"s3://b/{i}" for i in range(8)]

CODE = """
from pathlib import Path

def drift():
    return Path({state!r}).exists()
"""
FUNCTION = """
def {name}({arguments}) -> int:
    total = sum([{arguments}]) + {number}
    if total % 7 == 6:
        raise ValueError("boom")
    return total * 3 + (1000 if {drifts} and drift() and total % 2 == 0 else 0)
"""


@st.composite
def recipes(draw: Any) -> dict[str, tuple[list[str], bool]]:
    """Steps: name -> the signals it reads, and whether it drifts."""
    made: dict[str, tuple[list[str], bool]] = {}
    signals = ["x", "y"]
    for i in range(draw(st.integers(1, 5))):
        inputs = draw(st.lists(st.sampled_from(signals), min_size=1, max_size=2, unique=True))
        made[f"s{i}"] = inputs, draw(st.booleans())
        signals.append(f"s{i}")
    return made


def write(path: Path, steps: dict[str, tuple[list[str], bool]], state: Path) -> None:
    """Write the recipe."""
    code, recipe = CODE.format(state=str(state)), ""
    for number, (name, (inputs, drifts)) in enumerate(steps.items()):
        code += FUNCTION.format(name=name, arguments=", ".join(inputs), number=number, drifts=drifts)
        recipe += f'[step.{name}]\npython = "steps:{name}"\ninputs = {inputs}\n'
    last = [*steps][-1]
    recipe += f'[dataset.data]\nwhere = "{last} % 2 = 1"\ncolumns = {{ value = "{last}" }}\n'
    (path / "dsvc.toml").write_text(recipe)
    (path / "steps.py").write_text(code)


def drifted(repo: Repository, inputs: list[str], number: int) -> list[str]:
    """Return, by brute force, the sources whose record drifts, given what is stored."""
    records = {name: read(repo, name) for name in inputs}
    found = []
    for source in SOURCES:
        values = [records[name].get(source) for name in inputs]
        if None not in values:
            total = sum(values) + number
            if total % 7 != 6 and total % 2 == 0:
                found.append(source)
    return found


def read(repo: Repository, signal: str) -> dict[str, Any]:
    """Return the committed records of a signal."""
    if signal not in repo.view().signals:
        return {}
    table = repo.read("HEAD", [signal])
    return dict(zip(table["source"].to_pylist(), table[signal].to_pylist(), strict=True))


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(
    recipes(),
    *[st.dictionaries(st.sampled_from(SOURCES), st.integers(0, 20), min_size=1)] * 2,
)
def test_exactly_what_drifted_is_named(steps, x, y):
    """Whatever reads what, and whoever fails; what did not drift has an equal root, and nothing stored changes."""
    with tempfile.TemporaryDirectory() as directory:
        path, state = Path(directory) / "repo", Path(directory) / "drift"
        path.mkdir()
        write(path, steps, state)
        repo = open_in_memory(path)
        repo.plugins = Plugins([])
        for name, records in (("x", x), ("y", y)):
            repo.put(name, pa.table({"source": [*records], name: pa.array(records.values(), pa.int64())}), producer="w")
        repo.run()
        root = repo.commit("made").root
        objects = set(repo.store.objects.iter_oids())

        before = reproduce(repo, repo.plugins, "HEAD")
        state.touch()
        after = reproduce(repo, repo.plugins, "HEAD", rows=100)

        expected = {
            name: found
            for number, (name, (inputs, drifts)) in enumerate(steps.items())
            if drifts and (found := drifted(repo, inputs, number))
        }
        assert (True, root) == (before.is_equal, before.made_root.hex())
        assert expected == {
            part.name: [row["source"] for batch in part.compared.rows for row in batch.to_pylist()]
            for part in after.differing
        }
        assert {*steps, "data"} - set(expected) == {part.name for part in after.parts if part.status == "equal"}
        assert (root == after.made_root.hex()) == (not expected)
        assert {*expected} == {item.name for item in read_divergences(repo.store.refs)}
        assert objects == set(repo.store.objects.iter_oids())
