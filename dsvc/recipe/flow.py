"""What a recipe makes of what: feeds, signals, steps, tasks and datasets as a graph, drawn as a tree or for Mermaid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from dsvc.recipe.spec import CONTENT, CONTENT_ID, DatasetSpec, Recipe
from dsvc.recipe.task_spec import TaskSpec

_SHAPES: Final[Mapping[str, tuple[str, str]]] = {
    "feed": ("[(", ")]"),
    "signal": ("([", "])"),
    "step": ("[", "]"),
    "task": ("[/", "/]"),
    "dataset": ("[[", "]]"),
}
"""How Mermaid draws each kind of node."""


@dataclass(frozen=True)
class FlowNode:
    """One thing of a recipe.

    Attributes:
        kind: `feed`, `signal`, `step`, `task` or `dataset`.
        name: Its name in the recipe.
        detail: What it is made by: a feed's plugin, a step's kind of code, a task's type, `put` of a signal that is put
            by hand.
    """

    kind: str
    name: str
    detail: str = ""

    @property
    def id(self) -> str:
        """Its name, unique in the recipe."""
        return f"{self.kind}.{self.name}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True)
class Flow:
    """A whole recipe as a graph.

    Attributes:
        nodes: By id, what others are made of first.
        edges: (id, id): the second is made from the first, in the order of the second's nodes.
    """

    nodes: Mapping[str, FlowNode]
    edges: tuple[tuple[str, str], ...]

    def readers(self, node: str) -> tuple[str, ...]:
        """Return the ids of what is made directly from a node."""
        return tuple(after for before, after in self.edges if before == node)

    @property
    def roots(self) -> tuple[str, ...]:
        """The ids of the nodes that are made from nothing."""
        made = {after for _, after in self.edges}
        return tuple(node for node in self.nodes if node not in made)


def flow_of(recipe: Recipe) -> Flow:
    """Return the graph of a recipe; signals that it reads and does not make are there as put by hand."""
    nodes = [FlowNode("feed", feed.name, feed.plugin) for feed in recipe.feeds.values()]
    signals = {name: FlowNode("signal", name) for name in recipe.signals}
    steps = {name: FlowNode("step", name, recipe.steps[name].kind) for name in recipe.order}
    tasks = {name: FlowNode("task", name, str(task.type)) for name, task in recipe.tasks.items()}
    datasets = [FlowNode("dataset", name) for name in recipe.datasets]
    read = [name for step in recipe.steps.values() for name in sorted(step.signals)]
    read += [name for task in recipe.tasks.values() for name in _asked_about(task)]
    read += [name for dataset in recipe.datasets.values() for name in _named(recipe, dataset)]
    for name in read:
        if name not in signals and name not in steps and name not in tasks:
            mains = [feed for feed in recipe.feeds.values() if feed.about is None]
            detail = "what identifies each raw item" if name == CONTENT and mains else "put"
            signals[name] = FlowNode("signal", name, detail)
    nodes += [*signals.values(), *steps.values(), *tasks.values(), *datasets]
    producers = {name: node.id for name, node in (signals | steps | tasks).items()}
    edges = dict.fromkeys(_edges(recipe, producers))
    return Flow({node.id: node for node in nodes}, tuple(edges))


def _edges(recipe: Recipe, producers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for feed in recipe.feeds.values():
        if feed.about is not None:
            yield f"feed.{feed.about.feed}", f"feed.{feed.name}"
        elif CONTENT in producers:
            yield f"feed.{feed.name}", producers[CONTENT]
    for signal in recipe.signals.values():
        yield f"feed.{signal.feed}", f"signal.{signal.name}"
    for name in recipe.order:
        for read in dict.fromkeys(path.signal for path in recipe.steps[name].depends):
            yield producers[read], f"step.{name}"
    for task in recipe.tasks.values():
        for read in _asked_about(task):
            yield producers[read], f"task.{task.name}"
    for dataset in recipe.datasets.values():
        if dataset.base is not None:
            yield f"dataset.{dataset.base}", f"dataset.{dataset.name}"
        for read in _named(recipe, dataset):
            yield producers[read], f"dataset.{dataset.name}"


def _asked_about(task: TaskSpec) -> Iterable[str]:
    """Return the signals that a task reads; the content of sources only where it reads nothing else."""
    named = [path.signal for path in task.depends if path != CONTENT_ID]
    return dict.fromkeys(named or [CONTENT])


def _named(recipe: Recipe, dataset: DatasetSpec) -> Iterable[str]:
    """Return the signals that a dataset reads itself: for its condition, its split, its sample and its columns."""
    expressions = [] if dataset.where is None else [dataset.where]
    if dataset.split is not None and not dataset.keeps_parts:
        expressions.append(recipe.splits[dataset.split].by)
    if dataset.sample is not None and dataset.sample.per is not None:
        expressions.append(dataset.sample.per)
    table = ("dataset", dataset.name)
    if dataset.base is None or any((*table, key) in recipe.places for key in ("columns", "signals")):
        expressions += [expression for _, expression in dataset.columns]
    return dict.fromkeys(path.signal for expression in expressions for path in expression.inputs)


def tree_lines(flow: Flow) -> Iterator[str]:
    """Yield the graph as a tree of text: below each node what is made from it, in full where it comes first."""
    drawn: set[str] = set()
    for root in flow.roots:
        yield from _subtree(flow, root, "", "", drawn)


def _subtree(flow: Flow, node: str, lead: str, below: str, drawn: set[str]) -> Iterator[str]:
    readers = flow.readers(node)
    again = node in drawn and bool(readers)
    yield f"{lead}{flow.nodes[node]}{' ...' if again else ''}"
    if again:
        return
    drawn.add(node)
    for reader in readers:
        is_last = reader == readers[-1]
        branch, gap = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
        yield from _subtree(flow, reader, below + branch, below + gap, drawn)


def mermaid_lines(flow: Flow) -> Iterator[str]:
    """Yield the graph as a Mermaid flowchart."""
    yield "flowchart LR"
    for node in flow.nodes.values():
        left, right = _SHAPES[node.kind]
        yield f"  {node.kind}_{node.name}{left}{node.name}{right}"
    for before, after in flow.edges:
        yield f"  {before.replace('.', '_')} --> {after.replace('.', '_')}"
