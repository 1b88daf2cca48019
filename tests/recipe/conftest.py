"""A directory to write recipes in."""

import textwrap

import pytest


class RecipeDirectory:
    """Writes files of a recipe and reads it."""

    def __init__(self, path):
        self.path = path

    def write(self, **files):
        """Write files by name; `__` stands for a slash, and a name without a suffix is Python."""
        for name, text in files.items():
            path = self.path / f"{name.replace('__', '/')}.py"
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
