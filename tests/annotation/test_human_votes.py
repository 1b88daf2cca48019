"""Votes of real people: ten taggers said of each face which emotion it shows; asked one by one, until it is settled.

What the ten say together is the reference. Run as a program, it prints accuracy by the number of votes used, beside a
pooled Dawid-Skene model. Where the votes are from: NOTICE, beside this file.
"""

import csv
import hashlib
import math
from collections import Counter
from decimal import Decimal
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

from dsvc.annotation.answers.evidence import NOTHING, Answered, evidence_of, unite
from dsvc.annotation.answers.payloads import answer_type, canonical_payload
from dsvc.annotation.answers.records import make_answer
from dsvc.annotation.judging.asks import asks_of
from dsvc.annotation.judging.concord import among_people
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.rounds import resolve
from dsvc.objects.types import parse_type
from dsvc.recipe.task_spec import OverlapSpec, TaskSpec

VOTES = Path(__file__).with_name("ferplus_votes.csv")
N_PEOPLE = 10


@cache
def votes():
    """Return (image, what the ten say, their votes in the order of a hash) of every image."""
    found = []
    with VOTES.open(newline="") as lines:
        for row in csv.DictReader(lines):
            name = row.pop("Image name")
            said = [f"{key}#{i}" for key, count in row.items() for i in range(int(count))]
            said.sort(key=lambda vote: hashlib.sha256(f"{name} {vote}".encode()).digest())
            plain = tuple(vote.partition("#")[0] for vote in said)
            found.append((name, Counter(plain).most_common(1)[0][0], plain))
    return tuple(found)


@cache
def names():
    """Return the classes that were voted for."""
    return tuple(sorted({vote for _, _, said in votes() for vote in said}))


def make_task(overlap):
    """Return the task that the ten had, of which so many are asked."""
    return TaskSpec("emotion", parse_type(f"class({', '.join(names())})"), overlap=overlap)


def ask_around(task, name, said):
    """Ask one person after the other as long as the task wants more; return what was resolved, and the evidence."""
    evidence = NOTHING
    for person, vote in enumerate(said):
        item = Item(f"s3://fer/{name}", evidence=evidence)
        resolution = resolve(task, item)
        wanted = [one.ask for one in asks_of(task, item, resolution) if one.ask.mode == "label"]
        if not wanted:
            break
        answer = make_answer(
            wanted[0],
            annotator=f"person-{person}",
            submitted_us=person,
            outcome="value",
            payload=canonical_payload(answer_type(task.type_text), vote),
        )
        evidence = unite([evidence, evidence_of([Answered(wanted[0], answer)])])
    return resolve(task, Item(f"s3://fer/{name}", evidence=evidence)), evidence


@cache
def replay(least, most, until=None):
    """Return (accuracy of what was settled, share that goes to an expert, votes used an image) under an overlap."""
    task = make_task(OverlapSpec(least, most, until))
    right = settled = used = 0
    for name, truth, said in votes():
        resolution, evidence = ask_around(task, name, said)
        used += len(evidence.answers)
        settled += resolution.standing == "final"
        right += resolution.value == f'"{truth}"'
    n_images = len(votes())
    return right / settled, 1 - settled / n_images, used / n_images


def dawid_skene(k, n_steps=15):
    """Return the accuracy of a Dawid-Skene model on the first k votes; voters have no names, so they share a matrix."""
    classes = names()
    index = {name: i for i, name in enumerate(classes)}
    items = [[index[vote] for vote in said[:k]] for _, _, said in votes()]
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
    return sum(guess == truth for guess, (_, truth, _) in zip(guesses, votes(), strict=True)) / len(guesses)


def test_more_votes_come_nearer_to_what_all_say():
    """From one of ten on; all ten settle every image, as they themselves do."""
    accuracies = [replay(k, k)[0] for k in (1, 3, 5, 10)]

    assert sorted(accuracies) == accuracies
    assert 0.7 < accuracies[0] < 0.95
    assert accuracies[2] > 0.9
    assert (1.0, 0.0, 10.0) == replay(10, 10)


def test_asking_only_where_people_differ_is_cheaper():
    """Two people, up to five where they differ: nearly as good as five of everything, at far fewer votes."""
    accuracy, _, used = replay(2, 5, Decimal("0.75"))

    assert used < 3.5
    assert accuracy > replay(3, 3)[0] - 0.02


@pytest.mark.parametrize("k", [3, 5])
def test_item_local_votes_are_near_a_global_model(k):
    """A model of all items at once, which an added answer would change everywhere, is worth little here."""
    accuracy, disputed, _ = replay(k, k)

    assert accuracy * (1 - disputed) + disputed / 2 > dawid_skene(k) - 0.05


def test_agreement_is_that_of_all_pairs():
    """The share of pairs of people who say the same of an image, counted by hand."""
    task, some = make_task(OverlapSpec(3, 3)), votes()[:300]
    found = [(name, ask_around(task, name, said)[1]) for name, _, said in some]
    pairs = [first == second for _, _, said in some for first, second in combinations(said[:3], 2)]

    everybody = among_people(task, found)[0]
    assert ("", len(pairs), sum(pairs)) == (everybody.who, everybody.sources, everybody.near)
    assert pytest.approx(sum(pairs) / len(pairs)) == everybody.mean
    assert 0.3 < everybody.kappa < everybody.mean


if __name__ == "__main__":
    print(f"{len(votes())} images, {N_PEOPLE} votes each")
    for n_votes in range(1, N_PEOPLE + 1):
        share, unsettled, _ = replay(n_votes, n_votes)
        print(f"{n_votes:>2} votes: {share:.4f} right, {unsettled:.4f} disputed; model {dawid_skene(n_votes):.4f}")
    for low, high, level in ((2, 3, "0.9"), (2, 5, "0.75"), (2, 5, "0.9"), (3, 7, "0.75")):
        share, unsettled, n_used = replay(low, high, Decimal(level))
        print(f"{low} to {high} until {level}: {share:.4f} right, {unsettled:.4f} disputed, {n_used:.2f} votes")
