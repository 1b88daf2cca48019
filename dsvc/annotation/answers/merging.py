"""Merging: one value of several people's, by a vote on what is there and medians of where it is.

| type | value | a tie |
| --- | --- | --- |
| class, text | what most say | two that as many say |
| rating | the middle one; of two, the lower | never |
| boxes, keypoints | regions that more than half have, each the median of theirs | a region that just half have |

Regions of different people are one thing where each is like each other one by at least `match`; the likest are joined
first, and nobody has two regions of one thing. A point of an item is seen where half of them see it.

The result depends on who said what alone, not on any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import Any

import msgspec

from dsvc.annotation.answers.agreement import like_pairs, likeness, read_regions, weight_of
from dsvc.annotation.answers.payloads import AnswerType, Box, Point, Points, write_boxes, write_keypoints


class Merged(msgspec.Struct, frozen=True):
    """What several people say together."""

    value: str
    """A canonical payload; where they tie, the best that there is."""
    agreement: float
    """From 0 to 1: the share who say so, or how like the value they are on average."""
    is_tie: bool = False


def merge(
    type_: AnswerType, votes: Mapping[str, str], match: Decimal = Decimal("0.5"), sigmas: Sequence[Decimal] = ()
) -> Merged:
    """Return what some people say together.

    Args:
        type_: The type of their answers.
        votes: Canonical payloads by person; one at least.
        match: The likeness from which regions are one thing.
        sigmas: Spreads of keypoints.
    """
    payloads = sorted(votes.values())
    if type_.shape in ("class", "text"):
        (first, n_first), *rest = sorted(Counter(payloads).items(), key=lambda item: (-item[1], item[0]))
        return Merged(first, n_first / len(payloads), bool(rest) and rest[0][1] == n_first)
    told = tuple(sigmas) or (Decimal("0.09"),)
    if type_.shape == "rating":
        levels = sorted(map(int, payloads))
        value, is_tie = str(levels[(len(levels) - 1) // 2]), False
    else:
        value, is_tie = _merge_regions(type_, [votes[name] for name in sorted(votes)], match, told)
    agreement = sum(likeness(type_, payload, value, told) for payload in payloads) / len(payloads)
    return Merged(value, agreement, is_tie)


_Region = tuple[int, Any]  # whose, and the region


def _merge_regions(
    type_: AnswerType, payloads: Sequence[str], match: Decimal, sigmas: Sequence[Decimal]
) -> tuple[str, bool]:
    each = [read_regions(type_, payload) for payload in payloads]
    starts = [sum(map(len, each[:who])) for who in range(len(each))]
    regions: list[_Region] = [(who, region) for who, found in enumerate(each) for region in found]
    least = weight_of(Fraction(match))
    near = {
        (starts[a] + i, starts[b] + j): weight
        for a, b in combinations(range(len(each)), 2)
        for (i, j), weight in like_pairs(type_, each[a], each[b], sigmas).items()
        if weight >= least
    }
    clusters = _clusters(regions, near)
    kept = [[regions[i][1] for i in cluster] for cluster in clusters if 2 * len(cluster) > len(payloads)]
    is_tie = any(2 * len(cluster) == len(payloads) for cluster in clusters)
    if type_.shape == "boxes":
        return write_boxes([_median_box(boxes) for boxes in kept]), is_tie
    return write_keypoints([_median_points(items) for items in kept]), is_tie


def _clusters(regions: Sequence[_Region], near: Mapping[tuple[int, int], int]) -> list[list[int]]:
    """Return which regions are one thing: the likest are joined first, as long as all of one are near each other."""
    home = {i: [i] for i in range(len(regions))}

    def text(i: int) -> str:
        return repr(regions[i][1])

    def order(pair: tuple[int, int]) -> tuple[Any, ...]:
        low, high = sorted((text(pair[0]), text(pair[1])))
        return (-near[pair], low, high, pair)

    for i, j in sorted(near, key=order):
        ours, theirs = home[i], home[j]
        if ours is theirs or {regions[a][0] for a in ours} & {regions[b][0] for b in theirs}:
            continue
        if all((min(a, b), max(a, b)) in near for a in ours for b in theirs):
            joined = ours + theirs
            home.update(dict.fromkeys(joined, joined))
    return list({id(cluster): cluster for cluster in home.values()}.values())


def _median(numbers: Sequence[int]) -> int:
    ordered = sorted(numbers)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) // 2


def _median_box(boxes: Sequence[Box]) -> Box:
    left, top = _median([box[0] for box in boxes]), _median([box[1] for box in boxes])
    right = _median([box[0] + box[2] for box in boxes])
    bottom = _median([box[1] + box[3] for box in boxes])
    return left, top, right - left, bottom - top, boxes[0][4]


def _median_points(items: Sequence[Points]) -> Points:
    found: list[Point] = []
    for points in zip(*items, strict=True):
        seen = [point for point in points if point is not None]
        is_seen = bool(seen) and 2 * len(seen) >= len(points)
        found.append((_median([x for x, _ in seen]), _median([y for _, y in seen])) if is_seen else None)
    return tuple(found)
