"""Laying joined rows out over given sources."""

from __future__ import annotations

from dsvc.engine.layout import lay_out
from dsvc.objects.join import join_trees
from dsvc.objects.tree import Tree
from tests.engine.signals import keys_of, new_writer, write_signal


def test_rows_stand_where_their_sources_do():
    """A source that no row has is null and absent, a record of null is present, and a row not asked for is left out."""
    writer = new_writer()
    trees = [
        Tree(writer, write_signal(writer, "int64", {"a": 1, "b": None, "d": 4})),
        Tree(writer, write_signal(writer, "string", {"b": "x"})),
    ]
    types = [tree.type for tree in trees]
    parts = list(join_trees(trees, provenance=True))

    x, y = lay_out(parts, keys_of("0", "a", "b", "c"), types, provenance=True).columns

    assert [None, 1, None, None] == x.values.to_pylist()
    assert [False, True, True, False] == x.present.tolist()
    assert [-1, 0, 0, -1] == x.prov.rows.tolist()
    assert [None, None, "x", None] == y.values.to_pylist()
    assert [False, False, True, False] == y.present.tolist()
    nothing = lay_out([], keys_of("a"), types, provenance=False).columns[0]
    assert ([None], [False]) == (nothing.values.to_pylist(), nothing.present.tolist())
