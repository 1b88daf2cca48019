"""The digest of a recipe's Python function: of everything that can change what it returns, as far as syntax tells.

What counts is the function and every top-level definition that it can reach by name, in its own file and in other
files of the recipe that are imported; and, of every file reached, what importing it does besides binding names. A
file that uses names that its syntax does not show (`import *`, `exec`, `eval`, `globals()`, `vars()`, getattr and the
like on a module) counts whole. Code outside of the recipe's directory counts by nothing: a step declares what it needs
of it as `environment`, `files` or `version`.

The digest is the hash of a list with, for each file reached, sorted by module: [module, [statements in file order]].
"""

from __future__ import annotations

import ast
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsvc.errors import RecipeError
from dsvc.objects.encoding import hash_encoded
from dsvc.objects.oid import Kind, Oid
from dsvc.recipe.modules import STAR, ImportedName, Module, Modules, is_main_block
from dsvc.recipe.reach import (
    Chain,
    iter_chains,
    iter_computed_imports,
    iter_constant_imports,
    runs_on_import,
    uses_names_at_run_time,
)
from dsvc.recipe.tree_digest import UnknownSyntaxError, encode_node, is_text


def split_reference(reference: str) -> tuple[str, str]:
    """Return the module and the function that `module:function` names."""
    module, _, function = reference.partition(":")
    return module, function


def is_inside(reference: str, directory: Path) -> bool:
    """Tell whether a function is in a file of the recipe, not in an installed module."""
    return Modules(directory).find_file(split_reference(reference)[0]) is not None


def code_digest(reference: str, directory: Path) -> Oid:
    """Return the digest of a function in a file of the recipe. Equal on every Python from 3.11 on.

    Raises:
        RecipeError: If there is no such file or function, if a file reached is no Python, or if one imports a module
            whose name is computed, which no reading can follow.
    """
    reach = _Reach(Modules(directory))
    reach.start(*split_reference(reference))
    return hash_encoded(Kind.DEFINITION, ["python", reach.finish()])


@dataclass
class _Reached:
    """What of one file counts so far; statements by their index in the file."""

    module: Module
    statements: set[int] = field(default_factory=set)
    imports: set[ImportedName] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    is_whole: bool = False


class _Reach:
    """A walk over everything that a function reaches."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._reached: dict[str, _Reached] = {}
        self._names: deque[tuple[Module, str]] = deque()

    def start(self, module_name: str, function: str) -> None:
        """Walk from a function until nothing new is reached."""
        module = self._modules.find(module_name)
        if module is None:
            raise RecipeError(
                file=f"{module_name.replace('.', '/')}.py",
                key=f"{module_name}:{function}",
                expected="a Python file beside dsvc.toml",
                found="none",
                hint="write the file, or, for a function of an installed module, declare `version` in the step",
            )
        if function not in module.bindings:
            raise RecipeError(
                file=module.file,
                key=f"{module_name}:{function}",
                expected=f"a definition of {function!r}",
                found="none",
            )
        self._enter(module)
        self._want(module, function)
        while self._names:
            self._follow(*self._names.popleft())

    def finish(self) -> list[Any]:
        """Return what was reached, encoded; a file that adds nothing but its import is left out."""
        counting = ((name, reached) for name, reached in self._reached.items() if reached.statements or reached.imports)
        return [[name, self._encode(reached)] for name, reached in sorted(counting, key=lambda item: item[0])]

    def _encode(self, reached: _Reached) -> list[Any]:
        imports = [
            ["import", item.name, item.module, item.attribute or "", int(item.is_first_part)]
            for item in sorted(reached.imports, key=lambda item: (item.name, item.module, item.attribute or ""))
        ]
        return [imports, [self._encode_statement(reached.module, index) for index in sorted(reached.statements)]]

    def _encode_statement(self, module: Module, index: int) -> list[Any]:
        statement = module.body[index]
        try:
            return encode_node(statement)
        except UnknownSyntaxError as err:
            raise RecipeError(
                file=module.file,
                line=statement.lineno,
                key=module.name,
                expected="syntax that this version of dsvc knows, or a declared `version`",
                found=str(err),
            ) from err

    def _enter(self, module: Module) -> None:
        """Count what importing a module does: of the packages around it too."""
        if module.name in self._reached:
            return
        self._reached[module.name] = _Reached(module)
        for package in self._modules.parents(module.name):
            self._enter(package)
        self._check_imports(module)
        if uses_names_at_run_time(module.body, self._module_names(module)):
            self._take_whole(module)
            return
        own = self._own_names(module)
        read = {chain[0] for statement in module.body for chain in iter_chains(statement)}
        for index, statement in enumerate(module.body):
            if isinstance(statement, ast.Import | ast.ImportFrom):
                # A name that nothing reads was imported for what importing its file does.
                for imported in module.imports_of(statement):
                    if imported.name not in read:
                        self._enter_if_any(imported.module)
                        self._enter_if_any(f"{imported.module}.{imported.attribute}")
            elif runs_on_import(statement, own) and not is_main_block(statement):
                self._take(module, index)

    def _check_imports(self, module: Module) -> None:
        for statement in module.body:
            for call in iter_computed_imports(statement):
                raise RecipeError(
                    file=module.file,
                    line=call.lineno,
                    key=module.name,
                    expected="imports whose names can be read",
                    found="one that is computed",
                    hint="import by name, or declare `version` in the step and raise it when the code changes",
                )

    def _module_names(self, module: Module) -> set[str]:
        """Return the names in a file that are modules, as far as can be told."""
        return {
            imported.name
            for imported in module.iter_imports()
            if imported.attribute is None or self._modules.find_file(f"{imported.module}.{imported.attribute}")
        }

    def _own_names(self, module: Module) -> set[str]:
        """Return the top-level names of a file that the recipe's own code defines."""
        return {
            name
            for name, bindings in module.bindings.items()
            for binding in bindings
            if not isinstance(binding, ImportedName) or self._modules.find_file(binding.module)
        }

    def _take_whole(self, module: Module) -> None:
        if self._reached[module.name].is_whole:
            return
        self._reached[module.name].is_whole = True
        for index, statement in enumerate(module.body):
            if isinstance(statement, ast.Import | ast.ImportFrom):
                for imported in module.imports_of(statement):
                    self._import(module, imported)
            elif not is_main_block(statement) and not is_text(statement):
                self._take(module, index)

    def _take(self, module: Module, index: int) -> None:
        """Count one statement, and want what it reads."""
        reached = self._reached[module.name]
        if index in reached.statements:
            return
        reached.statements.add(index)
        statement = module.body[index]
        inner: dict[str, list[ImportedName]] = {}
        for node in ast.walk(statement):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for imported in module.imports_of(node):
                    inner.setdefault(imported.name, []).append(imported)
                    self._import(module, imported, counts=False)
        for name in iter_constant_imports(statement):
            self._want_module(name)
        for chain in iter_chains(statement):
            for imported in inner.get(chain[0], ()):
                self._chain(imported, chain)
            self._want_chain(module, chain)

    def _want(self, module: Module, name: str) -> None:
        if name not in self._reached[module.name].names:
            self._reached[module.name].names.add(name)
            self._names.append((module, name))

    def _follow(self, module: Module, name: str) -> None:
        """Count what binds a name of a module that is reached."""
        bindings = module.bindings.get(name)
        if bindings is None:
            # A submodule, a builtin, or made at run time by a module's own __getattr__.
            submodule = self._modules.find(f"{module.name}.{name}")
            if submodule is not None:
                self._enter(submodule)
            elif "__getattr__" in module.bindings:
                self._want(module, "__getattr__")
            return
        for binding in bindings:
            if isinstance(binding, ImportedName):
                self._import(module, binding)
            else:
                self._take(module, module.body.index(binding))

    def _import(self, module: Module, imported: ImportedName, *, counts: bool = True) -> None:
        """Count an import, and enter what it imports; `counts` is false inside a statement that is counted itself."""
        if counts:
            self._reached[module.name].imports.add(imported)
        target = self._modules.find(imported.module)
        if target is None:
            for package in self._modules.parents(f"{imported.module}.x"):
                self._enter(package)
            if imported.attribute not in (None, STAR):
                self._enter_if_any(f"{imported.module}.{imported.attribute}")
            return
        self._enter(target)
        if imported.attribute == STAR:
            self._take_whole(target)
        elif imported.attribute is not None:
            self._want(target, imported.attribute)

    def _enter_if_any(self, name: str) -> None:
        module = self._modules.find(name)
        if module is not None:
            self._enter(module)

    def _want_chain(self, module: Module, chain: Chain) -> None:
        """Want what a chain of attributes means in a module."""
        self._want(module, chain[0])
        for imported in module.scope_imports.get(chain[0], ()):
            self._chain(imported, chain)

    def _chain(self, imported: ImportedName, chain: Chain) -> None:
        """Want what follows the name of an imported module; the module whole, if nothing does."""
        start = imported.module
        if imported.attribute is not None:
            start = f"{imported.module}.{imported.attribute}"
            if self._modules.find(start) is None:
                return  # a definition, which was wanted when the import was counted
        elif imported.is_first_part:
            start = imported.module.partition(".")[0]
            self._enter_if_any(imported.module)
        self._descend(start, chain[1:])

    def _descend(self, name: str, rest: Chain) -> None:
        module = self._modules.find(name)
        if rest:
            deeper = f"{name}.{rest[0]}"
            if (module is None or rest[0] not in module.bindings) and self._is_package(deeper):
                self._descend(deeper, rest[1:])
                return
        if module is None:
            return
        self._enter(module)
        if rest:
            self._want_chain(module, rest)
        else:
            self._take_whole(module)

    def _is_package(self, name: str) -> bool:
        return self._modules.find_file(name) is not None

    def _want_module(self, name: str) -> None:
        module = self._modules.find(name)
        if module is not None:
            self._enter(module)
            self._take_whole(module)
