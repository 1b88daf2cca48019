"""The digest of a function: what changes it, what does not, and that it finds everything that can be reached."""

import pytest

from dsvc.errors import RecipeError
from dsvc.recipe.code import code_digest, is_inside, split_reference

STEPS = '''
import math
import numpy as np
from geometry import area, iou as overlap
import shapes.box
import unused_module

LIMIT = 10
OTHER = 20
TABLE = {"a": 1}

def helper(x):
    """Help."""
    return x * LIMIT

def not_reached(x):
    return x * OTHER

def face_area(boxes):
    """The step."""
    return helper(area(boxes)) + shapes.box.width(boxes) + TABLE["a"]
'''
GEOMETRY = """
FACTOR = 2
UNUSED = 3

def area(boxes):
    return sum(b["w"] * b["h"] * FACTOR for b in boxes)

def iou(a, b):
    return UNUSED
"""
BOX = """
def width(boxes):
    return max(b["w"] for b in boxes)

def height(boxes):
    return max(b["h"] for b in boxes)
"""


@pytest.fixture(name="example")
def _example(recipe):
    recipe.write({"shapes/__init__": "", "shapes/box": BOX}, steps=STEPS, geometry=GEOMETRY, unused_module="X = 1")
    return recipe


def digest(recipe, reference="steps:face_area"):
    """Return the digest of a function as hex."""
    return code_digest(reference, recipe.path).hex()


def test_the_digest_is_pinned(example):
    """It must not change, or every step written in Python would be made again."""
    assert "51e5903d3a615b0bf132b557b6a8213be1eecbe88b36975e8eb722d97ae29d85" == digest(example)


CHANGES = {
    "its own body": ("steps", "return helper(", "return 2 + helper("),
    "a helper in its file": ("steps", "return x * LIMIT", "return x + LIMIT"),
    "a constant of a helper": ("steps", "LIMIT = 10", "LIMIT = 11"),
    "a table": ("steps", '{"a": 1}', '{"a": 2}'),
    "an imported function": ("geometry", 'b["w"] * b["h"]', 'b["w"] + b["h"]'),
    "a constant of an imported function": ("geometry", "FACTOR = 2", "FACTOR = 2.0"),
    "a function of a submodule": ("shapes/box", 'return max(b["w"]', 'return min(b["w"]'),
    "what an import means": ("steps", "from geometry import area, iou", "from geometry import iou as area, iou"),
    "what importing a reached file does": ("geometry", "FACTOR = 2", "FACTOR = 2\nimport os\nos.environ['A'] = 'b'"),
    "what importing a package does": ("shapes/__init__", "", "import sys\nsys.setrecursionlimit(2000)"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_is_reached_counts(example, case):
    """A change of anything that the function can reach by name is another step."""
    file, before, after = CHANGES[case]
    first = digest(example)
    path = example.path / f"{file}.py"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1) if before else after)

    assert first != digest(example)


NO_CHANGES = {
    "a comment": ("steps", "return helper(", "return helper( # why\n"),
    "a docstring": ("steps", '"""Help."""', '"""Another."""'),
    "a blank line": ("steps", "LIMIT = 10", "\n\nLIMIT = 10"),
    "a function that is not reached": ("steps", "return x * OTHER", "return x / OTHER"),
    "a constant that is not reached": ("steps", "OTHER = 20", "OTHER = 21"),
    "a new function": ("steps", "LIMIT = 10", "def new(): pass\nLIMIT = 10"),
    "a function of an imported file that is not reached": ("geometry", "return UNUSED", "return 7"),
    "a function of a submodule that is not reached": ("shapes/box", 'return max(b["h"]', 'return min(b["h"]'),
    "an import that is not reached": ("steps", "import numpy as np", "import numpy as numpy_\nx = numpy_.pi"),
    "what runs as a program only": ("geometry", "UNUSED = 3", "UNUSED = 3\nif __name__ == '__main__': print(1)"),
    "a file that is imported and does nothing": ("unused_module", "X = 1", "X = 2"),
    "the order of definitions that are not reached": ("geometry", "UNUSED = 3", "UNUSED = 4"),
}


@pytest.mark.parametrize("case", NO_CHANGES)
def test_what_is_not_reached_does_not(example, case):
    """Nothing else makes records again."""
    file, before, after = NO_CHANGES[case]
    first = digest(example)
    path = example.path / f"{file}.py"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))

    assert first == digest(example)


# Each: files, and a change that must count, as (file, before, after).
REACHED = {
    "a method of a class": (
        {"steps": "class A:\n def m(self): return 1\ndef f(x): return A().m()"},
        ("steps", "return 1", "return 2"),
    ),
    "a base class in another file": (
        {"steps": "from base import B\nclass A(B): pass\ndef f(x): return A()", "base": "class B:\n x = 1"},
        ("base", "x = 1", "x = 2"),
    ),
    "a decorator": (
        {"steps": "def twice(g): return lambda x: 2 * g(x)\n@twice\ndef f(x): return x"},
        ("steps", "2 * g", "3 * g"),
    ),
    "a default": ({"steps": "N = 1\ndef f(x, n=N): return n"}, ("steps", "N = 1", "N = 2")),
    "a branch that binds": (
        {
            "steps": "try:\n  from fast import g\nexcept ImportError:\n  from slow import g\ndef f(x): return g(x)",
            "slow": "def g(x): return 1",
        },
        ("slow", "return 1", "return 2"),
    ),
    "a module in a branch": (
        {
            "steps": "try:\n  import slow as m\nexcept ImportError:\n  m = None\ndef f(x): return m.g(x)",
            "slow": "def g(x): return 1",
        },
        ("slow", "return 1", "return 2"),
    ),
    "a rebinding": ({"steps": "N = 1\nN = N + 1\ndef f(x): return N"}, ("steps", "N + 1", "N + 2")),
    "an item set at the top level": ({"steps": "T = {}\nT['a'] = 1\ndef f(x): return T"}, ("steps", "= 1", "= 2")),
    "a call at the top level": (
        {"steps": "T = []\nT.append(1)\ndef f(x): return T"},
        ("steps", "append(1)", "append(2)"),
    ),
    "a registry": (
        {"steps": "R = {}\ndef keep(g): R[g.__name__] = g\n@keep\ndef a(x): return 1\ndef f(x): return R['a'](x)"},
        ("steps", "return 1", "return 2"),
    ),
    "a registry by subclass": (
        {"steps": "class B:\n R = []\n def __init_subclass__(c): B.R += [c]\nclass A(B): x = 1\ndef f(x): return B.R"},
        ("steps", "x = 1", "x = 2"),
    ),
    "a value kept by a call": (
        {"steps": "R = []\ndef keep(v): R.append(v)\n_ = keep(1)\ndef f(x): return R"},
        ("steps", "keep(1)", "keep(2)"),
    ),
    "a global that a function sets": (
        {"steps": "N = 1\ndef g():\n global N\n N = 2\ndef f(x):\n g()\n return N"},
        ("steps", "N = 2", "N = 3"),
    ),
    "an import inside": (
        {"steps": "def f(x):\n from m import g\n return g(x)", "m": "def g(x): return 1"},
        ("m", "return 1", "return 2"),
    ),
    "a module imported inside": (
        {"steps": "def f(x):\n import m\n return m.g(x)", "m": "def g(x): return 1"},
        ("m", "return 1", "return 2"),
    ),
    "a module handed on": (
        {"steps": "import m\ndef g(module): return module.x\ndef f(x): return g(m)", "m": "x = 1"},
        ("m", "x = 1", "x = 2"),
    ),
    "an attribute by name": (
        {"steps": "import m\ndef f(x): return getattr(m, x)", "m": "x = 1\ny = 1"},
        ("m", "y = 1", "y = 2"),
    ),
    "globals": ({"steps": "y = 1\ndef f(x): return globals()[x]"}, ("steps", "y = 1", "y = 2")),
    "a star": (
        {"steps": "from m import *\ndef f(x): return g(x)", "m": "def g(x): return 1"},
        ("m", "return 1", "return 2"),
    ),
    "stars in a circle": (
        {"steps": "from m import *\ndef f(x): return g(x)", "m": "from steps import *\ndef g(x): return 1"},
        ("m", "return 1", "return 2"),
    ),
    "a re-export": (
        {"steps": "from m import g\ndef f(x): return g(x)", "m": "from n import h as g", "n": "def h(x): return 1"},
        ("n", "return 1", "return 2"),
    ),
    "a chain through modules": (
        {"steps": "import m\ndef f(x): return m.n.h(x)", "m": "import n", "n": "def h(x): return 1"},
        ("n", "return 1", "return 2"),
    ),
    "a relative import": (
        {
            "p/__init__": "",
            "p/steps": "from .m import g\ndef f(x): return g(x)",
            "p/m": "def g(x): return 1",
            "steps": "from p.steps import f",
        },
        ("p/m", "return 1", "return 2"),
    ),
    "a submodule taken from a package": (
        {"p/__init__": "", "p/m": "def g(x): return 1", "steps": "from p import m\ndef f(x): return m.g(x)"},
        ("p/m", "return 1", "return 2"),
    ),
    "a submodule without a package file": (
        {"q/m": "def g(x): return 1", "steps": "from q import m\ndef f(x): return m.g(x)"},
        ("q/m", "return 1", "return 2"),
    ),
    "a name that a package re-exports": (
        {"p/__init__": "from .m import g", "p/m": "def g(x): return 1", "steps": "import p\ndef f(x): return p.g(x)"},
        ("p/m", "return 1", "return 2"),
    ),
    "an import by a literal": (
        {"steps": "import importlib\ndef f(x): return importlib.import_module('m').g(x)", "m": "def g(x): return 1"},
        ("m", "return 1", "return 2"),
    ),
    "a module's own __getattr__": (
        {"steps": "import m\ndef f(x): return m.anything", "m": "def __getattr__(name): return 1"},
        ("m", "return 1", "return 2"),
    ),
    "a name used before a local of the same name": (
        {"steps": "N = 1\ndef f(x): return [N for N in range(N)]"},
        ("steps", "N = 1", "N = 2"),
    ),
    "a file that patches": (
        {"steps": "import patches\nimport m\ndef f(x): return m.x", "m": "x = 1", "patches": "import m\nm.x = 5"},
        ("patches", "m.x = 5", "m.x = 6"),
    ),
}


@pytest.mark.parametrize("case", REACHED)
def test_every_way_to_reach_counts(recipe, case):
    """Through classes, decorators, branches, registries, imports of all forms, and names known at run time only."""
    files, (file, before, after) = REACHED[case]
    recipe.write(files)
    first = digest(recipe, "steps:f")
    assert before in files[file]
    recipe.write({**files, file: files[file].replace(before, after, 1)})

    assert first != digest(recipe, "steps:f")


def test_a_local_name_hides_a_top_level_one(recipe):
    """What only looks like a use is none."""
    text = "N = 1\ndef n(): return 1\ndef f(N, x):\n n = 2\n return [n + N for n in x]"
    first = digest(recipe.write(steps=text), "steps:f")

    assert first == digest(
        recipe.write(steps=text.replace("N = 1", "N = 2").replace("return 1", "return 2")), "steps:f"
    )


def test_a_file_of_the_recipe_hides_an_installed_module(recipe):
    """As it does when it is loaded."""
    files = {"steps": "import json\ndef f(x): return json.g(x)", "json": "def g(x): return 1"}
    first = digest(recipe.write(files), "steps:f")

    assert first != digest(recipe.write({**files, "json": "def g(x): return 2"}), "steps:f")


def test_where_the_directory_lies_does_not_count(recipe, tmp_path):
    """The same files elsewhere are the same step."""
    recipe.write(steps="def f(x): return x")
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "steps.py").write_text("def f(x): return x")

    assert code_digest("steps:f", recipe.path) == code_digest("steps:f", other)


def test_a_computed_import_cannot_be_followed(recipe):
    """It is refused, with what to do instead."""
    recipe.write(
        steps="import m\ndef f(x): return m.g(x)",
        m="\nfrom importlib import import_module\ndef g(x): return import_module(x)",
    )

    with pytest.raises(RecipeError) as caught:
        digest(recipe, "steps:f")

    assert ("m.py", 3) == (caught.value.file, caught.value.line)
    assert "declare `version`" in caught.value.hint


@pytest.mark.parametrize(
    "reference,message",
    [
        ("gone:f", "gone.py: gone:f: expected a Python file beside dsvc.toml, found none"),
        ("a.b:f", "a/b.py: a.b:f: expected a Python file beside dsvc.toml, found none"),
        ("steps:g", "steps.py: steps:g: expected a definition of 'g', found none"),
    ],
)
def test_what_is_not_there_is_named(recipe, reference, message):
    """File and function."""
    recipe.write(steps="def f(x): return x")

    with pytest.raises(RecipeError) as caught:
        digest(recipe, reference)

    assert message == str(caught.value)


def test_references_are_taken_apart(recipe):
    """A module of the recipe is told from an installed one."""
    recipe.write(steps="")

    assert ("a.b", "f") == split_reference("a.b:f")
    assert is_inside("steps:f", recipe.path)
    assert not is_inside("json:loads", recipe.path)
