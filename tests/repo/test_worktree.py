import pytest

from dsvc.errors import DirtyWorktreeError, ObjectFormatError
from dsvc.objects.encoding import put_object
from dsvc.objects.oid import Kind
from dsvc.objects.snapshot import Recipe
from dsvc.repo.worktree import (
    changed_files,
    check_free,
    hash_recipe,
    put_recipe,
    read_known,
    read_recipe,
    restore,
)

FILES = {"dsvc.toml": b"# recipe\n", "steps.py": b"x = 1\n", "sub/more.py": b""}


def test_a_recipe_survives_storing(repo):
    """What is stored is read again, and hashing alone gives the same id whatever the order."""
    writer = repo.new_writer()
    oid = put_recipe(writer, FILES)
    assert FILES == read_recipe(writer, oid)
    assert oid == hash_recipe(dict(reversed(FILES.items())))
    assert put_recipe(writer, {}) is None
    assert hash_recipe({}) is None
    assert {} == read_recipe(writer, None)


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/x", "a\0b"])
def test_a_recipe_does_not_lead_out_of_its_directory(repo, path):
    """A stored path that would be written elsewhere is refused when it is read."""
    writer = repo.new_writer()
    blob = put_object(writer, Kind.BLOB, b"")
    oid = put_object(writer, Kind.RECIPE, Recipe(((path, blob),)))
    with pytest.raises(ObjectFormatError, match="leads out"):
        read_recipe(writer, oid)


def test_changed_files():
    """New, gone and edited files are told apart; equal ones are not mentioned."""
    after = {"dsvc.toml": b"# other\n", "new.py": b"", "sub/more.py": b""}
    assert [("~", "dsvc.toml"), ("+", "new.py"), ("-", "steps.py")] == changed_files(FILES, after)


def test_restoring_writes_removes_and_leaves_alone(tmp_path):
    """The directory gets the target's files, loses those of the old recipe, and keeps all others."""
    restore(tmp_path, {}, FILES)
    (tmp_path / "notes.txt").write_text("mine")
    restore(tmp_path, FILES, {"dsvc.toml": b"# new\n"})
    assert {"dsvc.toml": b"# new\n"} == read_known(tmp_path, FILES)
    assert ["dsvc.toml", "notes.txt", "sub"] == sorted(path.name for path in tmp_path.iterdir())


def test_files_that_are_not_the_recipes_are_in_the_way(tmp_path):
    """A file that the target would overwrite is named, unless it is equal already."""
    (tmp_path / "steps.py").write_bytes(b"mine\n")
    with pytest.raises(DirtyWorktreeError, match=r"steps\.py"):
        check_free(tmp_path, {"dsvc.toml": b""}, FILES)
    (tmp_path / "steps.py").write_bytes(FILES["steps.py"])
    check_free(tmp_path, {"dsvc.toml": b""}, FILES)


def test_a_directory_in_a_files_place_is_no_file(tmp_path):
    """What is not a file there is read as missing."""
    (tmp_path / "steps.py").mkdir()
    assert {} == read_known(tmp_path, FILES)
