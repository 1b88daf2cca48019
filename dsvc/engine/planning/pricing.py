"""What a raised version of a task would cost, said before it is raised: a plan of the recipe with that version.

So it is what the plan will say once the version is raised, of people alone: the steps below the task are left out.
"""

from __future__ import annotations

from dataclasses import replace

from dsvc.annotation.judging.asks import as_version
from dsvc.annotation.under_way import UnderWay
from dsvc.engine.making.loading import Loader
from dsvc.engine.planning.people import find_task
from dsvc.engine.planning.predict import Predictor
from dsvc.engine.planning.task_plan import TaskPlan, plan_task
from dsvc.plugins.manager import Plugins
from dsvc.recipe.nodes import iter_nodes
from dsvc.recipe.spec import Recipe
from dsvc.recipe.versions import VersionRange
from dsvc.repo.base import BaseRepository
from dsvc.repo.refs import DRAFT_REVISION


def price_version(
    repo: BaseRepository,
    recipe: Recipe,
    plugins: Plugins,
    name: str,
    version: str,
    *,
    accept: VersionRange | None = None,
    under_way: UnderWay | None = None,
) -> TaskPlan:
    """Say what people would have to do if the version of a task were another.

    Args:
        repo: Whose draft and ledger.
        recipe: What the task is.
        plugins: Offers transforms.
        name: The task.
        version: The version.
        accept: The versions whose answers count then; those that count now if the new one is among them, else it alone.
        under_way: What is known of asks that no version waits for, and of the team.

    Raises:
        UserError: If there is no such task.
    """
    priced = as_version(find_task(recipe, name), version, accept=accept)
    raised = replace(recipe, tasks={**recipe.tasks, name: priced})
    draft = repo.view(DRAFT_REVISION)
    loader = Loader(raised, plugins)
    predictor = Predictor(repo, draft, loader)
    for node in iter_nodes(raised):
        forecast = predictor.forecast(node)
        if node.name == name:
            return plan_task(repo, loader, draft, priced, forecast, predictor.view, predictor.unknown.keys(), under_way)
    raise AssertionError(f"{name} is a task of the recipe")
