"""Making stored results again from their stored inputs, beside the repository, to see whether they come out the same.

Each step and each dataset is made on its own, by a run that finds no trace, from the version as it is stored; so what
differs is told of the step that made it, and hides nothing of the steps after it.  What is made is compared by ids, and
where these differ record by record, and is then thrown away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from dsvc.engine.datasets.selections import bind_dataset
from dsvc.engine.making.binding import bind_step, find_derived
from dsvc.engine.making.drafts import drop_dataset, drop_derived
from dsvc.engine.making.explain import explain_transform
from dsvc.engine.making.loading import Loader
from dsvc.engine.making.report import ProgressCall
from dsvc.engine.reading.facts import PinnedFacts
from dsvc.engine.reading.inputs import find_signal
from dsvc.engine.run import run
from dsvc.engine.verifying.comparing import Compared, compare
from dsvc.errors import DeriveError, PluginError, RecipeError
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.snapshot import Dataset, Signal
from dsvc.plugins.manager import Plugins
from dsvc.recipe.nodes import get_node
from dsvc.recipe.spec import Recipe
from dsvc.repo.base import BaseRepository
from dsvc.repo.draft import Draft, DraftEdit, encode_draft
from dsvc.repo.history import NOTE_AS_IS
from dsvc.repo.layout import Layout
from dsvc.repo.refs import DRAFT_REVISION, DRAFTS, FIRST_BRANCH, HEAD, symbolic
from dsvc.repo.view import View
from dsvc.store.base import RefChange
from dsvc.store.overlay import OverlayStore

COMMAND = "reproduce"
EQUAL, DIFFERS, STALE, REFUSED = "equal", "differs", "stale", "refused"
STEP, DATASET = "step", "dataset"
CHANGED_INPUTS = "its inputs have changed since it was made"


@dataclass(frozen=True)
class Rederived:
    """How one step or dataset came out when it was made again."""

    name: str
    what: str
    """``step`` or ``dataset``."""
    status: str
    """``equal``; ``differs``; ``stale``, as what is stored was never made from these inputs by this step; ``refused``,
    as it cannot be made here. The last two were not compared."""
    why: str = ""
    """Of what was not compared: why."""
    hint: str | None = None
    transform: Oid = ZERO
    ran: int = 0
    """Records that the transform was called for; of a dataset, sources that were evaluated."""
    kept: Oid = ZERO
    """Id of the stored signal or dataset; zero for one without records."""
    made: Oid = ZERO
    """Id of what came out."""
    kept_value: Oid = ZERO
    """Value id of the stored signal, or of the stored selection."""
    made_value: Oid = ZERO
    compared: Compared = field(default_factory=Compared)
    """What differs, record by record."""
    seconds: float = 0.0


@dataclass
class Rederiving:
    """Makes parts of one version again.

    Attributes:
        repo: The repository; nothing of it is changed.
        view: The version.
        recipe: Its recipe.
        plugins: Offers transforms.
        rows: Differing records of each part to tell of.
        progress: Told how far each part is.
        clock: Seconds.
    """

    repo: BaseRepository
    view: View
    recipe: Recipe
    plugins: Plugins
    rows: int
    progress: ProgressCall | None = None
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._facts = PinnedFacts(self.repo.store, self.view)
        self._loader = Loader(self.recipe, self.plugins, self._facts)

    @property
    def _may_be_stale(self) -> bool:
        """Whether what is stored need not follow from its inputs: in a draft, and in what was committed as it was."""
        commit = self.view.commit
        return self.view.revision == DRAFT_REVISION or commit is None or NOTE_AS_IS in dict(commit.notes)

    def iter_all(self, steps: Collection[str], datasets: Collection[str]) -> Iterator[Rederived]:
        """Yield how steps and datasets come out, each after those it reads."""
        for what, names in ((STEP, steps), (DATASET, datasets)):
            for name in names:
                began = self.clock()
                try:
                    made = (self._step if what == STEP else self._dataset)(name)
                except (DeriveError, PluginError, RecipeError) as err:
                    made = Rederived(name, what, REFUSED, err.message, err.hint)
                yield replace(made, seconds=self.clock() - began)

    def _step(self, name: str) -> Rederived:
        with self._open_scratch() as store:
            scratch = self._scratch(store)
            before = scratch.view(DRAFT_REVISION)
            bound = bind_step(scratch, before, self._loader, get_node(self.recipe, name))
            if bound is None and before.signal(name) is not None:
                return Rederived(name, STEP, STALE, "its inputs are gone")
            if bound is not None and bound.was is not None and bound.was.transform != bound.transform:
                is_foreign = bound.spec.kind == "transform"
                why = f"it was made otherwise: {explain_transform(before, self._loader, bound)}"
                hint = f"install the version of {bound.spec.code!r} that made it" if is_foreign else None
                return Rederived(name, STEP, STALE if self._may_be_stale else REFUSED, why, hint)
            after, ran = self._run(scratch, name, drop_derived)
            was_made = bound is not None and find_derived(before, name) is not None
            if not was_made and after.signal(name) is not None:
                return Rederived(name, STEP, STALE, "it has not been made yet")
            kept, made = before.signal(name), after.signal(name)
            is_equal = before.signals.get(name) == after.signals.get(name)
            if not is_equal and self._may_be_stale and bound is not None and not bound.is_current:
                return Rederived(name, STEP, STALE, CHANGED_INPUTS)
            compared = Compared()
            if not is_equal:
                compared = compare(after.reader, kept, made, self.rows, (_waiting(before, name), _waiting(after, name)))
            return Rederived(
                name,
                STEP,
                EQUAL if is_equal else DIFFERS,
                transform=ZERO if bound is None else bound.transform,
                ran=ran,
                kept=before.signals.get(name, ZERO),
                made=after.signals.get(name, ZERO),
                kept_value=_value_id(kept),
                made_value=_value_id(made),
                compared=compared,
            )

    def _dataset(self, name: str) -> Rederived:
        with self._open_scratch() as store:
            scratch = self._scratch(store)
            before = scratch.view(DRAFT_REVISION)
            bound = bind_dataset(before, self._loader, self.recipe.datasets[name])
            if bound.was is None:
                return Rederived(name, DATASET, STALE, "it has not been made yet")
            if bound.was.definition != bound.definition:
                return Rederived(name, DATASET, STALE, "its definition has changed since it was made")
            after, ran = self._run(scratch, name, drop_dataset)
            kept, made = _selection(before, name), _selection(after, name)
            is_equal = before.datasets.get(name) == after.datasets.get(name)
            if not is_equal and self._may_be_stale and not bound.is_current:
                return Rederived(name, DATASET, STALE, CHANGED_INPUTS)
            return Rederived(
                name,
                DATASET,
                EQUAL if is_equal else DIFFERS,
                transform=bound.transform,
                ran=ran,
                kept=before.datasets.get(name, ZERO),
                made=after.datasets.get(name, ZERO),
                kept_value=_value_id(kept),
                made_value=_value_id(made),
                compared=Compared() if is_equal else compare(after.reader, kept, made, self.rows),
            )

    def _run(self, scratch: BaseRepository, name: str, drop: Callable[[View, str], DraftEdit]) -> tuple[View, int]:
        """Make one part that is not there, and return the version with it, and how much ran."""
        scratch.edit_draft(lambda view, _: drop(view, name), command=COMMAND)
        # What a run has to say of its workers has been said by the one that made what is stored.
        how: dict[str, Any] = {"progress": self.progress, "notice": lambda _: None, "facts": self._facts}
        report = run(scratch, self.recipe, self.plugins, only=[name], **how)
        ran = report.ran + sum(dataset.evaluated for dataset in report.datasets)
        return scratch.view(DRAFT_REVISION), ran

    def _open_scratch(self) -> OverlayStore:
        return OverlayStore(self.repo.store, self.repo.layout.tmp)

    def _scratch(self, store: OverlayStore) -> BaseRepository:
        """Return a repository without traces whose draft is the version."""
        commit = self.view.commit_id
        draft = encode_draft(Draft(commit, self.view.root_id, self.view.state_id))
        label = FIRST_BRANCH if commit is None else HEAD
        head = symbolic(FIRST_BRANCH) if commit is None else commit
        store.refs.update([RefChange(HEAD, None, head), RefChange(DRAFTS + label, None, draft)])
        layout = Layout(self.repo.layout.tmp / "beside")
        return BaseRepository(layout, store, author=self.repo.author, clock=self.repo.clock)


def _waiting(view: View, name: str) -> Signal | None:
    return find_signal(view.reader, view.waiting.get(name, ZERO))


def _selection(view: View, name: str) -> Signal | None:
    oid = view.datasets.get(name)
    return None if oid is None else view.selection(get_object(view.reader, oid, Kind.DATASET, Dataset))


def _value_id(signal: Signal | None) -> Oid:
    return ZERO if signal is None else signal.value_id
