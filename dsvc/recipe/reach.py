"""Which names a piece of Python can reach, by its syntax alone.

Names that a function binds itself are its own; all others are looked up in its module. Where the syntax does not
tell, a name counts as reached: too much is made again then, never too little.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from dsvc.recipe.modules import bound_names

Chain = tuple[str, ...]
"""A name and the attributes taken of it: `geometry.boxes.area` is ("geometry", "boxes", "area")."""

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_UNBOUNDED_CALLS = {"exec", "eval", "globals", "vars", "__import__"}
_NAMED_ACCESS = {"getattr", "setattr", "delattr", "hasattr"}


def iter_chains(node: ast.AST, own: frozenset[str] = frozenset()) -> Iterator[Chain]:
    """Yield the names that `node` reads, or deletes, in its module.

    Args:
        node: A statement or a part of one.
        own: Names that functions around `node` bind.
    """
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Store) and node.id not in own:
            yield (node.id,)
    elif isinstance(node, ast.Attribute):
        chain = _chain(node)
        if chain is None:
            yield from iter_chains(node.value, own)
        elif chain[0] not in own:
            yield chain
    elif isinstance(node, ast.Global):
        yield from ((name,) for name in node.names)
    elif isinstance(node, _SCOPES):
        yield from _iter_function(node, own)
    elif isinstance(node, _COMPREHENSIONS):
        yield from iter_chains(node.generators[0].iter, own)
        inner = own | {name for part in node.generators for name in bound_names(part.target)}
        for child in ast.iter_child_nodes(node):
            yield from iter_chains(child, inner)
    else:
        # The names of a class's body are read there, but not seen by its methods: they count as the module's.
        for child in ast.iter_child_nodes(node):
            yield from iter_chains(child, own)


def _iter_function(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, own: frozenset[str]) -> Iterator[Chain]:
    """Yield what a function reads: its decorators, defaults and annotations around it, its body with its own names."""
    parameters = [child for child in ast.walk(node.args) if isinstance(child, ast.arg)]
    for outer in ast.iter_child_nodes(node.args):
        yield from iter_chains(outer, own)
    if isinstance(node, ast.Lambda):
        yield from iter_chains(node.body, own | {parameter.arg for parameter in parameters})
        return
    for outer in (*node.decorator_list, *getattr(node, "type_params", ()), *([node.returns] if node.returns else [])):
        yield from iter_chains(outer, own)
    inner = {parameter.arg for parameter in parameters} | _local_names(node.body)
    for child in node.body:
        yield from iter_chains(child, own | inner)


def _local_names(body: list[ast.stmt]) -> set[str]:
    """Return the names that a function's body binds as its own; imports are followed, so they are not among them."""
    names = {name for statement in body for name in bound_names(statement)}
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Global):
                names.difference_update(node.names)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names.difference_update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
    return names


def _chain(node: ast.expr) -> Chain | None:
    if isinstance(node, ast.Name):
        return (node.id,)
    inner = _chain(node.value) if isinstance(node, ast.Attribute) else None
    return (*inner, node.attr) if inner and isinstance(node, ast.Attribute) else None


def uses_names_at_run_time(body: list[ast.stmt], modules: set[str]) -> bool:
    """Tell whether a file reaches names that its syntax does not show, so that all of it must count.

    Args:
        body: The statements of the file.
        modules: The names in it that are modules.
    """
    for node in (node for statement in body for node in ast.walk(statement)):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            return True
        if isinstance(node, ast.Name) and node.id in _UNBOUNDED_CALLS and not isinstance(node.ctx, ast.Store):
            return True
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in _NAMED_ACCESS
            and node.args
        ):
            chain = _chain(node.args[0])
            if chain is not None and chain[0] in modules:
                return True
        if isinstance(node, ast.Attribute) and node.attr == "__dict__":
            chain = _chain(node.value)
            if chain is not None and chain[0] in modules:
                return True
    return False


def iter_computed_imports(node: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls that import a module whose name is computed, so that no reading can follow it."""
    for call in ast.walk(node):
        if not isinstance(call, ast.Call) or (call.args and isinstance(call.args[0], ast.Constant)):
            continue
        chain = _chain(call.func) if isinstance(call.func, ast.Name | ast.Attribute) else None
        if chain is not None and chain[-1] in ("__import__", "import_module"):
            yield call


def iter_constant_imports(node: ast.AST) -> Iterator[str]:
    """Yield the absolute names of modules that are imported by a call with a literal."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
            chain = _chain(call.func) if isinstance(call.func, ast.Name | ast.Attribute) else None
            name = call.args[0].value
            if chain is not None and chain[-1] in ("__import__", "import_module") and isinstance(name, str):
                yield name


def runs_on_import(statement: ast.stmt, own: set[str]) -> bool:
    """Tell whether a top-level statement may do something besides binding names, which importing its file then does.

    Code from outside of the recipe knows nothing of the recipe's names, so a call of it counts only as a statement of
    its own; a decorator, base class or function of the recipe may keep what it is given.

    Args:
        statement: The statement.
        own: The names that the recipe's own files define.
    """
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        outer: list[ast.expr] = list(statement.decorator_list)
        if isinstance(statement, ast.ClassDef):
            outer += [*statement.bases, *(keyword.value for keyword in statement.keywords)]
        return any(chain[0] in own for part in outer for chain in iter_chains(part))
    if isinstance(statement, ast.Expr):
        return not isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Delete | ast.Assert | ast.Raise):
        return True
    if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        stored = any(isinstance(part, ast.Attribute | ast.Subscript) for target in targets for part in ast.walk(target))
        return stored or _calls(statement.value, own)
    inner = [child for child in ast.walk(statement) if isinstance(child, ast.stmt) and child is not statement]
    return any(runs_on_import(child, own) for child in inner)


def _calls(value: ast.expr | None, own: set[str]) -> bool:
    """Tell whether a value is made by a call of the recipe's own names."""
    calls = [] if value is None else [part for part in ast.walk(value) if isinstance(part, ast.Call)]
    return any(chain[0] in own for call in calls for chain in iter_chains(call.func))
