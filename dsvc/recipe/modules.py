"""The Python files of a recipe: which names they import from each other, and which they bind at their top level.

A recipe's module is a file inside the directory of `dsvc.toml`; it comes before an installed module of the same name,
here as when it is loaded. Files are only parsed, never run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dsvc.errors import RecipeError

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Imported = ast.Import | ast.ImportFrom

STAR = "*"


@dataclass(frozen=True)
class ImportedName:
    """What one `import` binds.

    Attributes:
        name: The name it binds; `*` for all of a module.
        module: The absolute name of the module that is imported.
        attribute: The name taken from the module; None where the name is the module, or its first part.
        is_first_part: Whether `import a.b` binds `a` alone.
    """

    name: str
    module: str
    attribute: str | None = None
    is_first_part: bool = False


class Modules:
    """The modules of one directory, each parsed once.

    Args:
        directory: Where `dsvc.toml` is.
    """

    def __init__(self, directory: Path) -> None:
        self._root = directory.resolve()
        self._modules: dict[str, Module | None] = {}

    def find(self, name: str) -> Module | None:
        """Return a recipe's module, or None if the recipe has none of this name.

        Raises:
            RecipeError: If its file is no Python.
        """
        if name not in self._modules:
            path = self.find_file(name)
            self._modules[name] = None if path is None else Module(name, path, self._root)
        return self._modules[name]

    def find_file(self, name: str) -> Path | None:
        """Return the file of a recipe's module, or None."""
        parts = name.split(".")
        if not all(parts):  # relative to nothing
            return None
        base = self._root.joinpath(*parts)
        for path in (base / "__init__.py", base.with_name(f"{base.name}.py")):
            if path.is_file() and path.resolve().is_relative_to(self._root):
                return path
        return None

    def parents(self, name: str) -> Iterator[Module]:
        """Yield the packages that importing a module runs first, outermost first."""
        parts = name.split(".")
        for depth in range(1, len(parts)):
            package = self.find(".".join(parts[:depth]))
            if package is not None:
                yield package


@dataclass(frozen=True)
class Module:
    """One parsed file.

    Attributes:
        name: Its dotted name.
        path: Its file.
        root: The directory of the recipe.
    """

    name: str
    path: Path
    root: Path = field(repr=False)

    @property
    def file(self) -> str:
        """Its path inside the recipe's directory."""
        return self.path.relative_to(self.root).as_posix()

    @property
    def package(self) -> str:
        """The package that relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @cached_property
    def body(self) -> list[ast.stmt]:
        """The statements of the file.

        Raises:
            RecipeError: If it is no Python, or cannot be read.
        """
        try:
            return ast.parse(self.path.read_bytes()).body
        except OSError as err:
            expected = "a file that can be read"
            raise RecipeError(file=self.file, key=self.name, expected=expected, found=err.strerror) from err
        except (SyntaxError, ValueError) as err:
            line = getattr(err, "lineno", None)
            reason = getattr(err, "msg", None) or str(err)
            raise RecipeError(file=self.file, line=line, key=self.name, expected="Python", found=reason) from err

    @cached_property
    def bindings(self) -> dict[str, list[ast.stmt | ImportedName]]:
        """What binds each top-level name, in order: imports one name at a time, else whole statements."""
        found: dict[str, list[ast.stmt | ImportedName]] = {}
        for statement in self.body:
            if isinstance(statement, Imported):
                for imported in self.imports_of(statement):
                    found.setdefault(imported.name, []).append(imported)
            elif not is_main_block(statement):
                for name in dict.fromkeys(bound_names(statement)):
                    found.setdefault(name, []).append(statement)
        return found

    @cached_property
    def scope_imports(self) -> dict[str, list[ImportedName]]:
        """What imports bind each top-level name, those inside of `if`, `try` and the like included."""
        found: dict[str, list[ImportedName]] = {}
        for statement in self.body:
            for node in iter_scope(statement):
                if isinstance(node, Imported):
                    for imported in self.imports_of(node):
                        found.setdefault(imported.name, []).append(imported)
        return found

    def imports_of(self, node: Imported) -> Iterator[ImportedName]:
        """Yield what an import statement binds, with absolute module names."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.asname or alias.name.partition(".")[0]
                yield ImportedName(first, alias.name, None, alias.asname is None and "." in alias.name)
            return
        base = node.module or ""
        if node.level:
            parts = self.package.split(".") if self.package else []
            above = parts[: len(parts) - node.level + 1]
            base = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            yield ImportedName(alias.asname or alias.name, base, alias.name)

    def iter_imports(self) -> Iterator[ImportedName]:
        """Yield every import of the file, inside functions too."""
        for statement in self.body:
            for node in ast.walk(statement):
                if isinstance(node, Imported):
                    yield from self.imports_of(node)


def is_main_block(statement: ast.stmt) -> bool:
    """Tell whether a statement is `if __name__ == "__main__":`, which never runs on import."""
    return (
        isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Compare)
        and isinstance(statement.test.left, ast.Name)
        and statement.test.left.id == "__name__"
        and len(statement.test.ops) == 1
        and isinstance(statement.test.ops[0], ast.Eq)
        and not statement.orelse
    )


def iter_scope(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a statement and its parts, without the insides of functions and classes."""
    yield node
    if not isinstance(node, Definition):
        for child in ast.iter_child_nodes(node):
            yield from iter_scope(child)


def bound_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds in its own scope, from its parts but not from inner functions."""
    if isinstance(node, Definition):
        yield node.name
        return
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        inner = (walked for walked in ast.walk(node) if isinstance(walked, ast.NamedExpr))
        yield from (walrus.target.id for walrus in inner)
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
        yield node.id
    elif isinstance(node, ast.alias):
        yield node.asname or node.name.partition(".")[0]
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
    for child in ast.iter_child_nodes(node):
        yield from bound_names(child)


def reached_files(directory: Path, names: list[str]) -> list[Path]:
    """Return every file of a recipe that importing these modules reads or may read, in order of discovery.

    A file that is no Python is listed, and what it would import is not.
    """
    modules = Modules(directory)
    waiting = list(names)
    seen: set[str] = set()
    files: dict[Path, None] = {}
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        waiting.extend(name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1))
        module = modules.find(name)
        if module is None:
            continue
        files[module.path] = None
        try:
            for imported in module.iter_imports():
                waiting.append(imported.module)
                if imported.attribute not in (None, STAR):
                    waiting.append(f"{imported.module}.{imported.attribute}")
        except RecipeError:
            continue
    return list(files)
