"""The draft as a run would leave it, as far as that is known before: made up in memory, step by step."""

from __future__ import annotations

from dsvc.engine.making.binding import Bound
from dsvc.engine.making.drafts import put_derived
from dsvc.engine.making.keysets import common_sources
from dsvc.engine.planning.forecast import StepForecast
from dsvc.engine.reading.scratch import Scratch
from dsvc.objects.encoding import hash_encoded, put_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.snapshot import Signal
from dsvc.objects.state import Derived
from dsvc.repo.draft import DraftEdit
from dsvc.repo.view import View

MOST_KNOWN = 2_000_000
"""Records that must run are kept by source up to so many; beyond, no record of the signal counts as known."""


class Foreseen:
    """A draft that is made up.

    Args:
        view: The draft as it is.
    """

    def __init__(self, view: View) -> None:
        self.scratch = Scratch(view.reader)
        """Takes what is made up."""
        self.view = view
        """The draft as it would be, as far as it is known."""
        self.unknown: dict[str, list[Keys] | None] = {}
        """Signal -> sources whose record is not known; None for all that it has."""
        self.stand_ins: dict[Oid, Signal] = {}
        """Root of a tree that only says which sources a signal will have -> the signal it is of."""

    def put_unknown(
        self, bound: Bound, sources: Signal | None, known: list[Keys] | None, waiting: Signal | None = None
    ) -> None:
        """Let a step's signal have the keys of `sources`, and records of which those in `known` are not known.

        Args:
            bound: The step.
            sources: The signal; its values are those of the step but for `known`.
            known: Ascending sources; None where no value is known, and `sources` may be of any type.
            waiting: Who waits for a record of the step.
        """
        if sources is None or sources.count == 0:
            self.put(bound, None, waiting)
            return
        name = bound.spec.name
        value_id = sources.value_id
        n_known = sum(map(len, known or ()))
        if n_known > MOST_KNOWN or n_known == sources.count:
            known = None  # of nothing that the signal has, which is told without a look at a source
        if known is None:
            value_id = hash_encoded(Kind.SIGNAL, ("unknown", name))
            self.stand_ins.setdefault(sources.tree, sources)
        self.put(bound, Signal(bound.type.encoded, sources.tree, value_id, sources.count), waiting)
        self.unknown[name] = known

    def find_everything(self, bound: Bound, forecast: StepForecast) -> Signal | None:
        """Return a signal with the sources of a step, where every one of them must run or may have to; else None."""
        base = bound.match.base
        had = 0 if base is None or base.output is None else base.output.count
        if forecast.reuse or 2 * forecast.upper < had:
            return None  # hardly, and which sources there are is not told for nothing
        sources = common_sources(self.scratch, bound.inputs, self.stand_ins)
        return sources if sources is not None and sources.count == forecast.upper else None

    def put(self, bound: Bound, signal: Signal | None, waiting: Signal | None = None) -> None:
        """Let a step's signal be this one, all of whose records are known."""
        oid = ZERO if signal is None else put_object(self.scratch, Kind.SIGNAL, signal)
        held = None if waiting is None else put_object(self.scratch, Kind.SIGNAL, waiting)
        self.edit(put_derived(self.view, Derived(bound.spec.name, ZERO, held), oid))

    def edit(self, edit: DraftEdit) -> None:
        """Apply an edit."""
        old = self.view
        root = put_object(self.scratch, Kind.ROOT, edit.root or old.root)
        state = put_object(self.scratch, Kind.STATE, edit.state or old.state)
        self.view = View(self.scratch, root, state, commit_id=old.commit_id, commit=old.commit, revision=old.revision)
