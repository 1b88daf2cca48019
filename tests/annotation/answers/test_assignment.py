"""The best matching is the best of all."""

from itertools import permutations

from hypothesis import example, given
from hypothesis import strategies as st

from dsvc.annotation.answers.assignment import best_pairs

pairs = st.tuples(st.integers(0, 4), st.integers(0, 4))
weights = st.dictionaries(pairs, st.integers(1, 20), max_size=15)


def brute_force(found):
    """Return the largest sum of weights that a matching has."""
    left = sorted({i for i, _ in found})
    right = [*sorted({j for _, j in found}), *[None] * len(left)]
    return max(
        sum(found.get(pair, 0) for pair in zip(left, chosen, strict=False)) for chosen in permutations(right, len(left))
    )


@given(weights)
@example({(0, 0): 5, (0, 1): 4, (1, 0): 4})
@example({(0, 0): 5, (1, 0): 6, (2, 0): 4, (2, 1): 3})
def test_no_matching_has_a_larger_sum(found):
    """Against every matching that there is."""
    chosen = best_pairs(found)

    assert brute_force(found) == sum(found[pair] for pair in chosen)
    assert len(chosen) == len({i for i, _ in chosen}) == len({j for _, j in chosen})


@given(weights, st.randoms())
def test_the_order_of_pairs_takes_no_part(found, random):
    """Equal weights give equal matchings."""
    items = list(found.items())
    random.shuffle(items)

    assert best_pairs(found) == best_pairs(dict(items))


def test_both_sides_may_be_the_longer():
    """And nothing matches nothing."""
    assert () == best_pairs({})
    assert ((0, 1),) == best_pairs({(0, 0): 1, (0, 1): 2})
    assert ((1, 0),) == best_pairs({(0, 0): 1, (1, 0): 2})
