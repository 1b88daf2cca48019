"""Steps and tasks as one: what a run makes, each after what it reads.

To the engine a task is a step of records whose code is the resolution of what people answered. Beside what the recipe
says that it reads it depends on the ledger; the engine adds that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import CONTENT_ID, Recipe, StepSpec
from dsvc.recipe.task_spec import TaskSpec

ORIGIN = "_origin"


@dataclass(frozen=True)
class TaskNode(StepSpec):
    """A task as a step: one value per source of what it judges, or per source of the version.

    Attributes:
        task: What the recipe says.
    """

    task: TaskSpec | None = None

    @classmethod
    def of_task(cls, task: TaskSpec) -> TaskNode:
        """Return a task as a step.

        How lots are cut is no input: a lot, once closed, says itself what is in it.
        """
        expressions = [expression for expression in (task.ask, task.shown.crop) if expression is not None]
        judged = [] if task.of is None else [task.of, InputPath(task.of.signal, circumstance=ORIGIN)]
        named = [path for expression in expressions for path in expression.inputs]
        inputs = tuple(dict.fromkeys([*judged, *named, CONTENT_ID]))
        return cls(
            name=task.name,
            kind="task",
            code=task.name,
            inputs=inputs,
            optional=frozenset(path for path in inputs if path != task.of),
            version=task.version,
            type=task.type,
            task=task,
        )

    @property
    def spec(self) -> TaskSpec:
        """What the recipe says."""
        if self.task is None:
            raise TypeError(f"task {self.name} without its spec")
        return self.task


def find_node(recipe: Recipe, name: str) -> StepSpec | None:
    """Return the step or task of a name; None where there is none."""
    if name in recipe.tasks:
        return TaskNode.of_task(recipe.tasks[name])
    return recipe.steps.get(name)


def get_node(recipe: Recipe, name: str) -> StepSpec:
    """Return the step or task of a name, which there is."""
    return TaskNode.of_task(recipe.tasks[name]) if name in recipe.tasks else recipe.steps[name]


def node_names(recipe: Recipe) -> tuple[str, ...]:
    """Return the names of steps and tasks, each after those it reads."""
    return recipe.node_order or recipe.order


def iter_nodes(recipe: Recipe) -> Iterator[StepSpec]:
    """Yield steps and tasks, each after those it reads."""
    return (get_node(recipe, name) for name in node_names(recipe))


def derives(recipe: Recipe, name: str) -> bool:
    """Tell whether the recipe makes a signal by a step or a task."""
    return name in recipe.steps or name in recipe.tasks
