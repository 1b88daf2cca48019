"""Votes of real people: ten taggers said of each face which emotion it shows, replayed through overlap and resolution.

What the ten say together is the reference. Needs the table of votes: `HUMAN_VOTES=path/of/the.csv pytest ...`; run as a
program with the path as its argument, it prints accuracy by number of votes used, beside a pooled Dawid-Skene model.
"""

import csv
import hashlib
import math
import os
import sys
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from dsvc.annotation.payloads import answer_type
from dsvc.annotation.resolving import Voice, settle
from dsvc.objects.types import parse_type
from dsvc.recipe.task_spec import OverlapSpec, TaskSpec

VOTES = os.environ.get("HUMAN_VOTES", "")
N_IMAGES = 2000
pytestmark = pytest.mark.skipif(not VOTES, reason="set HUMAN_VOTES to the table of votes")


@cache
def votes(path=VOTES, n_images=N_IMAGES):
    """Return (what the ten say, their votes in the order of a hash) of images of which the ten have one majority."""
    found = []
    with Path(path).open(newline="") as lines:
        for row in csv.DictReader(lines):
            name = row["Image name"]
            counts = {key: int(value) for key, value in row.items() if key not in ("Usage", "Image name")}
            said = [f"{key}#{i}" for key, count in counts.items() for i in range(count)]
            ranked = sorted(counts.values())
            if row["Usage"] != "PublicTest" or not name or len(said) != 10 or ranked[-1] == ranked[-2]:
                continue
            said.sort(key=lambda vote: hashlib.sha256(f"{name} {vote}".encode()).digest())
            found.append((max(counts, key=counts.get), tuple(vote.partition("#")[0] for vote in said)))
            if len(found) == n_images:
                break
    return tuple(found)


@cache
def names(path=VOTES):
    """Return the classes that were voted for."""
    return tuple(sorted({vote for _, said in votes(path) for vote in said}))


def replay(overlap, path=VOTES):
    """Return (accuracy of what was settled, share that was not, votes used an image) under some overlap."""
    text = f"class({', '.join(names(path))})"
    task, type_ = TaskSpec("emotion", parse_type(text), overlap=overlap), answer_type(text)
    right = settled = used = 0
    for truth, said in votes(path):
        for n in range(1, len(said) + 1):
            voices = [Voice(str(i), "value", f'"{vote}"') for i, vote in enumerate(said[:n])]
            result = settle(task, type_, voices)
            if result.state != "open":
                break
        used += n
        settled += result.state == "value"
        right += result.state == "value" and result.value == f'"{truth}"'
    n_images = len(votes(path))
    return right / settled, 1 - settled / n_images, used / n_images


def dawid_skene(k, path=VOTES, n_steps=15):
    """Return the accuracy of a Dawid-Skene model on the first k votes; voters have no names, so they share a matrix."""
    classes = names(path)
    index = {name: i for i, name in enumerate(classes)}
    items = [[index[vote] for vote in said[:k]] for _, said in votes(path)]
    n = len(classes)
    beliefs = [[(said.count(c) + 0.01) / (k + 0.01 * n) for c in range(n)] for said in items]
    for _ in range(n_steps):
        prior = [sum(belief[c] for belief in beliefs) / len(items) for c in range(n)]
        matrix = [[0.01] * n for _ in range(n)]
        for belief, said in zip(beliefs, items, strict=True):
            for c in range(n):
                for vote in said:
                    matrix[c][vote] += belief[c]
        logs = [[math.log(value / sum(row)) for value in row] for row in matrix]
        beliefs = []
        for said in items:
            scores = [math.log(prior[c] + 1e-12) + sum(logs[c][vote] for vote in said) for c in range(n)]
            weights = [math.exp(score - max(scores)) for score in scores]
            beliefs.append([weight / sum(weights) for weight in weights])
    guesses = [classes[max(range(n), key=belief.__getitem__)] for belief in beliefs]
    return sum(guess == truth for guess, (truth, _) in zip(guesses, votes(path), strict=True)) / len(guesses)


def fixed(k):
    """Return an overlap of just k people."""
    return OverlapSpec(k, k)


def test_more_votes_come_nearer_to_what_all_say():
    """From one of ten on, and all ten agree with themselves."""
    accuracies = [replay(fixed(k))[0] for k in (1, 3, 5, 10)]

    assert sorted(accuracies) == accuracies
    assert 0.7 < accuracies[0] < 0.95
    assert accuracies[2] > 0.9
    assert 1.0 == accuracies[3]


def test_asking_only_where_people_differ_is_cheaper():
    """Two people, up to five where they differ: about as good as five of everything, at far fewer votes."""
    accuracy, _, used = replay(OverlapSpec(2, 5, Decimal("0.75")))

    assert used < 3.5
    assert accuracy > replay(fixed(3))[0] - 0.02


def test_item_local_votes_are_near_a_global_model():
    """A model of all items at once, which an added answer would change everywhere, is worth little here."""
    for k in (3, 5):
        accuracy, disputed, _ = replay(fixed(k))

        assert accuracy * (1 - disputed) + disputed / 2 > dawid_skene(k) - 0.05


if __name__ == "__main__":
    VOTES_PATH = sys.argv[1]
    print(f"{len(votes(VOTES_PATH))} images, 10 votes each")
    for k in range(1, 11):
        accuracy, disputed, _ = replay(fixed(k), VOTES_PATH)
        print(f"{k:>2} votes: {accuracy:.4f} right, {disputed:.4f} disputed; model {dawid_skene(k, VOTES_PATH):.4f}")
    for least, most, until in ((2, 3, "0.9"), (2, 5, "0.75"), (2, 5, "0.9"), (3, 7, "0.75")):
        accuracy, disputed, used = replay(OverlapSpec(least, most, Decimal(until)), VOTES_PATH)
        print(f"{least} to {most} until {until}: {accuracy:.4f} right, {disputed:.4f} disputed, {used:.2f} votes")
