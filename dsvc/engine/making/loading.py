"""From what the recipe says of a step to its output type, its transform hash, and code that can be called."""

from __future__ import annotations

import inspect
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from dsvc.annotation.answers.adapting import Call, Unreadable, adapt_evidence
from dsvc.annotation.answers.evidence import Evidence
from dsvc.engine.making.annotations import annotated_type
from dsvc.engine.making.executors.work import Work, is_importable
from dsvc.engine.making.group_steps import PythonGroupBatchStep, PythonGroupStep, TransformGroupStep
from dsvc.engine.making.steps import PythonBatchStep, PythonStep, SqlStep, Step, TransformStep, tell
from dsvc.engine.making.task_step import TaskStep
from dsvc.engine.reading.facts import Adapt, Facts, LedgerFacts
from dsvc.engine.reading.inputs import Inputs
from dsvc.errors import AnswerFormatError, DeriveError
from dsvc.objects.oid import Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.types import Type, parse_type
from dsvc.plugins.manager import Plugins
from dsvc.recipe.code import is_inside, split_reference
from dsvc.recipe.evaluate import SqlEvaluator
from dsvc.recipe.hashing import salted, source_digest, task_definition, transform_hash
from dsvc.recipe.nodes import TaskNode
from dsvc.recipe.python import Namespace
from dsvc.recipe.spec import Recipe, SignalSpec, StepSpec
from dsvc.recipe.task_spec import TaskSpec
from dsvc.repo.workspace import Workspace

_of_thread = threading.local()


class Loader:
    """Loads the steps of one recipe.

    Args:
        recipe: The recipe.
        plugins: Offers its transforms.
        facts: What people answered; what the ledger holds, when it is first asked for, if None.
    """

    def __init__(self, recipe: Recipe, plugins: Plugins, facts: Facts | None = None) -> None:
        self.recipe = recipe
        self._plugins = plugins
        self._facts = facts
        self._plain: dict[Oid, Oid] = {}
        """Salted transform hashes, and what they are without the salt, which records name."""
        self._opened: tuple[Namespace, str] | None = None

    @property
    def evaluator(self) -> SqlEvaluator:
        """The SQL engine of this thread, made on first use and kept: starting one takes longer than most runs."""
        evaluator: SqlEvaluator | None = getattr(_of_thread, "evaluator", None)
        if evaluator is None:
            evaluator = _of_thread.evaluator = SqlEvaluator()
        return evaluator

    def facts(self, repo: Workspace) -> Facts:
        """Return what people answered: one for all tasks, whoever answers meanwhile."""
        if self._facts is None:
            self._facts = LedgerFacts(repo.store)
        return self._facts

    def adapt(self, task: TaskSpec) -> Adapt:
        """Return what reads answers of old versions of a task as today's; those that it cannot read do not count."""
        call = self._call(task) if task.formats else None
        return (lambda known: adapt_evidence(task, known, call)[0]) if call else (lambda known: known)

    def unreadable(self, task: TaskSpec, known: Evidence) -> Sequence[Unreadable]:
        """Return the answers of old versions that cannot be read as today's."""
        return adapt_evidence(task, known, self._call(task) if task.formats else None)[1]

    def _call(self, task: TaskSpec) -> Call:
        """Return what calls the functions of `formats`."""
        namespace, _ = self._open()

        def call(reference: str, value: Any) -> Any:
            try:
                return namespace.load(reference)(value)
            except Exception as err:
                raise AnswerFormatError(type=task.type_text, reason=f"{reference}: {tell(err)}") from err

        return call

    def _open(self) -> tuple[Namespace, str]:
        """Return the recipe's modules as they are now, and a name for these under which workers hold theirs."""
        # A step's transform hash is that of its code when it begins, which may be long after the first step began.
        if self._opened is None or not self._opened[0].is_current:
            self._opened = Namespace(self.recipe.directory), uuid.uuid4().hex
        return self._opened

    def transform_hash(self, spec: StepSpec, type_: Type) -> Oid:
        """Return the transform hash of a step whose values are of a type, salted where the step says so."""
        if isinstance(spec, TaskNode):
            plain = task_definition(spec.spec, self.recipe.directory)
            # Two tasks may mean the same and ask under their own names.
            transform = salted(plain, f"task {spec.name}")
        else:
            plain = transform_hash(spec, type_, self.recipe.directory, self._plugins)
            transform = salted(plain, spec.salt)
        self._plain[transform] = plain
        return transform

    def output_type(self, spec: StepSpec, inputs: Inputs) -> Type:
        """Return the type of a step's values: as declared, else as its code tells.

        Raises:
            RecipeError: If neither says, which only Python functions leave open.
            DeriveError: If the SQL engine refuses the step for inputs of these types.
        """
        if spec.type is not None:
            return spec.type
        if spec.kind == "transform":
            return parse_type(self._plugins.get_transform(spec.code).output)
        if spec.select is not None:
            types = {path: inputs.type_of(path) for path in spec.inputs}
            return self.evaluator.output_type(spec.select, types, signal=spec.name)
        per_member = spec.scope != "record"
        annotated = None if spec.batch else annotated_type(spec.code, self.recipe.directory, per_member=per_member)
        if annotated is None:
            note = " `-> list[TYPE]`" if per_member else ""
            expected = (
                "the type of its values" if spec.batch else f"the type of its values, or a return annotation{note}"
            )
            raise self.recipe.error(
                ("step", spec.name, "type"),
                expected,
                hint='add `type = "float64"`, or whatever the function returns; a type that was guessed from some '
                "values would not be the same in every repository",
            )
        return annotated

    @cached_property
    def declared_types(self) -> Mapping[str, Type]:
        """The types that the recipe declares, by signal."""
        recipe = self.recipe
        specs: list[SignalSpec | StepSpec | TaskSpec] = [*recipe.signals.values(), *recipe.steps.values()]
        specs += recipe.tasks.values()
        return {spec.name: spec.type for spec in specs if spec.type is not None}

    def provenance(self, spec: StepSpec, transform: Oid) -> Provenance:
        """Return the provenance of a step's records; of a task's, of those that no person gave nor judged."""
        version = self._plugins.get_transform(spec.code).version if spec.kind == "transform" else spec.version
        return Provenance("step", spec.producer, version or "0", self._plain.get(transform, transform))

    def load(self, spec: StepSpec, type_: Type, transform: Oid) -> Step:
        """Return a step that can be called, here and, as far as its code can be found there, elsewhere."""
        provenance = self.provenance(spec, transform)
        if isinstance(spec, TaskNode):
            return TaskStep(spec, type_, provenance, self.evaluator, self.adapt(spec.spec))
        if spec.kind == "sql":
            return SqlStep(spec, type_, provenance, self.evaluator)
        began = time.perf_counter()
        step = self._load(spec, type_, provenance)
        step.load_s = time.perf_counter() - began
        return step

    def _load(self, spec: StepSpec, type_: Type, provenance: Provenance) -> Step:
        directory = self.recipe.directory
        namespace, session = self._open()
        if spec.kind == "transform":
            kind = self._plugins.get_transform(spec.code)
            maker = TransformStep if spec.scope == "record" else TransformGroupStep
            step: Step = maker(spec, type_, provenance, kind)
            if is_importable(kind.__module__) and "<locals>" not in kind.__qualname__:
                step.work = Work(maker, spec, type_, provenance, directory, session, transform=kind)
            return step
        function: Callable[..., Any] = namespace.load(spec.code)
        self._check_call(spec, function)
        caller: type[PythonStep | PythonBatchStep] = PythonBatchStep if spec.batch else PythonStep
        if spec.scope != "record":
            caller = PythonGroupBatchStep if spec.batch else PythonGroupStep
        step = caller(spec, type_, provenance, function)
        if is_inside(spec.code, directory) or is_importable(split_reference(spec.code)[0]):
            source = source_digest(spec, directory)
            step.work = Work(caller, spec, type_, provenance, directory, session, source=source)
        return step

    def confirm(self, spec: StepSpec, type_: Type, transform: Oid) -> None:
        """Check that a step that was loaded is the one of a transform hash: its files may be written meanwhile.

        Raises:
            DeriveError: If it is another by now.
        """
        if self.transform_hash(spec, type_) != transform:
            raise DeriveError(step=spec.name, reason="its code changed while it was loaded", hint="run it again")

    def _check_call(self, spec: StepSpec, function: Callable[..., Any]) -> None:
        """Check that a function takes a step's inputs and parameters, before it would fail on every record.

        Raises:
            RecipeError: If it does not.
        """
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):  # some callables of other languages do not tell
            return
        inputs = ["a batch"] if spec.batch else [str(path) for path in spec.inputs]
        try:
            signature.bind(*inputs, **spec.parameters)
        except TypeError as err:
            known = [name for name in signature.parameters if name not in spec.parameters]
            wrong = next((name for name in spec.parameters if name not in signature.parameters), None)
            raise self.recipe.error(
                ("step", spec.name, "parameters") if spec.parameters else ("step", spec.name),
                f"what {spec.code}{signature} can be called with",
                str(err),
                nearest=next(iter(get_close_matches(wrong, known, 1)), None) if wrong else None,
            ) from err
