"""Syntax trees as lists: what counts, what does not, and that every version of Python gives the same."""

import ast
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dsvc.recipe.tree_digest import FIELDS, UnknownSyntaxError, encode_constant, encode_node

# Every statement and expression of Python 3.11. A step's identity hangs on these digests.
SOURCE = '''
"""A docstring."""
from __future__ import annotations
import numpy as np, os.path
from . import geometry as g
from m import *

@decorated(1, *a, key=2, **k)
def f(a, /, b: int = 1, *c, d, e=2.5, **f) -> list[int]:
    """Another."""
    global x
    return [a, (b, *c), {d: e, **f}, {1, 2}, -a, not b, a if b else c, a < b <= c is not d not in e]

async def h(x):
    async with x as y, z: await y
    async for i in x:
        yield i
    else:
        pass
    return

def generator():
    x = yield
    yield from (i async for i in x if i if not i)
    def inner():
        nonlocal x
        x = 1
    del x, x[0], x.y

class A(B, metaclass=M):
    """A class's."""
    field: int
    (other): int = 1
    x = y = 3

    def m(self): "only a docstring"

def texts(x, w):
    return (f"{x:}", f"a{x}b" "c", f"", f"{x!r:>{w}}", f"{x=}", f"{x:a{w}b}", "a" f"b", f"{'q'}", f"a{{b}}", u"u", b"b")

NUMBERS = [0, 123456789012345678901234567890, 1.0, -0.0, 1e308, 2j, True, None, ..., "\\ud800", "ü", 0x10, 1_000]

for i in range(3):
    if i: continue
    elif not i: break
    else: pass
else:
    while True:
        i += 1; i @= 2; i //= 3; i **= 4; i >>= 1; i <<= 1
        i &= 1; i |= 1; i ^= 1; i %= 2; i -= 1; i *= 2; i /= 2

try:
    raise E from e
except (A, B) as err:
    assert err, "why"
except C: pass
else: x
finally: y

try: pass
except* D: pass

match p:
    case 1 | -2 | "s" | None | True: pass
    case [a, *rest] if a: pass
    case {"k": v, **more}: pass
    case C(1, x=2) as c: pass
    case a.b: pass
    case _: pass

lambda a, *b, c=1, **d: (y := a[1:2, ::3, ...])
[x for x in y for z in x if z]
{k: v for k, v in x}
{x for x in y}
x and y or z
+x, ~x, x << 1, x & y | z ^ w, x @ y, x // y, x % y
'''

GOLDEN = "1432294012bf"


def digest(source):
    """Return a short hash of all statements of a text, by the standard library alone."""
    encoded = [encode_node(statement) for statement in ast.parse(source).body]
    return hashlib.sha256(json.dumps(encoded, default=bytes.hex).encode()).hexdigest()[:12]


def test_the_digest_is_pinned():
    """It must not change, or every step written in Python would be made again."""
    assert GOLDEN == digest(SOURCE)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14", "3.15"])
def test_every_python_gives_the_same(version, tmp_path):
    """Whatever other interpreters this machine has are asked too."""
    python = shutil.which(f"python{version}")
    if python is None or subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip(f"no Python {version} here")
    (tmp_path / "source.py").write_text(SOURCE)
    code = (
        "import ast, hashlib, json, sys; from dsvc.recipe.tree_digest import encode_node; "
        "encoded = [encode_node(s) for s in ast.parse(open(sys.argv[1]).read()).body]; "
        "print(hashlib.sha256(json.dumps(encoded, default=bytes.hex).encode()).hexdigest()[:12])"
    )
    done = subprocess.run(
        [python, "-c", code, tmp_path / "source.py"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={"PYTHONDONTWRITEBYTECODE": "1"},
    )

    assert GOLDEN == done.stdout.strip()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="syntax of Python 3.12")
def test_newer_syntax_is_known():
    """Type parameters and type aliases count."""
    assert digest("def f[T: int](x: T): pass") != digest("def f(x: T): pass")
    assert digest("type X[T] = list[T]") != digest("type X[T] = set[T]")


SAME = {
    "white space": ("def f(x):\n    return x+1", "def f( x ) :\n\n  return (x + 1)  # why\n"),
    "docstrings": ('def f(x):\n    """Why."""\n    return x', "def f(x):\n    return x"),
    "class docstrings": ('class A:\n    """Why."""\n    x = 1', "class A:\n    x = 1"),
    "spelling of numbers": ("X = 1000 + 0x10", "X = 1_000 + 16"),
    "spelling of texts": ("X = 'a' u'b' r'c'", 'X = "abc"'),
    "parts of f-strings": ("X = f'a' 'b' f'{x:}'", "X = f'ab{x}'"),
    "type comments": ("x = [] # type: list[int]", "x = []"),
}


@pytest.mark.parametrize("case", SAME)
def test_what_does_not_count(case):
    """Nothing that cannot change a value."""
    first, second = SAME[case]

    assert digest(first) == digest(second)


DIFFERENT = [
    "X = 1",
    "X = 1.0",
    "X = True",
    "X = '1'",
    "X = b'1'",
    "X = 0.0",
    "X = -0.0",
    "X = f'1'",
    "Y = 1",
    "X: int = 1",
    "(X): int = 1",
    "X += 1",
    "X = -1",
    "X = (1,)",
    "X = [1]",
    "def f(x): 'only'",
    "def f(x): pass",
    "def f(x, /): pass",
    "def f(*, x): pass",
    "def f(*, x=None): pass",
    "async def f(x): pass",
    "def f(x):\n    x\n    'a text that is no docstring'",
    "def f(x):\n    x",
    "import a",
    "import a as b",
    "from a import b",
    "from .a import b",
    "{**x}",
    "{None: x}",
]


def test_what_counts():
    """Each of these is another program."""
    assert len(DIFFERENT) == len({digest(text) for text in DIFFERENT})


def test_constants_of_all_types():
    """Types are told apart; floats are their bits."""
    values = [None, ..., True, 1, 1.0, 1j, "1", b"1"]

    assert len(values) == len({json.dumps(encode_constant(value), default=bytes.hex) for value in values})
    assert ["float", bytes.fromhex("8000000000000000")] == encode_constant(-0.0)


def test_unknown_syntax_is_no_guess():
    """A node that this version does not know is an error, not a digest."""

    class Newer(ast.expr):
        _fields = ("value",)

    with pytest.raises(UnknownSyntaxError, match="Newer"):
        encode_node(ast.Expr(Newer()))


def test_the_table_covers_this_python():
    """Every node class that a file can have is in it, with every field that counts."""
    left_out = {"ctx", "type_comment", "type_ignores", "kind"}
    containers = {"Module", "Interactive", "Expression", "FunctionType", "TypeIgnore", "Load", "Store", "Del"}
    gone = {
        "Index",
        "ExtSlice",
        "Suite",
        "AugLoad",
        "AugStore",
        "Param",
        "Num",
        "Str",
        "Bytes",
        "NameConstant",
        "Ellipsis",
    }
    classes = [
        kind
        for name, kind in vars(ast).items()
        if isinstance(kind, type)
        and issubclass(kind, ast.AST)
        and kind.__module__ in ("ast", "_ast")
        and not kind.__subclasses__()
        and name not in containers | gone
        and not name.startswith("_")
    ]

    assert len(classes) > 80
    assert {} == {
        kind.__name__: set(kind._fields) - left_out - set(FIELDS.get(kind.__name__, ()))
        for kind in classes
        if kind.__name__ not in FIELDS or set(kind._fields) - left_out - set(FIELDS[kind.__name__])
    }
