"""Identities of what a recipe says: transform hashes of steps and signals, and definitions of what is read and kept.

Each is H of nested lists of texts, integers and bytes, laid out below. Names that a recipe gives to feeds, steps and
splits, addresses, and `${NAME}` are in none of them; so two recipes that mean the same have the same identities.

    step                transform   step, kind, producer, code, parameters, version, inputs, output, environment, files,
                                    and for a group or global step [scope, group]
    ingested signal     transform   ingest, value or fields, type, adapters
    signal definition   definition  signal, value or fields, type, version, producer, only, accept, adapters, content_id
    dataset definition  definition  dataset, where, columns, split, and what it says of from, sample, take, unnest,
                                    image
    sample              definition  sample, max, per, seed
    task definition     task        type, of, mode, ask, version, accept, formats, resample, answers, same, overlap,
                                    audit, image
    feed meaning        definition  feed, plugin, deciding options, filter, pointer, content_id, size, modified, cursor,
                                    about

Source: docs/reference/identities.md
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dsvc.errors import RecipeError
from dsvc.objects.encoding import HEADER_BYTES, encode_object, hash_encoded
from dsvc.objects.oid import Kind, Oid, hash_object
from dsvc.plugins.options import fill_options
from dsvc.recipe.code import code_digest, is_inside
from dsvc.recipe.spec import PIXELS, DatasetSpec, FeedSpec, SampleSpec, SignalSpec, SplitSpec, StepSpec
from dsvc.recipe.task_spec import AuditSpec, Nearness, OldAnswersSpec, TaskSpec
from dsvc.recipe.versions import VersionRange

if TYPE_CHECKING:
    from dsvc.objects.types import Type
    from dsvc.plugins.contracts import Feed
    from dsvc.plugins.manager import Plugins
    from dsvc.recipe.expressions import Expression

Plain = list[Any]


def transform_hash(step: StepSpec, output: Type | None, directory: Path, plugins: Plugins) -> Oid:
    """Return the identity of a step as it is configured. Its name and the values it reads are no part of it.

    Args:
        step: The step.
        output: The type of its values; None where only its values will tell.
        directory: Where `dsvc.toml`, the step's Python files and its declared files are.
        plugins: Offers the transform of a step that names one.

    Raises:
        RecipeError: If its code or a declared file cannot be read.
        PluginNotFoundError: If its transform is not installed.
    """
    version, parameters = step.version, step.parameters
    if step.kind == "transform":
        transform = plugins.get_transform(step.code)
        version, parameters = transform.version, fill_options(transform.parameters, parameters)
    # An optional input lets a step have records for other sources: it is another step.
    named = [f"{path}?" if path in step.optional else str(path) for path in step.inputs]
    inputs = [*([PIXELS] if step.pixels else []), *named]
    return hash_encoded(
        Kind.TRANSFORM,
        [
            "step",
            step.kind,
            step.producer,
            _code(step, directory),
            encode_value(parameters),
            _optional(version),
            inputs,
            _type(output),
            encode_value(step.environment),
            [[file, _file_digest(step, file, directory)] for file in step.files],
            *_scope(step),
        ],
    )


def _scope(step: StepSpec) -> Plain:
    """Return what is made at once; nothing for a step of records, which had its identity before there were others."""
    return [] if step.scope == "record" else [[step.scope, "" if step.group is None else str(step.group)]]


def salted(transform: Oid, salt: str) -> Oid:
    """Return what a step's traces are kept under: its transform hash, or another name for each salt.

    Records name the transform hash itself, so an equal result under another salt is an equal version.
    """
    return hash_encoded(Kind.TRANSFORM, ["salt", transform, salt]) if salt else transform


def source_digest(step: StepSpec, directory: Path) -> Oid | None:
    """Return the digest of a Python step's code, whatever it declares; None where it cannot be told.

    Kept beside a declared version, so that a change of code without a change of version can be reported.
    """
    if step.kind != "python" or not is_inside(step.code, directory):
        return None
    try:
        return code_digest(step.code, directory)
    except RecipeError:
        return None


def _code(step: StepSpec, directory: Path) -> Plain:
    """Return what identifies a step's code."""
    if step.kind == "sql":
        return ["tokens", list(step.select.tokens if step.select else ())]
    if step.kind == "transform" or step.version is not None:
        # The producer and the version beside this are the code's identity.
        code: Plain = ["declared"]
    else:
        code = ["digest", code_digest(step.code, directory)]
    return [*code, "batch"] if step.batch else code


def _file_digest(step: StepSpec, file: str, directory: Path) -> Oid:
    header = encode_object(Kind.DEFINITION, "file")[:HEADER_BYTES] + b"file"
    try:
        with (directory / file).open("rb") as opened:
            if opened.seek(0, 2) == 0:
                return hash_object(Kind.DEFINITION, header)
            with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content, memoryview(content) as view:
                return hash_object(Kind.DEFINITION, header, view)
    except OSError as err:
        key = f"step.{step.name}.files"
        found = f"{file!r}: {err.strerror}"
        raise RecipeError(file="dsvc.toml", key=key, expected="files that can be read", found=found) from err


def ingest_hash(signal: SignalSpec, type_: Type, directory: Path) -> Oid:
    """Return the transform hash of an ingested signal's records: how a document becomes a value, and nothing else.

    Where the documents come from and which of them count is no part of it, so a live collection and its dump give
    equal records.

    Args:
        signal: The signal.
        type_: The type of its values, declared or found.
        directory: Where its adapters are.

    Raises:
        RecipeError: If an adapter cannot be read.
    """
    adapters = _adapters(signal, directory)
    return hash_encoded(Kind.TRANSFORM, ["ingest", _mapping(signal), _type(type_), adapters])


def signal_definition(signal: SignalSpec, directory: Path) -> Oid:
    """Return the identity of everything that decides which values a signal takes from documents.

    Where it differs from the one that was ingested, the feed must be read again. The feed's name is no part of it.

    Raises:
        RecipeError: If an adapter cannot be read.
    """
    return hash_encoded(
        Kind.DEFINITION,
        [
            "signal",
            _mapping(signal),
            _type(signal.type),
            _optional(signal.version),
            signal.producer,
            encode_value(signal.only),
            _range(signal.accept),
            _adapters(signal, directory),
            _optional(signal.content_id),
        ],
    )


def dataset_definition(dataset: DatasetSpec, split: SplitSpec | None) -> Oid:
    """Return the identity of what a dataset selects, shows and splits by.

    Args:
        dataset: The dataset.
        split: The split that it names.
    """
    return hash_encoded(
        Kind.DEFINITION,
        [
            "dataset",
            _expression(dataset.where),
            [[name, _expression(expression)] for name, expression in dataset.columns],
            selection_of(None if dataset.keeps_parts else split),
            *_narrowing(dataset),
        ],
    )


def _narrowing(dataset: DatasetSpec) -> Plain:
    """Return what else a dataset says; nothing for one that says no more than where, columns and split.

    Which dataset it is made from is not said: it is an input.
    """
    found: Plain = []
    if dataset.base is not None:
        found.append(["from", "parts" if dataset.keeps_parts else ""])
    if dataset.sample is not None:
        sample = dataset.sample
        share = [] if sample.share is None else [_share(sample.share)]
        most = [] if sample.max is None else [sample.max]
        found.append(["sample", share, most, _expression(sample.per), sample.seed])
    if dataset.take != DatasetSpec.take:
        found.append(["take", *dataset.take])
    if dataset.unnest is not None:
        found.append(["unnest", dataset.unnest])
    if dataset.image is not None:
        found.append(["image", list(msgspec.structs.astuple(dataset.image))])
    return found


def sample_hash(sample: SampleSpec) -> Oid:
    """Return the identity of keeping at most so many sources of some, whichever dataset does it."""
    return hash_encoded(Kind.DEFINITION, ["sample", sample.max, _expression(sample.per), sample.seed])


def selection_of(split: SplitSpec | None) -> Plain:
    """Return what a split means: its key, its parts in order with exact shares, and its seed."""
    if split is None:
        return []
    return [_expression(split.by), [[name, _share(share)] for name, share in split.parts], split.seed]


def task_definition(task: TaskSpec, directory: Path) -> Oid:
    """Return the identity of what a task asks and keeps. Where, how urgently and with which guideline is no part of it.

    Args:
        task: The task.
        directory: Where the adapters of its old answers are.

    Raises:
        RecipeError: If an adapter cannot be read.
    """
    overlap = task.overlap
    until = [] if overlap.until is None else [_share(overlap.until)]
    shown = [_expression(task.shown.crop), _share(task.shown.margin), encode_value(task.shown.max_side)]
    return hash_encoded(
        Kind.TASK,
        [
            _type(task.type),
            [] if task.of is None else [str(task.of)],
            task.mode,
            _expression(task.ask),
            task.version,
            _range(task.accept),
            [[_range(range_), reference, code_digest(reference, directory)] for range_, reference in task.formats],
            _share(task.resample),
            _old_answers(task.answers),
            _nearness(task.same),
            [overlap.min, overlap.max, until, _share(overlap.match)],
            _audit(task.audit),
            shown,
        ],
    )


def _old_answers(answers: OldAnswersSpec | None) -> Plain:
    """Return how documents become answers; the feed's name is no part of it."""
    if answers is None:
        return []
    paths = (answers.annotator, answers.at, answers.version, answers.content_id)
    return [answers.value, encode_value(answers.only), *map(_optional, paths)]


def _nearness(near: Nearness) -> Plain:
    return [near.metric, _share(near.bound), [_share(sigma) for sigma in near.sigmas]]


def _audit(audit: AuditSpec | None) -> Plain:
    if audit is None:
        return []
    reject = [] if audit.reject_error is None else [_share(audit.reject_error)]
    lot = [_expression(audit.lot.by), audit.lot.size, audit.lot.close_after_us]
    rates = [_share(audit.sample), _share(audit.max_error), reject]
    return [*rates, _nearness(audit.agree), audit.on_fail, audit.rounds, _optional(audit.mode), audit.people, lot]


def feed_meaning(feed: FeedSpec, plugin: type[Feed]) -> Oid:
    """Return the identity of which documents a feed has and how they name their sources; cursors belong to it.

    Args:
        feed: The feed.
        plugin: Its plugin, which says which options decide.
    """
    filled = fill_options(plugin.options, {key: feed.options[key] for key in feed.options if key in plugin.options})
    deciding = {key: filled[key] for key in plugin.meaning_keys if key in filled}
    paths = (feed.pointer, feed.content_id, feed.size, feed.modified, feed.cursor)
    about = [] if feed.about is None else [feed.about.field, feed.about.key]
    return hash_encoded(
        Kind.DEFINITION,
        ["feed", feed.plugin, encode_value(deciding), encode_value(feed.filter), *map(_optional, paths), about],
    )


def encode_value(value: object) -> Plain:
    """Return a setting as [type, value]: 1, 1.0, true and "1" differ; tables are sorted by key.

    Raises:
        TypeError: If it is of a type that TOML does not have.
    """
    if value is None:
        return ["none"]
    if isinstance(value, bool):
        return ["bool", int(value)]
    if isinstance(value, int):
        return ["int", str(value)]
    if isinstance(value, float):
        return ["float", struct.pack(">d", math.nan if math.isnan(value) else value)]
    if isinstance(value, str):
        return ["text", value]
    if isinstance(value, bytes):
        return ["bytes", value]
    if isinstance(value, datetime | date | time):
        return [type(value).__name__, value.isoformat()]
    if isinstance(value, Mapping):
        return ["table", [[key, encode_value(child)] for key, child in _sorted(value.items())]]
    if isinstance(value, list | tuple):
        return ["array", [encode_value(child) for child in value]]
    raise TypeError(f"a setting of type {type(value).__name__}")


def _sorted(items: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return sorted(items, key=lambda item: item[0].encode())


def _optional(text: str | None) -> Plain:
    return [] if text is None else [text]


def _type(type_: Type | None) -> Plain:
    return [] if type_ is None else [type_.name or "", type_.id]


def _mapping(signal: SignalSpec) -> Plain:
    return ["value", signal.value] if signal.value is not None else ["fields", [list(pair) for pair in signal.fields]]


def _adapters(signal: SignalSpec, directory: Path) -> Plain:
    own = [[_range(versions), reference, code_digest(reference, directory)] for versions, reference in signal.formats]
    # As with an installed transform, the version that a producer declares stands for its code.
    installed = [] if signal.adapter_version is None else [["producer", signal.producer, signal.adapter_version]]
    return [*own, *installed]


def _range(versions: VersionRange) -> Plain:
    return [list(clause) for clause in versions.clauses]


def _expression(expression: Expression | None) -> Plain:
    return [] if expression is None else list(expression.tokens)


def _share(share: Decimal) -> str:
    """Return a share as its shortest decimal: 0.8 and 0.80 are one."""
    return format(share.normalize(), "f") if share else "0"
