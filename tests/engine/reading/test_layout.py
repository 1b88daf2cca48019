"""Laying joined rows out over sources."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.reading.layout import iter_union, lay_out
from dsvc.objects.arrays import to_arrow
from dsvc.objects.join import join_trees
from dsvc.objects.tree import Tree
from tests.engine.signals import INT, keys_of, new_writer, signal_of

records = st.dictionaries(st.sampled_from("abcdef"), st.none() | st.integers(0, 9), min_size=1)


@given(records, records, st.sets(st.sampled_from("abcdefg")), st.booleans())
def test_rows_are_laid_out_over_exactly_the_sources(x, y, sources, provenance):
    """What a source has is at its row, whatever other sources the rows are of."""
    writer = new_writer()
    trees = [Tree(writer, signal_of(writer, held)) for held in (x, y)]
    parts = list(join_trees(trees, provenance=provenance))

    laid = lay_out(parts, keys_of(*sources), [INT, INT], provenance=provenance)

    ordered = sorted(sources)
    assert ordered == laid.keys.arrow.to_pylist()
    for held, column in zip((x, y), laid.columns, strict=True):
        assert [held.get(source) for source in ordered] == to_arrow(column.column).to_pylist()
        present = [True] * len(ordered) if column.present is None else column.present.tolist()
        assert [source in held for source in ordered] == present
        if provenance:
            assert [0 if source in held else -1 for source in ordered] == column.prov.rows.tolist()


@given(
    st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9), min_size=1), max_size=4), st.integers(1, 4)
)
def test_a_union_has_every_source_once(signals, rows):
    """In order, in batches of the size asked."""
    writer = new_writer()

    batches = list(iter_union(writer, [signal_of(writer, held) for held in signals], rows))

    assert sorted(set().union(*signals)) == [key.decode() for keys in batches for key in keys]
    assert all(len(keys) == rows for keys in batches[:-1])


def test_without_rows_all_is_absent():
    """Sources without any record are laid out too."""
    laid = lay_out([], keys_of("a"), [INT], provenance=True)

    assert [None] == to_arrow(laid.columns[0].column).to_pylist()
    assert [False] == laid.columns[0].present.tolist()
    assert [-1] == laid.columns[0].prov.rows.tolist()
