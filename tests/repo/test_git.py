import shutil
import subprocess

import pytest

from dsvc.repo.base import BaseRepository
from dsvc.repo.git import find_work_tree, ignore_directory, read_git_state

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def git(tmp_path, monkeypatch):
    """A git work tree, and a function that runs git in it."""
    for name, value in (("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")):
        monkeypatch.setenv(name, value)

    def git(*words):
        command = ["git", "-C", tmp_path, "-c", "user.name=ann", "-c", "user.email=ann@example.org", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q", "-b", "main")
    return git


@pytest.fixture
def git_repo(git, tmp_path, clock):
    """A repository inside that work tree."""
    with BaseRepository.init(tmp_path, author="ann", clock=clock) as repo:
        yield repo


def test_init_leaves_the_recipe_to_git(git, git_repo, tmp_path):
    """Inside a work tree, `.dsvc/` is ignored and the recipe is git's."""
    assert "git" == git_repo.config.recipe
    assert ".dsvc/\n" == (tmp_path / ".gitignore").read_text()
    assert "dsvc.toml" in git("status", "--porcelain", "--untracked-files=all")
    assert ".dsvc/" not in git("status", "--porcelain", "--untracked-files=all")


def test_outside_of_git_nothing_is_ignored(repo):
    """Elsewhere dsvc keeps the recipe, and writes no .gitignore."""
    assert "dsvc" == repo.config.recipe
    assert not (repo.path / ".gitignore").exists()


@pytest.mark.parametrize("before, after", [("a", "a\n.dsvc/\n"), ("/.dsvc\n", "/.dsvc\n"), ("", ".dsvc/\n")])
def test_ignoring_adds_one_line_once(tmp_path, before, after):
    """What the file held stays, and a line that says so already is not repeated."""
    (tmp_path / ".gitignore").write_text(before)
    ignore_directory(tmp_path, ".dsvc")
    ignore_directory(tmp_path, ".dsvc")
    assert after == (tmp_path / ".gitignore").read_text()


def test_commits_note_gits_head_and_dirt(git, git_repo, tmp_path):
    """A commit says which git commit the recipe files were at, and whether they were all in it."""
    first = git_repo.commit("before git's first commit", allow_empty=True)
    assert (None, True) == (first.git_head, first.is_git_dirty)
    git("add", "-A")
    git("commit", "-q", "-m", "recipe")
    clean = git_repo.commit("clean", allow_empty=True)
    assert (git("rev-parse", "HEAD"), False) == (clean.git_head, clean.is_git_dirty)
    (tmp_path / "dsvc.toml").write_text("# edited\n")
    dirty = git_repo.commit("dirty")
    assert (clean.git_head, True) == (dirty.git_head, dirty.is_git_dirty)


def test_only_recipe_files_make_dirt(git, git_repo, tmp_path):
    """Other files of the work tree do not count, nor does anything where there is no recipe."""
    git("add", "-A")
    git("commit", "-q", "-m", "recipe")
    (tmp_path / "other.txt").write_text("not of the recipe")
    assert not read_git_state(tmp_path, ["dsvc.toml"]).is_dirty
    assert not read_git_state(tmp_path, []).is_dirty


def test_switch_and_checkout_leave_gits_files_alone(git, git_repo, tmp_path):
    """The recipe is neither restored nor an obstacle."""
    first = git_repo.commit("one", allow_empty=True)
    (tmp_path / "dsvc.toml").write_text("# edited\n")
    git_repo.commit("two")
    (tmp_path / "dsvc.toml").write_text("# edited again\n")
    git_repo.branch("old", first.id)
    git_repo.switch("old")
    git_repo.checkout_revision(first.id)
    assert "# edited again\n" == (tmp_path / "dsvc.toml").read_text()


def test_a_linked_work_tree_is_one(tmp_path):
    """A work tree of `git worktree` or a submodule has a file `.git`, and counts."""
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    (tmp_path / "a").mkdir()
    assert tmp_path == find_work_tree(tmp_path / "a")


def test_no_git_is_no_state(tmp_path, monkeypatch):
    """Where git cannot be run, nothing is noted."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_git_state(tmp_path, ["dsvc.toml"]) is None
