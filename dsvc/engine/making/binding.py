"""A step of the recipe bound to a draft: its inputs, output type and transform hash, and how its traces stand.

Binding costs a few small objects and no record: what is current is told by ids alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from dsvc.engine.making.loading import Loader
from dsvc.engine.making.traces import Match
from dsvc.engine.reading.facts import bind_facts
from dsvc.engine.reading.inputs import Inputs
from dsvc.engine.reading.scratch import Scratch
from dsvc.errors import DeriveError, ObjectNotFoundError
from dsvc.objects.encoding import get_object, hash_encoded
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.snapshot import Signal
from dsvc.objects.state import Derived
from dsvc.objects.trace import Trace
from dsvc.objects.types import Type
from dsvc.recipe.nodes import TaskNode
from dsvc.recipe.spec import StepSpec
from dsvc.repo.base import BaseRepository
from dsvc.repo.view import View


@dataclass(frozen=True)
class Bound:
    """A step that can have records, bound to a draft."""

    spec: StepSpec
    inputs: Inputs
    type: Type
    transform: Oid
    match: Match
    was: Trace | None
    """The trace that the draft's signal was made by, of whatever transform."""
    before: Signal | None
    """The draft's signal."""
    made_up: Scratch | None = None
    """Of a task: objects of the inputs that are not stored yet."""

    @property
    def is_current(self) -> bool:
        """Whether the draft's signal is what running the step would give."""
        return self.match.is_current


def bind_step(repo: BaseRepository, view: View, loader: Loader, spec: StepSpec) -> Bound | None:
    """Bind a step to a draft; None where no source can have a record, for want of inputs.

    Raises:
        DeriveError: If the step's name is that of a signal that was put by hand.
        SchemaError: If what its records are grouped by is a field that there is not.
    """
    derived = find_derived(view, spec.name)
    if derived is None and spec.name in view.source_signals and not is_ingested(view, spec.name):
        raise DeriveError(
            step=spec.name,
            reason=f"the signal {spec.name!r} holds records that were put by hand",
            hint="rename the step, or remove the signal's records",
        )
    # A step that needs nothing but pixels makes a record for every source, and so does a task that judges nothing.
    every_source = (spec.pixels or spec.kind == "task") and not spec.required
    inputs = Inputs.bind(view, spec.depends, spec.required, loader.declared_types, every_source=every_source)
    if not inputs.can_have_records:
        return None
    if spec.group is not None:
        inputs.type_of(spec.group)  # of a field that is not there every record would be alone, without a word
    was = None if derived is None else _find_trace(view, derived.trace)
    made_up = None
    if isinstance(spec, TaskNode):
        is_of_task = was is not None and was.transform == loader.transform_hash(spec, spec.spec.type)
        base = was if is_of_task else None
        inputs, made_up = bind_facts(loader.facts(repo), spec, inputs, base, loader.adapt(spec.spec))
    type_, transform = _identify(view, loader, spec, inputs, was)
    is_own = was is not None and was.transform == transform and was.output == view.signals.get(spec.name, ZERO)
    return Bound(
        spec,
        inputs,
        type_,
        transform,
        Match(
            inputs.reader,
            inputs,
            (derived.trace, was) if is_own and derived is not None and was is not None else None,
            lambda: repo.traces(transform),
            lambda: repo.traces(partial_ref(transform)),
            keeps_waiting=spec.kind == "task",
        ),
        was,
        view.signal(spec.name),
        made_up,
    )


def partial_ref(transform: Oid) -> Oid:
    """Return the name under which interrupted runs keep what they had made, beside the traces of `transform`."""
    return hash_encoded(Kind.TRANSFORM, ("partial", transform))


def find_derived(view: View, name: str) -> Derived | None:
    """Return how a derived signal of a draft was made."""
    return next((entry for entry in view.state.derived if entry.name == name), None)


def is_ingested(view: View, name: str) -> bool:
    """Tell whether a signal of a draft was ingested."""
    return any(entry.name == name for entry in view.state.ingested)


def _find_trace(view: View, oid: Oid) -> Trace | None:
    try:
        return get_object(view.reader, oid, Kind.TRACE, Trace)
    except ObjectNotFoundError:
        return None


def _identify(view: View, loader: Loader, spec: StepSpec, inputs: Inputs, was: Trace | None) -> tuple[Type, Oid]:
    """Return a step's output type and transform hash."""
    likely = None if spec.type is not None or was is None else _type_that_was(view, inputs, was)
    if was is not None and likely is not None and loader.transform_hash(spec, likely) == was.transform:
        # The same code on inputs of the same types: no need to ask it for its output type.
        return likely, was.transform
    type_ = loader.output_type(spec, inputs)
    return type_, loader.transform_hash(spec, type_)


def _type_that_was(view: View, inputs: Inputs, was: Trace) -> Type | None:
    """Return the type of what a trace made, if it had inputs of the types that they have now."""
    before = Inputs.of_trace(view.reader, inputs, was.inputs)
    for old, new in zip(before.items, inputs.items, strict=True):
        if (old.signal and old.signal.type) != (new.signal and new.signal.type):
            return None
    output = None if was.output == ZERO else get_object(view.reader, was.output, Kind.SIGNAL, Signal)
    return None if output is None else Type.decode(output.type)
