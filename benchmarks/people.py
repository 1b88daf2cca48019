"""Measures people as a step: a task over the table, and passes of its loop over a tenth of the sources and over all."""

import json
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
from report import Row, format_median
from timing import median_ratio, time_call

import dsvc
from dsvc.annotation.answers.evidence import Answered
from dsvc.annotation.answers.records import make_answer, make_ask
from dsvc.annotation.keeping.ledger import Addition, append
from dsvc.annotation.staging.expiry import HOUR_US
from dsvc.annotation.turns.controller import Policy

MOST = 100_000
"""Sources whose loop is measured: closing the first lots of more takes minutes."""
TYPE = "class(cat, dog, eel)"
TASK = f"""
[platform.team]
plugin = "files"

[task.kind]
type = "{TYPE}"
of   = "label"
ask  = "number % 50 = 0"
"""
AUDIT = """
[task.kind.audit]
sample    = 0.01
max_error = 0.02
"""
STEP = """
[step.same]
sql = "SELECT label AS same"
"""
START_US = 1_772_442_000_000_000
PASS_US = 60_000_000


class PeopleBench:
    """A repository of labelled images; of a tenth of them somebody has said what they are."""

    def __init__(self, n: int, directory: Path) -> None:
        """Put the labels; nothing is run yet."""
        self.n, self.now_us, self._n_said = n, START_US, 0
        self.path = directory
        self.repo: Any = dsvc.init(self.path)
        self.repo.clock = lambda: self.now_us
        self.repo.annotation_policy = Policy(lead_us=HOUR_US // 30)  # so that as few are shown at once in either
        self._sources = [f"s3://bucket/faces/{i:08d}.jpg" for i in range(n)]
        labels = pa.array(["cat", "dog"]).take(pa.array([i % 2 for i in range(n)]))
        columns = {"label": labels, "number": pa.array(range(n))}
        for name, values in columns.items():
            self.repo.put(name, pa.table({"source": self._sources, name: values}), producer="w@1")

    def write(self, recipe: str) -> None:
        """Write the recipe, as an editor does."""
        (self.path / "dsvc.toml").write_text(recipe, encoding="utf-8")

    def begin(self) -> None:
        """Answer a tenth, close the lots of the rest, and send what is asked."""
        self.write(TASK + AUDIT)
        append(self.repo.store, {"kind": Addition([self._say(i) for i in range(1, self.n, 10)])})
        for _ in range(4):
            self.sync()

    def _say(self, number: int) -> Answered:
        names = {"task": "kind", "version": "1", "type": TYPE, "content_id": "", "round": 0}
        ask = make_ask(source=self._sources[number], mode="label", form="label", **names)  # type: ignore[arg-type]
        made = make_answer(ask, annotator="p", submitted_us=number, outcome="value", payload='"dog"', lead_s=8.0)
        return Answered(ask, made)

    def sync(self) -> None:
        """Do a pass, a minute after the one before."""
        self.now_us += PASS_US
        self.repo.annotate_sync()

    def answer_one(self) -> None:
        """Answer the next question."""
        folder = self.path / "annotation" / "kind@1"
        lines = (folder / "asks.jsonl").read_text(encoding="utf-8").splitlines()
        said = {"key": json.loads(lines[self._n_said])["key"], "value": "dog", "seconds": 8, "at": self.now_us}
        with (folder / "answers" / "ann.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(said) + "\n")
        self._n_said += 1


def measure_first_task(directory: Path, n: int) -> Row:
    """Measure the first run of a task that asks people about one in fifty, against an SQL step that copies a label."""
    bench = PeopleBench(n, directory / f"first-{n}")
    bench.write(STEP)
    theirs = [time_call(bench.repo.run)]
    bench.write(TASK)
    ours = [time_call(bench.repo.run)]
    nothing_s = [time_call(bench.repo.run) for _ in range(5)]
    bench.repo.close()
    ratio = median_ratio(ours, theirs)
    return Row(
        operation=f"first run of a task that judges {n:,} values and asks about 2 %; run with nothing to do",
        bar="<= 12 x a row-wise SQL step; <= 50 ms",
        aim="5 x; 5 ms",
        measured=f"{format_median(ours)} = {ratio:.1f} x; {format_median(nothing_s)}",
        passed=ratio <= 12 and median(nothing_s) <= 0.05,
        figures={"task_s": ours, "step_s": theirs, "ratio": [ratio], "nothing_s": nothing_s},
    )


def measure_passes(directory: Path, n: int, rounds: int) -> Row:
    """Measure passes of the loop with nothing new and with one answer, beside those over a tenth of the sources."""
    n = min(n, MOST)
    benches = [PeopleBench(size, directory / f"passes-{size}") for size in (n // 10, n)]
    for bench in benches:
        bench.begin()
    nothing: list[list[float]] = [[], []]
    answer: list[list[float]] = [[], []]
    for _ in range(max(3, rounds)):
        for bench, nothing_s, answer_s in zip(benches, nothing, answer, strict=True):
            nothing_s.append(time_call(bench.sync))
            bench.answer_one()
            answer_s.append(time_call(bench.sync))
    for bench in benches:
        bench.repo.close()
    ratios = [median_ratio(nothing[1], nothing[0]), median_ratio(answer[1], answer[0])]
    return Row(
        operation=f"a pass of the loop with people, nothing new; 1 answer; {n:,} sources, all asked or audited",
        bar=f"<= 2 x that of {n // 10:,} sources",
        aim="1.3 x",
        measured=f"{format_median(nothing[1])} = {ratios[0]:.2f} x; {format_median(answer[1])} = {ratios[1]:.2f} x",
        passed=max(ratios) <= 2,
        figures={"nothing_s": nothing[1], "answer_s": answer[1], "ratio": ratios},
    )
