"""Optimal assignment: which of our items goes with which of theirs, so that the sum of their weights is the largest.

Weights are integers, so sums are exact and equal on every machine. Only pairs with a weight can be matched: items fall
into groups that share none, and each group is solved alone by the method of potentials (Kuhn and Munkres), in
O(n^2 m) for n of the smaller side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Pair = tuple[int, int]


def best_pairs(weights: Mapping[Pair, int]) -> tuple[Pair, ...]:
    """Return the pairs of the matching with the largest sum of weights, sorted; each item is in one pair at most.

    Args:
        weights: (ours, theirs) -> weight, above 0; other pairs cannot be matched.
    """
    found: list[Pair] = []
    for group in _groups(weights):
        left = sorted({ours for ours, _ in group})
        right = sorted({theirs for _, theirs in group})
        if len(left) <= len(right):
            matrix = [[weights.get((i, j), 0) for j in right] for i in left]
            pairs = [(left[a], right[b]) for a, b in enumerate(_solve(matrix))]
        else:
            matrix = [[weights.get((i, j), 0) for i in left] for j in right]
            pairs = [(left[b], right[a]) for a, b in enumerate(_solve(matrix))]
        found += (pair for pair in pairs if pair in weights)
    return tuple(sorted(found))


def _groups(weights: Mapping[Pair, int]) -> list[list[Pair]]:
    """Return the pairs by connected component, in a fixed order."""
    parent: dict[tuple[int, int], tuple[int, int]] = {}

    def root(item: tuple[int, int]) -> tuple[int, int]:
        parent.setdefault(item, item)
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for ours, theirs in weights:
        parent[root((0, ours))] = root((1, theirs))
    groups: dict[tuple[int, int], list[Pair]] = {}
    for pair in sorted(weights):
        groups.setdefault(root((0, pair[0])), []).append(pair)
    return list(groups.values())


def _solve(weights: Sequence[Sequence[int]]) -> list[int]:
    """Return for each row the column that it gets; there are at least as many columns as rows."""
    n_rows, n_columns = len(weights), len(weights[0])
    infinity = 1 + sum(max(row) for row in weights) * 2
    by_row, by_column = [0] * (n_rows + 1), [0] * (n_columns + 1)  # potentials
    owner = [0] * (n_columns + 1)  # the row, from 1, that has a column, from 1; 0 for none
    for row in range(1, n_rows + 1):
        owner[0] = row
        column = 0
        slack = [infinity] * (n_columns + 1)
        before = [0] * (n_columns + 1)
        done = [False] * (n_columns + 1)
        while owner[column]:
            done[column] = True
            current, least, following = owner[column], infinity, 0
            for other in range(1, n_columns + 1):
                if done[other]:
                    continue
                cost = -weights[current - 1][other - 1] - by_row[current] - by_column[other]
                if cost < slack[other]:
                    slack[other], before[other] = cost, column
                if slack[other] < least:
                    least, following = slack[other], other
            for other in range(n_columns + 1):
                if done[other]:
                    by_row[owner[other]] += least
                    by_column[other] -= least
                else:
                    slack[other] -= least
            column = following
        while column:
            owner[column] = owner[before[column]]
            column = before[column]
    columns = [0] * n_rows
    for column in range(1, n_columns + 1):
        if owner[column]:
            columns[owner[column] - 1] = column - 1
    return columns
