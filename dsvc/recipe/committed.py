"""The recipe of a version: its files, laid out for as long as they are needed, and loaded as they were."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dsvc.plugins.manager import Plugins
from dsvc.recipe.files import RECIPE_FILE
from dsvc.recipe.load import load_recipe
from dsvc.recipe.spec import Recipe
from dsvc.repo.view import View


@contextmanager
def open_recipe(view: View, plugins: Plugins | None) -> Iterator[Recipe]:
    """Give the recipe that a version was committed with; an empty one where it had none.

    Its directory is a copy of the committed files, private to the caller, and gone when the context ends.

    Args:
        view: A version; of a draft, the recipe of its last commit.
        plugins: Checks the options of feeds and transforms; without it they are taken as written.

    Raises:
        RecipeError: If the plugins of this environment do not know what it says.
        PluginNotFoundError: If one that it names is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="dsvc-recipe-") as name:
        directory = Path(name)
        files = view.recipe_files()
        for path, content in files.items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        if RECIPE_FILE not in files:
            yield Recipe(directory)
            return
        yield load_recipe(directory, plugins=plugins, also_known=list(view.signals))
