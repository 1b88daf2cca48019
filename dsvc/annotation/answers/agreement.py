"""How far two answers agree, by type: IoU of boxes and OKS of keypoints under the best assignment, kappa of ratings.

Everything is computed from integers and the four basic operations of floats, in one order: equal on every machine.

| type | likeness of two answers, 0 to 1 |
| --- | --- |
| boxes | sum of the IoU of matched boxes / the larger number of boxes; boxes of two labels are not matched |
| keypoints | sum of the OKS of matched items / the larger number of items |
| rating | 1 - (difference / (N - 1)) squared |
| class, text | 1 or 0 |

Two answers without any region agree fully. OKS of two points at distance d, of spread s on an object of size S, is
exp(-d^2 / (8 s^2 S^2)), where S^2 is half the squared diagonal of the box around all points of both; a point that one
of them does not see counts 0, one that neither sees is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from dsvc.annotation.answers.assignment import Pair, best_pairs
from dsvc.annotation.answers.payloads import AnswerType, Box, Points, read_boxes, read_keypoints
from dsvc.recipe.task_spec import Nearness

ONE = 1 << 40
"""A likeness of 1 as an integer weight."""
_SIGMA = (Decimal("0.09"),)


def iou(first: Box, second: Box) -> Fraction:
    """Return intersection over union of two boxes; of two that are empty, 1 where they are equal."""
    if first[:4] == second[:4]:
        return Fraction(1)
    width = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    height = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return Fraction(0)
    both = width * height
    return Fraction(both, first[2] * first[3] + second[2] * second[3] - both)


def oks(first: Points, second: Points, sigmas: Sequence[Decimal] = _SIGMA) -> float:
    """Return the object keypoint similarity of two items of as many points.

    Args:
        first: Its points.
        second: Its points.
        sigmas: The spread of each point, or one of all.
    """
    seen = [point for point in (*first, *second) if point is not None]
    if not seen:
        return 1.0
    width = max(x for x, _ in seen) - min(x for x, _ in seen)
    height = max(y for _, y in seen) - min(y for _, y in seen)
    size = (width * width + height * height) / 2
    spreads = [float(sigma) for sigma in sigmas] * (len(first) if len(sigmas) == 1 else 1)
    total, count = 0.0, 0
    for ours, theirs, spread in zip(first, second, spreads, strict=True):
        if ours is None and theirs is None:
            continue
        count += 1
        if ours is None or theirs is None:
            continue
        squared = (ours[0] - theirs[0]) ** 2 + (ours[1] - theirs[1]) ** 2
        total += 1.0 if squared == 0 else _exp_of_minus(squared / (8 * spread * spread * size))
    return total / count


def _exp_of_minus(x: float) -> float:
    """Return e to the -x by basic operations alone: libraries differ in the last bit of theirs."""
    if x > 700:
        return 0.0
    small, term, total = -x / 1024, 1.0, 1.0
    for n in range(1, 12):
        term *= small / n
        total += term
    for _ in range(10):
        total *= total
    return total


def likeness(type_: AnswerType, first: str, second: str, sigmas: Sequence[Decimal] = _SIGMA) -> float:
    """Return how far two canonical payloads agree, from 0 to 1."""
    if first == second:
        return 1.0
    if type_.shape in ("boxes", "keypoints"):
        n_first, n_second, weights = _region_weights(type_, first, second, sigmas)
        total = sum(weights[pair] for pair in best_pairs(weights))
        return total / ONE / max(n_first, n_second)
    if type_.shape == "rating":
        steps = abs(int(first) - int(second)) / (type_.count - 1)
        return 1.0 - steps * steps
    return 0.0


def are_near(type_: AnswerType, first: str, second: str, near: Nearness) -> bool:
    """Tell whether two canonical payloads are near enough: every region of each has its own in the other."""
    if first == second:
        return True
    if near.metric == "within" and type_.shape == "rating":
        return abs(int(first) - int(second)) <= near.bound
    if near.metric not in ("iou", "oks") or type_.shape not in ("boxes", "keypoints"):
        return False
    n_first, n_second, weights = _region_weights(type_, first, second, near.sigmas or _SIGMA)
    least = weight_of(Fraction(near.bound))
    close = {pair: 1 for pair, weight in weights.items() if weight >= least}
    return n_first == n_second and len(best_pairs(close)) == n_first


def weight_of(share: Fraction) -> int:
    """Return a likeness as an integer weight, rounded down."""
    return share.numerator * ONE // share.denominator


def read_regions(type_: AnswerType, payload: str) -> Sequence[Any]:
    """Return the boxes or the keypoint items of a canonical payload."""
    return read_boxes(payload) if type_.shape == "boxes" else read_keypoints(payload)


def like_pairs(
    type_: AnswerType, ours: Sequence[Any], theirs: Sequence[Any], sigmas: Sequence[Decimal] = _SIGMA
) -> dict[Pair, int]:
    """Return the likeness of regions as weights, of all pairs that are alike at all; boxes are swept from the left."""
    if type_.shape == "keypoints":
        weights = ((i, j, int(oks(a, b, sigmas) * ONE)) for i, a in enumerate(ours) for j, b in enumerate(theirs))
        return {(i, j): weight for i, j, weight in weights if weight > 0}
    found: dict[Pair, int] = {}
    right = sorted(range(len(theirs)), key=lambda j: theirs[j][0])
    begin = 0
    widest = max((box[2] for box in theirs), default=0)
    for i in sorted(range(len(ours)), key=lambda i: ours[i][0]):
        box = ours[i]
        while begin < len(right) and theirs[right[begin]][0] + widest < box[0]:
            begin += 1  # it ends before this one and all that follow
        for j in right[begin:]:
            other = theirs[j]
            if other[0] > box[0] + box[2]:
                break
            if box[4] == other[4] and (weight := _overlap(box, other)) > 0:
                found[i, j] = weight
    return found


def _overlap(first: Box, second: Box) -> int:
    """Return the IoU of two boxes as a weight."""
    if first[:4] == second[:4]:
        return ONE
    x, y, w, h, _ = first
    other_x, other_y, other_w, other_h, _ = second
    width = min(x + w, other_x + other_w) - max(x, other_x)
    height = min(y + h, other_y + other_h) - max(y, other_y)
    if width <= 0 or height <= 0:
        return 0
    both = width * height
    return both * ONE // (w * h + other_w * other_h - both)


def _region_weights(
    type_: AnswerType, first: str, second: str, sigmas: Sequence[Decimal]
) -> tuple[int, int, Mapping[Pair, int]]:
    ours, theirs = read_regions(type_, first), read_regions(type_, second)
    return len(ours), len(theirs), like_pairs(type_, ours, theirs, sigmas)


def weighted_kappa(pairs: Iterable[tuple[int, int]], n_levels: int) -> float | None:
    """Return Cohen's kappa of two raters with quadratic weights; None where nobody could have disagreed.

    Args:
        pairs: The ratings, from 1, that each item got from the two.
        n_levels: How many levels there are.
    """
    counts: dict[tuple[int, int], int] = {}
    for pair in pairs:
        counts[pair] = counts.get(pair, 0) + 1
    total = sum(counts.values())
    firsts = [sum(n for (a, _), n in counts.items() if a == level) for level in range(1, n_levels + 1)]
    seconds = [sum(n for (_, b), n in counts.items() if b == level) for level in range(1, n_levels + 1)]
    observed = sum((a - b) ** 2 * n for (a, b), n in counts.items())
    expected = sum((i - j) ** 2 * a * b for i, a in enumerate(firsts) for j, b in enumerate(seconds))
    return None if expected == 0 else float(1 - Fraction(observed * total, expected))


def plain_kappa(pairs: Iterable[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa of two people who gave classes; None where nobody could have disagreed."""
    found = list(pairs)
    names = sorted({name for pair in found for name in pair})
    total = len(found)
    expected = sum(sum(a == name for a, _ in found) * sum(b == name for _, b in found) for name in names)
    if total == 0 or expected == total * total:
        return None
    by_chance = Fraction(expected, total * total)
    return float((Fraction(sum(a == b for a, b in found), total) - by_chance) / (1 - by_chance))


class Agreement(msgspec.Struct, frozen=True):
    """How far two sides agree over some sources."""

    sources: int
    mean: float
    """Mean likeness."""
    near: int
    """How many sources are near enough."""
    kappa: float | None = None
    """Of ratings and classes."""


def compare(type_: AnswerType, pairs: Iterable[tuple[str, str]], near: Nearness) -> Agreement:
    """Return how far two sides agree: the canonical payloads that each gave for the same sources."""
    found = list(pairs)
    sigmas = near.sigmas or _SIGMA
    total = sum(likeness(type_, a, b, sigmas) for a, b in found)
    close = sum(are_near(type_, a, b, near) for a, b in found)
    return Agreement(len(found), total / len(found) if found else 1.0, close, kappa_of(type_, found))


def kappa_of(type_: AnswerType, pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return the kappa of two sides, of ratings and classes; None of other values, and where chance explains all."""
    if type_.shape == "rating":
        return weighted_kappa(((int(a), int(b)) for a, b in pairs), type_.count)
    return plain_kappa(pairs) if type_.shape == "class" else None
