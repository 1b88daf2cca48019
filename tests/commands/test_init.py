"""`dsvc init`."""

import subprocess
from pathlib import Path


def test_init_makes_a_repository(shell):
    """The directory is made, with a store and a starter recipe, and the next step is named."""
    result = shell("init", "faces")

    assert Path("faces/.dsvc/format").exists()
    assert Path("faces/dsvc.toml").exists()
    assert "dsvc.toml" in result.err
    assert "faces" in result.out


def test_init_twice_is_refused(shell):
    """A repository is never made over another."""
    shell("init")

    assert "is a dsvc repository already" in shell("init", expect=1).err


def test_init_in_a_git_work_tree_leaves_the_recipe_to_git(shell):
    """`.dsvc/` is ignored by git, and the object says who keeps the recipe."""
    subprocess.run(["git", "init", "-q", "."], check=True)

    assert ["git"] == [item["recipe"] for item in shell.json("init")]
    assert ".dsvc/" in Path(".gitignore").read_text().split()


def test_command_outside_a_repository_has_its_own_status(shell):
    """Exit status 10, and the hint names `dsvc init`."""
    assert "dsvc init" in shell("status", expect=10).err
