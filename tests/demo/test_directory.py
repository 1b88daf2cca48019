"""The demo's directory: refused when it holds anything, filled from the package."""

import pytest

from dsvc.demo.directory import RECIPE_FILES, add_documents, check_empty, edit_file, write_recipe
from dsvc.errors import UserError
from dsvc.repo.config import read_config
from tests.demo.documents import DATA


def test_new_and_empty_directories_are_accepted(tmp_path):
    """A directory that is not there yet, or that is empty, may hold the demo."""
    check_empty(tmp_path / "new")
    check_empty(tmp_path)


def test_directory_with_a_file_is_refused(tmp_path):
    """A directory that holds anything is refused by name, and told what to type instead."""
    (tmp_path / "mine.txt").touch()

    with pytest.raises(UserError, match="is not empty") as caught:
        check_empty(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "dsvc demo DIR" in caught.value.hint


def test_file_in_the_way_is_refused(tmp_path):
    """A path that is no directory is refused, a dangling link too."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")

    for name in ("file", "link"):
        with pytest.raises(UserError, match="is no directory"):
            check_empty(tmp_path / name)


def test_recipe_replaces_what_init_wrote(tmp_path):
    """The recipe and its Python files are written over a starter recipe, and dsvc keeps them, also within git."""
    (tmp_path / ".dsvc").mkdir()
    (tmp_path / ".dsvc" / "config.toml").write_text('recipe = "git"')
    (tmp_path / "dsvc.toml").write_text("# starter")
    write_recipe(tmp_path)

    assert {".dsvc", *RECIPE_FILES} == {path.name for path in tmp_path.iterdir()}
    assert "# starter" not in (tmp_path / "dsvc.toml").read_text()
    assert read_config(tmp_path / ".dsvc" / "config.toml").recipe == "dsvc"


def test_documents_are_copied_as_they_are(tmp_path):
    """A file of documents lands below documents/, byte for byte."""
    name = "scenes/2026-03.jsonl.gz"
    path = add_documents(tmp_path, name)

    assert tmp_path / "documents" / name == path
    assert (DATA / name).read_bytes() == path.read_bytes()


def test_edit_replaces_text_that_stands_once(tmp_path):
    """An edit that finds its text never, or twice, is refused and changes nothing."""
    path = tmp_path / "dsvc.toml"
    path.write_text("a = 1\nb = 1\n")
    edit_file(path, "a = 1", "a = 2")
    for text in ("c = 1", " = "):
        with pytest.raises(UserError, match="exactly once"):
            edit_file(path, text, "")

    assert path.read_text() == "a = 2\nb = 1\n"
