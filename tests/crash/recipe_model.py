"""What a repository with a recipe must hold after the first n operations: ingest, run, commit, and again.

Cycle c takes in one more file of documents, which brings new sources and changes old ones.
"""

import json
import random
from pathlib import Path

RECIPE = """\
[feed.images]
plugin  = "files"
path    = "documents/*.jsonl"
pointer = "uri"

[signal.score]
from  = "images"
type  = "int64"
value = "score"

[step.doubled]
python = "steps:double"
inputs = ["score"]

[step.label]
sql = "SELECT 'label ' || (doubled + 1) AS label"

[dataset.odd]
where   = "score % 2 = 1"
columns = { label = "label" }
"""
STEPS = '''\
"""Steps of the recipe."""


def double(score: int) -> int:
    """Double a number."""
    return 2 * score
'''
VERBS = ("ingest", "run", "commit")
N_SOURCES = 400
DOCUMENTS_PER_FILE = 60

Scores = dict[str, int]


def make_scores(cycle: int) -> Scores:
    """Return pointer -> score of the documents of one file; no score comes twice."""
    names = random.Random(cycle).sample(range(N_SOURCES), DOCUMENTS_PER_FILE)
    return {f"s3://faces/{name:04d}.jpg": cycle * 1000 + i for i, name in enumerate(names)}


def scores_after(n_cycles: int) -> Scores:
    """Return pointer -> score once the files of that many cycles are taken in."""
    return {uri: score for cycle in range(n_cycles) for uri, score in make_scores(cycle).items()}


def derived_from(scores: Scores) -> tuple[Scores, dict[str, str]]:
    """Return what the two steps make of scores."""
    return {uri: 2 * n for uri, n in scores.items()}, {uri: f"label {2 * n + 1}" for uri, n in scores.items()}


def write_recipe(directory: Path) -> None:
    """Write the recipe."""
    (directory / "dsvc.toml").write_text(RECIPE)
    (directory / "steps.py").write_text(STEPS)


def write_documents(directory: Path, cycle: int) -> None:
    """Write the file of one cycle, whole or not at all."""
    lines = [json.dumps({"uri": uri, "score": score}) + "\n" for uri, score in make_scores(cycle).items()]
    path = directory / "documents" / f"{cycle:05d}.jsonl"
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text("".join(lines))
    unfinished.replace(path)


def split_number(number: int) -> tuple[int, str]:
    """Return the cycle and the verb of an operation."""
    return number // len(VERBS), VERBS[number % len(VERBS)]
