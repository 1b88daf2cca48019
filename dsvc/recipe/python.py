"""Loading the functions that a recipe names, without leaving anything behind in the interpreter.

Each `Namespace` is a world of its own: files of the recipe are run once in it, from their source as it is now, and
import each other through an `__import__` of that namespace, at any time. `sys.path` is not touched, and `sys.modules`
only while a file runs, so two repositories, or one before and after an edit, can have a `steps.py` each in one
process. No bytecode is kept.
"""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from dsvc.errors import RecipeError
from dsvc.recipe.code import split_reference
from dsvc.recipe.modules import Modules

_NAME_PREFIX: Final = "dsvc_recipe."
"""What `__name__` begins with in a recipe's module, so that it is nobody else's."""

# Files run one at a time, since `sys.modules` is everybody's.
_running = threading.RLock()


def load_function(reference: str, directory: Path) -> Callable[..., Any]:
    """Return the function that `module:function` names, from a fresh namespace.

    Raises:
        RecipeError: If there is no such module or function, or if loading it fails; the cause is chained.
    """
    return Namespace(directory).load(reference)


class Namespace:
    """The modules of one recipe directory as they are now. Safe to use from several threads.

    Args:
        directory: Where `dsvc.toml` is.
    """

    def __init__(self, directory: Path) -> None:
        self._files = Modules(directory)
        self._root = directory.resolve()
        self._modules: dict[str, ModuleType] = {}
        self._sources: dict[Path, bytes] = {}
        self._builtins = {**vars(builtins), "__import__": self._import}

    @property
    def is_current(self) -> bool:
        """Whether the files that were run still are what they were then."""
        return all(_read(path) == source for path, source in self._sources.items())

    def load(self, reference: str) -> Callable[..., Any]:
        """Return a function; a module that the recipe does not have is imported as an installed one.

        Raises:
            RecipeError: As `load_function`.
        """
        name, function = split_reference(reference)
        try:
            module = self._import(name, fromlist=(function,))
        except RecipeError:
            raise
        except Exception as err:
            if isinstance(err, ModuleNotFoundError) and err.name == name.partition(".")[0]:
                file = f"{name.replace('.', '/')}.py"
                raise RecipeError(
                    file=file,
                    key=reference,
                    expected="a file beside dsvc.toml, or an installed module",
                    found="neither",
                ) from err
            raise self._failure(name, reference, err) from err
        found = getattr(module, function, None)
        if not callable(found):
            kind = "nothing of that name" if found is None else type(found).__name__
            raise RecipeError(file=self._shown(name), key=reference, expected=f"a function {function!r}", found=kind)
        return found  # type: ignore[no-any-return]  # callable narrows Any to a callable of unknown result

    def _shown(self, name: str) -> str:
        path = self._files.find_file(name)
        return path.relative_to(self._root).as_posix() if path else name

    def _failure(self, name: str, reference: str, err: Exception) -> RecipeError:
        """Return the error for a module that raised, with the innermost line of the recipe's own that did."""
        file, line = self._shown(name), getattr(err, "lineno", None)
        trace = err.__traceback__
        while trace is not None:
            path = Path(trace.tb_frame.f_code.co_filename)
            if path.is_relative_to(self._root):
                file, line = path.relative_to(self._root).as_posix(), trace.tb_lineno
            trace = trace.tb_next
        found = f"{type(err).__name__}: {err}"
        return RecipeError(file=file, line=line, key=reference, expected="a module that can be loaded", found=found)

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the protocol of __import__
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Do what `__import__` does, with the recipe's own modules first."""
        package = str((globals or {}).get("__package__") or "")
        if level and not package:
            raise ImportError("attempted relative import with no known parent package")
        absolute = resolve_name("." * level + name, package) if level else name
        if not self._is_own(absolute) and not any(self._is_own(f"{absolute}.{item}") for item in fromlist or ()):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        module = self._load(absolute)
        if fromlist:
            for item in fromlist:
                inner = f"{absolute}.{item}"
                if item != "*" and not hasattr(module, item) and self._is_own(inner):
                    self._load(inner)
            return module
        # `import a.b` gives a; the relative form always has a from-list.
        return self._load(absolute.partition(".")[0])

    def _is_own(self, name: str) -> bool:
        """Tell whether a module is the recipe's: a file, or a directory on the way to one that was loaded."""
        return name in self._modules or self._files.find_file(name) is not None

    def _load(self, name: str) -> ModuleType:
        """Return a module, run on first use; its packages first, and itself set as their attribute."""
        with _running:
            if name in self._modules:
                return self._modules[name]
            above, _, last = name.rpartition(".")
            parent = self._load(above) if above else None
            module = self._modules[name] = self._make(name)
            if parent is not None:
                setattr(parent, last, module)
            path = self._files.find_file(name)
            if path is not None:
                try:
                    source = self._sources[path] = path.read_bytes()
                    code = compile(source, str(path), "exec", dont_inherit=True)
                    with _registered(module):
                        exec(code, vars(module))  # noqa: S102 - running the recipe's code is what it is for
                except BaseException:
                    del self._modules[name]
                    raise
            return module

    def _make(self, name: str) -> ModuleType:
        """Return an empty module with this namespace's `__import__`."""
        path = self._files.find_file(name)
        is_package = path is None or path.name == "__init__.py"
        spec = ModuleSpec(_NAME_PREFIX + name, None, origin=None if path is None else str(path), is_package=is_package)
        module = ModuleType(_NAME_PREFIX + name)
        values: dict[str, Any] = {
            "__builtins__": self._builtins,
            "__package__": name if is_package else name.rpartition(".")[0],
            "__spec__": spec,
        }
        if path is not None:
            values["__file__"] = str(path)
        if is_package:
            values["__path__"] = [str(self._root.joinpath(*name.split(".")))]
        vars(module).update(values)
        return module


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


@contextmanager
def _registered(module: ModuleType) -> Iterator[None]:
    """Keep a module in `sys.modules` for a while: making a dataclass looks up the annotations of its module there."""
    name = module.__name__
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        yield
    finally:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
