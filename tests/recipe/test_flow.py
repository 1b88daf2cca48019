"""What a recipe makes of what, as a graph."""

import pytest

from dsvc.plugins.manager import Plugins
from dsvc.recipe.flow import flow_of, mermaid_lines, tree_lines
from dsvc.recipe.load import load_recipe

TEXT = """
[feed.images]
plugin = "files"
path = "a.jsonl"
pointer = "uri"
[feed.labels]
plugin = "files"
path = "b.jsonl"
about = { feed = "images", field = "image", key = "uri" }
[signal.quality]
from = "images"
value = "q"
[signal.label]
from = "labels"
value = "l"
[step.sum_of]
sql = "SELECT quality + score AS sum_of"
[step.twice]
sql = "SELECT sum_of * 2 AS twice"
[split.people]
by = "label"
parts = { all = 1 }
[dataset.good]
where = "sum_of > 1"
columns = { t = "twice", id = "content.id" }
split = "people"
"""


@pytest.fixture(name="flow")
def _flow(recipe):
    recipe.toml(TEXT)
    return flow_of(load_recipe(recipe.path, plugins=Plugins(), also_known=["score"]))


def test_the_tree_shows_each_in_full_once(flow):
    """Below each of what something is made of it is named; only the first time with what is made of it."""
    assert [
        "feed images (files)",
        "├─ signal content (what identifies each raw item)",
        "│  └─ dataset good",
        "├─ feed labels (files)",
        "│  └─ signal label",
        "│     └─ dataset good",
        "└─ signal quality",
        "   └─ step sum_of (sql)",
        "      ├─ step twice (sql)",
        "      │  └─ dataset good",
        "      └─ dataset good",
        "signal score (put)",
        "└─ step sum_of (sql) ...",
    ] == list(tree_lines(flow))


def test_mermaid_has_every_node_and_edge(flow):
    """Each with the shape of its kind."""
    lines = list(mermaid_lines(flow))

    assert "flowchart LR" == lines[0]
    assert 1 + len(flow.nodes) + len(flow.edges) == len(lines)
    for line in ("  feed_images[(images)]", "  dataset_good[[good]]", "  step_sum_of --> step_twice"):
        assert line in lines


def test_edges_follow_what_is_named(flow):
    """Condition, split and columns of a dataset; inputs of a step; the feed of a signal."""
    assert {"step.sum_of", "step.twice", "signal.label", "signal.content"} == {
        before for before, after in flow.edges if after == "dataset.good"
    }
    assert ("feed.images", "signal.score") == flow.roots


def test_an_empty_recipe_has_an_empty_graph(recipe):
    """Nothing is drawn."""
    flow = flow_of(load_recipe(recipe.toml("").path))

    assert [] == list(tree_lines(flow))


def test_a_dataset_of_a_dataset_reads_what_it_names_itself(recipe):
    """What it takes over comes with the other one."""
    text = """
    [dataset.all]
    columns = { a = "a" }
    [dataset.some]
    from = "all"
    where = "b > 1"
    sample = { max = 1, per = "c" }
    """
    flow = flow_of(load_recipe(recipe.toml(text).path, also_known=["a", "b", "c"]))

    assert {"dataset.all", "signal.b", "signal.c"} == {
        before for before, after in flow.edges if after == "dataset.some"
    }
