"""Loading functions: fresh each time, imports among the recipe's files, and nothing left behind."""

import sys
import threading

import pytest

from dsvc.errors import RecipeError
from dsvc.recipe.python import Namespace, load_function


def test_a_function_is_loaded(recipe):
    """From a file beside dsvc.toml, or in a package of it."""
    recipe.write({"p/q": "def g(x): return x + 2"}, steps="def f(x): return x + 1")

    assert 2 == load_function("steps:f", recipe.path)(1)
    assert 3 == load_function("p.q:g", recipe.path)(1)


def test_files_of_a_recipe_import_each_other(recipe):
    """Absolutely, relatively, in a circle, by name, by star, whole, and later, inside a function."""
    recipe.write(
        {
            "p/__init__": "from .one import value\nfrom . import two\n",
            "p/one": "value = 1",
            "p/two": "from .one import *\nfrom .. import nothing_there\n"
            if False
            else "from .one import *\ndouble = value * 2",
            "q/three": "import p.two as two\nthree = two.double + 1",
        },
        steps="""
        import p
        import p.two
        import other
        from q import three
        from q.three import three as number

        LIMIT = 10

        def f(x):
            import late
            from late import value as again
            return x + p.value + p.two.double + three.three + number + other.limit() + late.value + again
        """,
        other="import steps\ndef limit(): return steps.LIMIT",
        late="value = 100",
    )
    function = load_function("steps:f", recipe.path)

    assert 0 + 1 + 2 + 3 + 3 + 10 + 100 + 100 == function(0)


def test_nothing_is_left_behind(recipe):
    """Neither modules, nor a path, nor bytecode, whether loading succeeds or fails."""
    recipe.write(steps="import other\ndef f(x): return x", other="", broken="import other\n1 / 0")
    before = dict(sys.modules), list(sys.path)
    load_function("steps:f", recipe.path)(1)
    with pytest.raises(RecipeError):
        load_function("broken:f", recipe.path)

    assert before == (dict(sys.modules), list(sys.path))
    assert [] == list(recipe.path.rglob("*.pyc"))


def test_two_directories_do_not_mix(recipe, tmp_path):
    """Each function sees its own files, also when it imports later."""
    other = tmp_path / "other"
    other.mkdir()
    for path, value in ((recipe.path, 1), (other, 2)):
        (path / "steps.py").write_text("def f(x):\n    import values\n    return values.value")
        (path / "values.py").write_text(f"value = {value}")
    first, second = load_function("steps:f", recipe.path), load_function("steps:f", other)

    assert [1, 2, 1] == [first(0), second(0), first(0)]


def test_an_edit_is_seen_by_the_next_load(recipe):
    """And not by functions loaded before it."""
    first = load_function("steps:f", recipe.write(steps="def f(x): return 1").path)
    second = load_function("steps:f", recipe.write(steps="def f(x): return 2").path)

    assert [1, 2] == [first(0), second(0)]


def test_a_namespace_runs_a_file_once(recipe):
    """Functions of one namespace share the state of their modules."""
    recipe.write(
        steps="import count\ndef f(x): count.n += 1; return count.n",
        more="import count\ndef g(x): return count.n",
        count="n = 0",
    )
    namespace = Namespace(recipe.path)
    first, second = namespace.load("steps:f"), namespace.load("more:g")

    assert [1, 2, 2] == [first(0), first(0), second(0)]


def test_a_file_of_the_recipe_comes_first(recipe):
    """Before an installed module of the same name, for the recipe's own files only."""
    import json

    recipe.write(steps="import json, os.path\ndef f(x): return json.mine, os.path.sep", json="mine = 1")

    assert (1, "/") == load_function("steps:f", recipe.path)(0)
    assert sys.modules["json"] is json


def test_an_installed_function_may_be_named(recipe):
    """It counts by the version that the step declares."""
    assert {"a": 1} == load_function("json:loads", recipe.path)('{"a": 1}')


def test_classes_that_look_up_their_module_work(recipe):
    """Dataclasses with deferred annotations, enumerations and named tuples."""
    recipe.write(
        steps="""
        from __future__ import annotations
        import enum, typing
        from dataclasses import dataclass, field

        class Color(enum.Enum):
            RED = 1

        class Pair(typing.NamedTuple):
            a: int
            b: "Color"

        @dataclass
        class Box:
            x: int
            pair: Pair = field(default_factory=lambda: Pair(1, Color.RED))

        def f(x):
            return Box(x).pair.b.name, Box(x).x
        """
    )

    assert ("RED", 5) == load_function("steps:f", recipe.path)(5)


def test_loading_from_several_threads(recipe):
    """A file runs once for a namespace, whoever asks first."""
    recipe.write(steps="import slow\ndef f(x): return slow.runs", slow="import time\ntime.sleep(0.05)\nruns = [1]")
    namespace = Namespace(recipe.path)
    found = []
    threads = [threading.Thread(target=lambda: found.append(namespace.load("steps:f")(0))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 4 == len(found)
    assert 1 == len({id(runs) for runs in found})


@pytest.mark.parametrize(
    "steps,reference,file,line,found",
    [
        ("", "gone:f", "gone.py", None, "neither"),
        ("", "p.gone:f", "p/gone.py", None, "neither"),
        ("", "steps:f", "steps.py", None, "nothing of that name"),
        ("f = 1", "steps:f", "steps.py", None, "int"),
        ("x = 1\ny = 1 / 0\ndef f(x): pass", "steps:f", "steps.py", 2, "ZeroDivisionError: division by zero"),
        ("x = 1\ndef f(:\n", "steps:f", "steps.py", 2, None),
        ("\nimport missing_thing\ndef f(x): pass", "steps:f", "steps.py", 2, "No module named 'missing_thing'"),
        ("\nimport other\n", "steps:f", "other.py", 3, "ValueError: no"),
        ("from . import other\n", "steps:f", "steps.py", 1, "ImportError"),
    ],
)
def test_what_cannot_be_loaded_is_placed(recipe, steps, reference, file, line, found):
    """The innermost line of the recipe's own files, and the original error as the cause."""
    recipe.write(steps=steps, other="\n\nraise ValueError('no')")

    with pytest.raises(RecipeError) as caught:
        load_function(reference, recipe.path)

    assert (file, line, reference) == (caught.value.file, caught.value.line, caught.value.key)
    assert found is None or found in caught.value.found


def test_a_file_that_failed_is_tried_again(recipe):
    """A half-run module is not kept."""
    recipe.write(steps="import flag\nif flag.broken: raise ValueError('no')\ndef f(x): return 1", flag="broken = True")
    namespace = Namespace(recipe.path)
    with pytest.raises(RecipeError):
        namespace.load("steps:f")
    namespace._modules["flag"].broken = False

    assert 1 == namespace.load("steps:f")(0)
