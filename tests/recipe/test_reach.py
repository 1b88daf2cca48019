"""Which names a piece of Python reads in its module."""

import ast

import pytest

from dsvc.recipe.reach import (
    iter_chains,
    iter_computed_imports,
    iter_constant_imports,
    runs_on_import,
    uses_names_at_run_time,
)


@pytest.mark.parametrize(
    "text,expected",
    [
        ("def f(x, /, y, *z, k, **kw): return x + y + z + k + kw + A", {"A"}),
        ("def f(x=A, *, y: B = C) -> D: return x", {"A", "B", "C", "D"}),
        ("@A\n@B.c(D)\ndef f(): pass", {"A", "B.c", "D"}),
        ("def f():\n x = 1\n return x + A", {"A"}),
        ("def f():\n global A\n A = 1", {"A"}),
        ("def f():\n for x in A: y = x\n return y", {"A"}),
        ("def f():\n with A() as x: return x", {"A"}),
        ("def f():\n try: pass\n except A as e: return e", {"A"}),
        ("def f():\n def g(): return A + x\n x = 1\n return g", {"A"}),
        ("def f(x): return [x + y + A for y in B if y > C]", {"A", "B", "C"}),
        ("def f(): return [x for x in x]", {"x"}),
        ("def f(): return [A := 1 for y in B] + [A]", {"B"}),
        ("def f(): return lambda x, y=A: x + y + B", {"A", "B"}),
        ("def f(): return A.b.c(D).e", {"A.b.c", "D"}),
        ("def f(x): return x.y.z", set()),
        ("def f(x):\n match x:\n  case A.b: return 1\n  case C(d=e): return e\n  case {**r}: return r", {"A.b", "C"}),
        ("class G(A, key=B):\n x = C\n def m(self): return x + self.y + D", {"A", "B", "C", "x", "D"}),
        ("class G:\n y = 1\n z = y", {"y"}),
        ("def f():\n import A\n return A.b + C", {"A.b", "C"}),
        ("def f():\n from m import A\n return A", {"A"}),
        ("X = A + B.c", {"A", "B.c"}),
        ("X[A] = B", {"X", "A", "B"}),
        ("X.y = B", {"X.y", "B"}),
        ("del A", {"A"}),
        ("def f(): return f'{A!r:>{B}}'", {"A", "B"}),
        ("async def f():\n async for x in A: await B(x)", {"A", "B"}),
        ("def f():\n x: A = 1\n return x", {"A"}),
        ("def f():\n nonlocal_ = 1\n def g():\n  nonlocal nonlocal_\n  return nonlocal_ + A\n return g", {"A"}),
    ],
)
def test_what_is_read_in_the_module(text, expected):
    """A function's own names are its own; everything else is looked up outside."""
    found = {".".join(chain) for statement in ast.parse(text).body for chain in iter_chains(statement)}

    assert expected == found


@pytest.mark.parametrize(
    "text,expected",
    [
        ("from m import *", True),
        ("def f(): exec('x')", True),
        ("def f(): return eval('x')", True),
        ("def f(): return globals()['x']", True),
        ("g = globals", True),
        ("vars()", True),
        ("getattr(np, name)", True),
        ("setattr(np.linalg, 'x', 1)", True),
        ("np.__dict__['x']", True),
        ("getattr(value, name)", False),
        ("getattr()", False),
        ("x.exec()", False),
        ("exec = 1", False),
        ("import np", False),
    ],
)
def test_names_that_syntax_does_not_show(text, expected):
    """Such a file must count whole."""
    assert expected == uses_names_at_run_time(ast.parse(text).body, {"np"})


def test_computed_imports():
    """Those with a literal can be followed, others cannot."""
    text = "import_module(x)\nimportlib.import_module('a.b')\n__import__(f'{x}')\n__import__('c')\nx.load('d')"
    tree = ast.parse(text)

    assert [1, 3] == [call.lineno for call in iter_computed_imports(tree)]
    assert ["a.b", "c"] == list(iter_constant_imports(tree))


@pytest.mark.parametrize(
    "text,expected",
    [
        ("def f(): own()", False),
        ("@own\ndef f(): pass", True),
        ("@own.register('x')\ndef f(): pass", True),
        ("@functools.cache\ndef f(): pass", False),
        ("class A(own): pass", True),
        ("class A(metaclass=own): pass", True),
        ("class A(Base): pass", False),
        ("np.seterr(all='raise')", True),
        ("'a text'", False),
        ("...", False),
        ("X = 1", False),
        ("X = own(1)", True),
        ("X = re.compile('a')", False),
        ("X = re.sub('a', own(), 'b')", True),
        ("X.y = 1", True),
        ("X['y'] = 1", True),
        ("X += 1", False),
        ("X: int", False),
        ("if X:\n  Y = 1", False),
        ("if X:\n  own()", True),
        ("try:\n  import a\nexcept ImportError:\n  a = None", False),
        ("try:\n  import a\nexcept ImportError:\n  raise", True),
        ("assert X", True),
        ("del X", True),
        ("import a", False),
        ("pass", False),
    ],
)
def test_what_importing_does_besides_binding(text, expected):
    """Statements for their effect, and whatever hands something to code of the recipe's own."""
    assert expected == runs_on_import(ast.parse(text).body[0], {"own"})
