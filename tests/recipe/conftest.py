"""A directory to write recipes in."""

import textwrap

import pytest


class RecipeDirectory:
    """Writes files of a recipe and reads it."""

    def __init__(self, path):
        self.path = path

    def write(self, others=None, **files):
        """Write Python files by module name, or by path without suffix."""
        for name, text in {**(others or {}), **files}.items():
            path = self.path / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return self

    def toml(self, text, file="dsvc.toml"):
        """Write a TOML file."""
        path = self.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return self


@pytest.fixture(name="recipe")
def _recipe(tmp_path):
    path = tmp_path / "recipe"
    path.mkdir()
    return RecipeDirectory(path)
