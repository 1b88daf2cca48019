"""The files of a recipe: what is read, merged, and kept by a commit."""

import subprocess
import sys

import pytest

from dsvc.errors import MissingFileError, RecipeError
from dsvc.recipe.files import iter_files, merge_files, recipe_files


def test_a_commit_keeps_what_the_recipe_reaches(recipe):
    """dsvc.toml, its includes, and the Python files in the directory that its functions are in or import."""
    recipe.toml('include = ["parts/steps.toml"]\n[signal.s]\nformats = { "<2" = "formats:old", "<1" = "gone:old" }\n')
    recipe.toml(
        '[step.a]\npython = "steps:area"\n[step.b]\npython = "installed.module:f"\n'
        '[task.t]\nformats = { "<2" = "answers:old" }\n',
        "parts/steps.toml",
    )
    recipe.write(
        {
            "shapes/__init__": "",
            "shapes/geometry": "from .points import *\nimport steps\n",
            "shapes/points": "",
            "shapes/unused": "",
            "lazy/inner": "from .. import nothing\n",
        },
        steps="import numpy\nfrom shapes import geometry\n\ndef area(x):\n    import lazy.inner\n",
        formats="",
        answers="",
        other="",
    )

    assert [
        "answers.py",
        "dsvc.toml",
        "formats.py",
        "lazy/inner.py",
        "parts/steps.toml",
        "shapes/__init__.py",
        "shapes/geometry.py",
        "shapes/points.py",
        "steps.py",
    ] == list(recipe_files(recipe.path))


def test_files_are_kept_byte_for_byte(recipe):
    """Whatever their line ends."""
    (recipe.path / "dsvc.toml").write_bytes(b'[step.a]\r\npython = "steps:f"\r\n')
    (recipe.path / "steps.py").write_bytes(b"def f(): pass\r\n")

    assert b"def f(): pass\r\n" == recipe_files(recipe.path)["steps.py"]
    assert b'[step.a]\r\npython = "steps:f"\r\n' == recipe_files(recipe.path)["dsvc.toml"]


def test_broken_python_is_kept_as_it_is(recipe):
    """A commit of a draft does not need its code to run."""
    recipe.toml('[step.a]\npython = "steps:f"\n').write(steps="def f(:\n")

    assert ["dsvc.toml", "steps.py"] == list(recipe_files(recipe.path))


def test_files_outside_of_the_directory_are_not_kept(recipe, tmp_path):
    """Neither through a link nor through a relative import."""
    (tmp_path / "outside.py").write_text("")
    recipe.toml('[step.a]\npython = "linked:f"\n').write(inside="from .. import outside\n")
    (recipe.path / "linked.py").symlink_to(tmp_path / "outside.py")

    assert ["dsvc.toml"] == list(recipe_files(recipe.path))


def test_no_recipe_is_no_files(tmp_path):
    """A repository need not have one."""
    assert {} == recipe_files(tmp_path)


def test_includes_are_relative_to_the_file_and_read_once(recipe):
    """Also when files include each other."""
    recipe.toml('include = ["a/one.toml", "two.toml"]\n')
    recipe.toml('include = ["../two.toml", "inner.toml"]\n', "a/one.toml")
    recipe.toml('include = ["a/one.toml", "dsvc.toml"]\n', "two.toml")
    recipe.toml("", "a/inner.toml")

    assert ["dsvc.toml", "a/one.toml", "two.toml", "a/inner.toml"] == [file for file, _, _ in iter_files(recipe.path)]


def test_sections_merge_over_files(recipe):
    """Each key keeps its own file and line."""
    recipe.toml('include = ["more.toml"]\n[step.a]\nsql = "x"\n').toml('\n[step.b]\nsql = "y"\n', "more.toml")
    content, places = merge_files(recipe.path)

    assert {"step": {"a": {"sql": "x"}, "b": {"sql": "y"}}} == content
    assert ("dsvc.toml", 3) == places["step", "a", "sql"]
    assert ("more.toml", 3) == places["step", "b", "sql"]


def test_a_table_is_written_once(recipe):
    """Two files that say the same are told of each other."""
    recipe.toml('include = ["more.toml"]\n[step.a]\nsql = "x"\n').toml('[step.a]\nsql = "y"\n', "more.toml")

    with pytest.raises(RecipeError) as caught:
        merge_files(recipe.path)

    assert "more.toml:1: step.a: expected each table once, found it again, after dsvc.toml:2" == str(caught.value)


@pytest.mark.parametrize("include", ['"a.toml"', "[1]", '["../a.toml"]', '["/etc/hostname"]', '["a/../../b.toml"]'])
def test_includes_stay_inside(recipe, include):
    """They are part of what a commit keeps and a checkout restores."""
    recipe.toml(f"\ninclude = {include}\n")

    with pytest.raises(RecipeError) as caught:
        recipe_files(recipe.path)

    assert ("dsvc.toml", 2, "include") == (caught.value.file, caught.value.line, caught.value.key)


def test_a_missing_include_is_named(recipe):
    """With its path."""
    recipe.toml('include = ["gone.toml"]\n')

    with pytest.raises(MissingFileError, match=r"gone\.toml does not exist"):
        recipe_files(recipe.path)


@pytest.mark.parametrize(
    "content,message",
    [
        (b"a = 1\nb = \n", "dsvc.toml:2: no TOML: Invalid value"),
        (b"[a\n", "dsvc.toml:1: no TOML: "),
        (b"a = 1\na = 2\n", "dsvc.toml:2: no TOML: Cannot overwrite a value"),
        (b'a = 1\nb = "x\n', "dsvc.toml:2: no TOML: "),
        (b"a = 1\nb = '''x\n\n", "dsvc.toml:3: no TOML: "),
        (b"a = '\xff'\n", "dsvc.toml:1: text: expected UTF-8, found a byte that is none"),
    ],
)
def test_what_is_no_toml_is_placed(recipe, content, message):
    """File and line, and the parser's reason."""
    (recipe.path / "dsvc.toml").write_bytes(content)

    with pytest.raises(RecipeError) as caught:
        recipe_files(recipe.path)

    assert str(caught.value).startswith(message)


def test_files_are_found_without_anything_heavy():
    """Status and commit look at them, and load neither Arrow nor an engine for it."""
    code = (
        "import sys, dsvc.recipe.files; print(*{'pyarrow', 'numpy', 'duckdb', 'pluggy', 'msgspec'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "" == done.stdout.strip()


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """As here, where a link leads to itself; rights are another reason."""
    (tmp_path / "dsvc.toml").symlink_to("dsvc.toml")

    with pytest.raises(RecipeError, match=r"dsvc\.toml: text: expected a file that can be read, found Too many levels"):
        merge_files(tmp_path)
