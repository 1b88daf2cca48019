"""A dataset's selection is what its words say, whatever was edited in which order, and however sources are batched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from dsvc.engine.datasets import sampling, selections
from dsvc.engine.datasets.splits import assign, thresholds
from dsvc.engine.reading import aligned, flagged
from tests.engine.conftest import Bench
from tests.engine.datasets.test_splits import defined_bucket

STANDINGS = ("final", "unaudited", "contested")
SOURCES = [f"s{i:02}" for i in range(24)]
PARTS = (("one", Decimal("0.5")), ("two", Decimal("0.3")))
Records = dict[str, tuple[int, str, bool]]
"""Source -> x, its standing, and whether it is stale."""


@dataclass(frozen=True)
class Model:
    """What one dataset says."""

    name: str
    least: int = 0
    base: str | None = None
    split: bool = False
    share: str | None = None
    most: int | None = None
    per: bool = False
    take: tuple[str, ...] | None = None

    def toml(self) -> str:
        """The dataset in a recipe."""
        lines = [f"[dataset.{self.name}]", f'where = "x >= {self.least}"']
        lines += ['columns = { x = "x" }'] if self.base is None else [f'from = "{self.base}"']
        lines += ['split = "parts"'] if self.split else []
        lines += [f"take = {list(self.take)}"] if self.take else []
        sample = {"share": self.share, "max": self.most, "per": '"who"' if self.per and self.most else None}
        inner = ", ".join(f"{key} = {value}" for key, value in sample.items() if value is not None)
        return "\n".join([*lines, *([f"sample = {{ {inner} }}"] if inner else [])])

    def select(self, x: Records, who: dict[str, int], below: dict[str, int | None] | None, take: tuple[str, ...]):
        """Return, source by source, the part of each, by brute force."""
        names_who = self.split or (self.per and self.most is not None)
        inside = []
        for source in sorted({*x, *who}):
            value, standing, is_stale = x.get(source, (None, None, False))
            if below is not None and below[source] is None:
                continue
            if standing is not None and ("stale" if is_stale else standing) not in take:
                continue
            if names_who and source in who and "final" not in take:
                continue
            if value is None or value < self.least:
                continue
            if self.share is not None and bucket(source) >= thresholds([("", Decimal(self.share))])[0]:
                continue
            inside.append(source)
        parts = {source: self._part(source, who, below) for source in inside}
        candidates = [source for source in inside if parts[source] is not None]
        if self.most is not None:
            groups = {who.get(source) if self.per else 0 for source in candidates}
            members = [[s for s in candidates if not self.per or who.get(s) == group] for group in groups]
            candidates = [s for group in members for s in sorted(group, key=bucket)[: self.most]]
        return {source: parts[source] if source in candidates else None for source in {*x, *who}}

    def _part(self, source: str, who: dict[str, int], below: dict[str, int | None] | None) -> int | None:
        if self.split:
            return assign(PARTS, "", pa.array([who.get(source)], pa.int64()), lambda: pa.array([source]))[0].as_py()
        return 0 if below is None else below[source]


def bucket(source: str) -> int:
    """Return the bucket of a pointer, by the definition."""
    return defined_bucket(pa.array([source]), "")


models = st.builds(
    Model,
    st.just("big"),
    least=st.integers(0, 4),
    split=st.booleans(),
    share=st.none() | st.sampled_from(["0.5", "0.75"]),
    most=st.none() | st.integers(1, 9),
    per=st.booleans(),
    take=st.none() | st.sampled_from([("final", "unaudited"), ("final", "stale"), ("unaudited", "contested", "stale")]),
)
records = st.dictionaries(
    st.sampled_from(SOURCES),
    st.tuples(st.integers(0, 5), st.sampled_from(STANDINGS), st.booleans()),
    max_size=12,
)
subjects = st.dictionaries(st.sampled_from(SOURCES), st.integers(0, 3), max_size=12)
edits = st.lists(st.tuples(records, subjects, st.sets(st.sampled_from(SOURCES), max_size=4)), min_size=1, max_size=3)


def run(bench: Bench, both: tuple[Model, Model], x: Records, who: dict[str, int]) -> dict[str, dict[str, int | None]]:
    """Put everything as it is, run, and return the selections."""
    bench.stand("x", {s: (v, name) for s, (v, name, _) in x.items()}, [s for s in x if x[s][2]])
    if who:
        bench.put("who", who, type_=pa.int64())
    bench.known |= {"x", "who"}
    split = '[split.parts]\nby = "who"\nparts = { one = 0.5, two = 0.3 }\n\n'
    bench.write(split + "\n\n".join(model.toml() for model in both))
    bench.run()
    return {name: bench.select(name) for name in bench.view.datasets}


@settings(max_examples=25, deadline=None)
@given(edits, st.lists(st.tuples(models, models), min_size=2, max_size=3), st.integers(1, 5))
def test_selections_equal_brute_force(tmp_path_factory, edits, recipes, batch):
    """Over edits of records, standings, contents and recipes; a fresh repository has the same datasets."""
    bench = Bench(tmp_path_factory.mktemp("selections") / "r")
    kept = sampling.ROWS, aligned.ROWS, selections.ROWS, flagged.ROWS
    sampling.ROWS = aligned.ROWS = selections.ROWS = flagged.ROWS = batch
    try:
        x: Records = {}
        who: dict[str, int] = {}
        for i in range(max(len(edits), len(recipes))):
            values, names, gone = edits[i] if i < len(edits) else ({}, {}, set())
            x = {source: told for source, told in (x | values).items() if source not in gone}
            who |= names
            big, small = recipes[min(i, len(recipes) - 1)]
            both = big, replace(small, name="small", base="big", take=small.take)
            found = run(bench, both, x, who)
            if not x and not who:
                assert {} == found
                continue
            below = big.select(x, who, None, big.take or ("final",))
            above = both[1].select(x, who, below, both[1].take or big.take or ("final",))
            assert {"big": below, "small": above} == found
        fresh = Bench(tmp_path_factory.mktemp("selections") / "fresh")
        run(fresh, both, x, who)
        assert fresh.view.root.datasets == bench.view.root.datasets
    finally:
        sampling.ROWS, aligned.ROWS, selections.ROWS, flagged.ROWS = kept
