"""The Python files of a recipe, as their syntax tells."""

import pytest

from dsvc.errors import RecipeError
from dsvc.recipe.modules import ImportedName, Module, Modules, is_main_block, reached_files


def test_modules_are_files_of_the_directory(recipe, tmp_path):
    """A file, a package, a file in a directory without `__init__`; nothing outside, and no directory alone."""
    (tmp_path / "outside.py").write_text("")
    recipe.write({"package/__init__": "", "package/inner": "", "plain/inner": ""}, steps="")
    (recipe.path / "link.py").symlink_to(tmp_path / "outside.py")
    modules = Modules(recipe.path)
    names = ["steps", "package", "package.inner", "plain.inner", "plain", "link", "os", "", ".steps", "steps."]

    assert ["steps.py", "package/__init__.py", "package/inner.py", "plain/inner.py"] == [
        module.file for module in map(modules.find, names) if module
    ]
    assert ["package", "package"] == [modules.find(name).package for name in ("package", "package.inner")]


def test_imports_are_absolute(recipe):
    """Relative ones are resolved by the package that they are in."""
    text = """
        import a
        import a.b
        import a.b as c
        from d import e as f, g
        from . import h
        from .i import j
        from ..k import *
    """
    recipe.write({"x/y/__init__": text, "x/y/z": text})
    modules = Modules(recipe.path)
    plain = [
        ImportedName("a", "a"),
        ImportedName("a", "a.b", None, is_first_part=True),
        ImportedName("c", "a.b"),
        ImportedName("f", "d", "e"),
        ImportedName("g", "d", "g"),
        ImportedName("h", "x.y", "h"),
        ImportedName("j", "x.y.i", "j"),
        ImportedName("*", "x.k", "*"),
    ]

    assert plain == list(modules.find("x.y").iter_imports())
    assert plain == list(modules.find("x.y.z").iter_imports())


def test_names_are_bound_by_statements(recipe):
    """By definitions, assignments of all forms, and whatever is inside of a compound statement."""
    recipe.write(
        steps="""
        A, (B, *C) = 1, (2, 3)
        D: int = 1
        D += 1
        def f(inner): local = 1
        class G: attribute = 1
        if A:
            H = 1
        else:
            from m import I
        for J in C: pass
        with open("x") as K: L = [M for M in C]
        try: pass
        except Exception as N: pass
        match A:
            case {"x": O, **P}: pass
            case [Q, *R]: pass
        print(S := 1, [T := 2 for _ in C])
        x.y = 1
        if __name__ == "__main__":
            U = 1
        """
    )
    bindings = Modules(recipe.path).find("steps").bindings

    assert set("ABCDfGHIJKLNOPQRST") == set(bindings)
    assert 2 == len(bindings["D"])


@pytest.mark.parametrize(
    "text,is_main",
    [
        ('if __name__ == "__main__": f()', True),
        ('if __name__ == "__main__": f()\nelse: g()', False),
        ('if __name__ != "__main__": f()', False),
        ("if x: f()", False),
    ],
)
def test_the_main_block_is_known(recipe, text, is_main):
    """It never runs on import."""
    recipe.write(steps=text)

    assert is_main == is_main_block(Modules(recipe.path).find("steps").body[0])


def test_broken_python_is_placed(recipe):
    """File, line and the parser's reason."""
    recipe.write({"a/b": "x = 1\ndef f(:\n"})

    with pytest.raises(RecipeError) as caught:
        _ = Modules(recipe.path).find("a.b").body

    assert ("a/b.py", 2, "Python") == (caught.value.file, caught.value.line, caught.value.expected)


def test_reached_files_survive_circles(recipe):
    """Files that import each other are listed once."""
    recipe.write(a="import b", b="from a import x\nimport c.d", other="")
    recipe.write({"c/__init__": "import b", "c/d": ""})

    assert {"a.py", "b.py", "c/__init__.py", "c/d.py"} == {
        path.relative_to(recipe.path).as_posix() for path in reached_files(recipe.path, ["a"])
    }


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """Rights are a reason, and so is a link that leads to itself."""
    path = tmp_path / "steps.py"
    path.symlink_to(path)

    with pytest.raises(RecipeError, match=r"steps\.py: steps: expected a file that can be read, found Too many levels"):
        _ = Module("steps", path, tmp_path).body
