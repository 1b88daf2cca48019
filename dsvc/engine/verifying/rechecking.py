"""Whether the draft's derived records come out as they are when they are made again.

What is current is executed whole, without a look at what was made before, and compared. Nothing is replaced: where a
record comes out otherwise, the stored one stays, and both are told and noted.
"""

from __future__ import annotations

from collections.abc import Collection

from dsvc.engine.making.report import ProgressCall
from dsvc.engine.verifying.rederive import Rederiving
from dsvc.engine.verifying.reproduce import ROWS, Reproduction, note_divergences
from dsvc.plugins.manager import Plugins
from dsvc.recipe.nodes import node_names
from dsvc.recipe.spec import Recipe
from dsvc.repo.base import BaseRepository
from dsvc.repo.refs import DRAFT_REVISION

COMMAND = "run --check"


def check(
    repo: BaseRepository,
    recipe: Recipe,
    plugins: Plugins,
    *,
    only: Collection[str] | None = None,
    rows: int = ROWS,
    progress: ProgressCall | None = None,
) -> Reproduction:
    """Execute what the draft holds again, and compare; what is stale is told as such.

    Args:
        repo: Whose draft.
        recipe: What made it.
        plugins: Offers transforms.
        only: Names of steps and datasets; all of the recipe by default.
        rows: Differing records to tell of, of each part.
        progress: Told how far each part is.
    """
    view = repo.view(DRAFT_REVISION)
    steps = [name for name in node_names(recipe) if only is None or name in only]
    datasets = [name for name in recipe.datasets if only is None or name in only]
    work = Rederiving(repo, view, recipe, plugins, rows, progress)
    parts = tuple(work.iter_all(steps, datasets))
    note_divergences(repo, parts, command=COMMAND)
    return Reproduction(DRAFT_REVISION, view.commit_id, view.root_id, None, parts)
