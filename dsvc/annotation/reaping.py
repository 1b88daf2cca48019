"""Copies in stores where nothing is staged any more: they go when they are due, whatever became of the recipe.

A task, a platform or its `staging` may leave a recipe while copies are there, and then no platform's turn looks at
them. Their records tell where they are, by the address that the recipe had: so each pass looks there first.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dsvc.annotation.opstores.base import Doc, OpStore, iter_scan
from dsvc.annotation.outfit import STATE, open_ops, open_staging, outfits
from dsvc.annotation.staging.expiry import Expiry
from dsvc.annotation.staging.stages import SPACE, Stages, is_left
from dsvc.annotation.staging.store import StagingStore
from dsvc.errors import DsvcError, StoreError
from dsvc.plugins.manager import Plugins
from dsvc.recipe.secrets import expand_env
from dsvc.recipe.spec import Recipe


@dataclass
class Elsewhere:
    """What was done in such stores.

    Attributes:
        n_gone: Copies that were deleted.
        n_undeleted: Copies that should be gone and could not be deleted.
        notes: Why; it is tried again at each pass.
    """

    n_gone: int = 0
    n_undeleted: int = 0
    notes: list[str] = field(default_factory=list)


def reap_first(
    recipe: Recipe,
    plugins: Plugins,
    environ: Mapping[str, str],
    directory: Path,
    address: str | None,
    clock: Callable[[], int],
) -> Elsewhere:
    """Do it for a repository; also where the recipe has no tasks, or its platforms cannot be made ready.

    Args:
        recipe: The recipe.
        plugins: Offers the platforms.
        environ: What ``${NAME}`` stands for.
        directory: The repository's own, in which the op store of one machine is.
        address: That of a team, if it has one.
        clock: Microseconds UTC.
    """
    if address is None and not (directory / STATE).exists():
        return Elsewhere()

    def open_store(place: str) -> StagingStore:
        return open_staging(str(expand_env(place, environ, key="staging")), recipe.directory, None, clock)

    try:
        ops = open_ops(directory / STATE, address)
        try:
            return reap_elsewhere(ops, _served(recipe, plugins, environ), open_store, clock)
        finally:
            ops.close()
    except StoreError as err:
        return Elsewhere(notes=[f"what is staged cannot be looked up now: {err.message}"])


def _served(recipe: Recipe, plugins: Plugins, environ: Mapping[str, str]) -> set[str]:
    """Return the names of the stores that the turns of platforms look after; none where these cannot be made ready."""
    try:
        made = outfits(recipe, plugins, environ)
        return {one.staging.name for one in made if one.wants_copies and one.staging is not None}
    except DsvcError:
        return set()  # the pass ends by it; before that, copies go


def reap_elsewhere(
    ops: OpStore, served: Container[str], open_store: Callable[[str], StagingStore], clock: Callable[[], int]
) -> Elsewhere:
    """Delete what is overdue, or was left, in the stores that no platform of the recipe looks after.

    Args:
        ops: Where the records of all stores are.
        served: The names of the stores that platforms look after.
        open_store: Opens one by its address as a recipe writes it.
        clock: Microseconds UTC.
    """
    found, expiry = Elsewhere(), Expiry()
    due: dict[tuple[str, str], int] = {}
    for record in iter_scan(ops, SPACE):
        doc = record.doc
        if doc["store"] not in served and (is_left(doc) or _age_us(doc, clock()) >= expiry.limit_us):
            place = (doc["store"], doc["address"])
            due[place] = due.get(place, 0) + 1
    for (name, address), n_due in sorted(due.items()):
        try:
            store = open_store(address)
            if store.name == name:
                reaped = Stages(ops, store, expiry, clock).clear()
                n_failed, why = len(reaped.failed), next(iter(reaped.failed.values()), "")
                found.n_gone += reaped.n_overdue + reaped.n_left
            else:
                n_failed, why = n_due, f"{address} is another place now"
        except DsvcError as err:
            n_failed, why = n_due, err.message
        if n_failed:
            found.n_undeleted += n_failed
            found.notes.append(undeleted(n_failed, f"{name}, where nothing is staged any more: {why}"))
    return found


def undeleted(n_copies: int, why: str) -> str:
    """Return what a person is told of copies that should be gone."""
    what = "1 copy that should be gone is" if n_copies == 1 else f"{n_copies} copies that should be gone are"
    return f"{what} still there, and deleting is tried again at each pass: {why}"


def _age_us(doc: Doc, now_us: int) -> int:
    return now_us - int(doc["put_us"])
