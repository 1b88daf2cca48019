"""Every error that dsvc raises on purpose, its fields, its hint and its exit code.

    DsvcError                   1   root; never raised itself
      UserError                 1   what was asked for cannot be done as it was asked
        NotARepositoryError    10
        DatasetCheckError       3
        NotReproducibleError   18
      ConfigError               1   a setting is wrong; RecipeError: dsvc.toml, with line and nearest spelling
      RefConflictError         11   a compare-and-swap was lost; retryable
      ObjectNotFoundError      12
      IntegrityError           13   stored bytes are not what their id says
      UnsupportedFormatError   14   written by a newer or unknown dsvc
      StoreError               15   a store refused or failed
      PluginError              16   a plugin failed; the original is the cause
      SchemaError  FeedError  DeriveError  PlatformError    1

The whole tree is in docs/reference/errors.md, made from the classes. A command can also end with 0 done, 2 usage,
3 done but some records failed, 4 made again and not equal, 70 a bug in dsvc, 130 interrupted, 141 broken pipe. A bug
is no DsvcError.

A class lists its fields as annotations: they are the keyword arguments of its constructor. `text` makes the message
from the fields, once, and `advice` the hint, the next thing to type; where words depend on the fields, `describe`
and `suggest` are overridden. `message=` and `hint=` at the raise come first.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, dataclass_transform

_SHOWN = 5  # how many names of a longer list a message carries


def _short(oid: bytes | None) -> str:
    """Return the first 12 hex digits of an id, or `nothing` for none."""
    return "nothing" if oid is None else oid.hex()[:12]


def _ref_text(value: bytes | None) -> str:
    """Return a ref's value as a person reads it: an id in hex, a symbolic ref as text."""
    if value is None or len(value) == 32:
        return _short(value)
    return value.decode() if len(value) < 300 and value.isascii() else f"{len(value)} bytes"


def _some(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN:,} more"


@dataclass_transform(kw_only_default=True, eq_default=False)
class _FieldsError(Exception):
    """Gives each subclass a keyword-only constructor made from its annotations.

    `dataclasses` would do, but compiles a constructor per class: 10 ms at every start of the command line.
    """

    _names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = (name for name, kind in cls.__annotations__.items() if "ClassVar" not in str(kind))
        cls._names = (*cls._names, *(name for name in own if name not in cls._names))

    def __init__(self, **fields: Any) -> None:
        for name in self._names:
            if name in fields:
                setattr(self, name, fields.pop(name))
            elif not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} needs {name}=")
        if fields:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(fields)}")
        super().__init__()

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)  # for format_map

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), dict(self.__dict__))


def _restore(kind: type["DsvcError"], fields: dict[str, Any]) -> "DsvcError":
    """Return an error as it was, in another process."""
    err = kind.__new__(kind)
    err.__dict__.update(fields)
    err.args = (err.message,)
    return err


class DsvcError(_FieldsError):
    """Anything dsvc refuses or fails to do for a reason it knows."""

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False
    text: ClassVar[str] = ""
    advice: ClassVar[str] = ""

    message: str = ""
    hint: str | None = None

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self.message = self.message or self.describe()
        self.hint = self.hint or self.suggest()
        self.args = (self.message,)

    def describe(self) -> str:
        """Return what failed, on which thing, what was expected and what was found."""
        if not self.text:
            raise TypeError(f"{type(self).__name__} needs message=")
        return self.text.format_map(self)

    def suggest(self) -> str | None:
        """Return the next thing to type, or None."""
        nearest = getattr(self, "nearest", None)
        if nearest:
            return f"did you mean {nearest!r}?"
        return self.advice.format_map(self) if self.advice else None


class UserError(DsvcError):
    """What was asked for cannot be done as it was asked."""


class InvalidNameError(UserError, ValueError):
    """A name breaks the rule for names of its kind (`what`: branch, tag, signal, ...)."""

    what: str
    name: str
    rule: str
    text = "{name!r} is no name for a {what}: {rule}"


class NotARepositoryError(UserError):
    """There is no repository here or in any directory above."""

    exit_code = 10
    path: Path
    text = "no dsvc repository in {path} or above it"
    advice = "run `dsvc init` to make one, or name one with `-C DIR`"


class RepositoryExistsError(UserError):
    """A repository is already where one was to be made."""

    path: Path
    text = "{path} is a dsvc repository already"
    advice = "run `dsvc status` in it"


class MissingFileError(UserError):
    """A file or directory that was named does not exist."""

    path: Path
    what: str = "file"
    text = "{what} {path} does not exist"


class QueryError(UserError):
    """A query in SQL cannot be answered (`column`: the one that it wants and no table has)."""

    reason: str
    column: str | None = None
    nearest: str | None = None
    text = "this query cannot be answered: {reason}"
    advice = "run `dsvc sql` without a query to list tables and columns"


class RefNotFoundError(UserError, LookupError):
    """A revision names no commit, branch or tag."""

    revision: str
    nearest: str | None = None
    text = "revision {revision!r} not found"
    advice = "run `dsvc branch`, `dsvc tag` or `dsvc log` to see what there is"


class RefExistsError(UserError):
    """A branch or tag of this name exists."""

    what: str
    name: str
    text = "{what} {name!r} exists already"


class AmbiguousOidError(UserError):
    """A short id is the beginning of several ids."""

    prefix: str
    candidates: Sequence[str]
    advice = "give more digits"

    def describe(self) -> str:
        return f"{self.prefix!r} could be {_some(self.candidates)}"


class SignalNotFoundError(UserError, LookupError):
    """A version has no signal of this name."""

    signal: str
    revision: str = "HEAD"
    nearest: str | None = None
    text = "no signal {signal!r} in {revision}"
    advice = "run `dsvc show {revision}` to list its signals"


class DatasetNotFoundError(UserError, LookupError):
    """A version has no dataset of this name."""

    dataset: str
    revision: str = "HEAD"
    nearest: str | None = None
    text = "no dataset {dataset!r} in {revision}"
    advice = "run `dsvc dataset ls {revision}` to list them"


class SourceNotFoundError(UserError, LookupError):
    """A version has no source with this pointer."""

    pointer: str
    revision: str = "HEAD"
    near: Sequence[str] = ()
    text = "no source {pointer} in {revision}"
    advice = "run `dsvc read {revision} --limit 5` to see what pointers look like"

    def suggest(self) -> str | None:
        return f"the nearest: {', '.join(self.near)}" if self.near else super().suggest()


class RecordNotFoundError(UserError, LookupError):
    """A signal has no record for this source."""

    signal: str
    pointer: str
    revision: str = "HEAD"
    text = "{signal} has no record for {pointer} in {revision}"


class DirtyWorktreeError(UserError):
    """A switch would lose a draft or edited recipe files."""

    changes: Sequence[str]
    advice = "run `dsvc commit`, take them along with `dsvc switch -c NAME`, or drop them with `--discard`"

    def describe(self) -> str:
        return f"not committed: {_some(self.changes)}"


class NothingToCommitError(UserError):
    """The draft and the recipe equal the last commit."""

    branch: str
    text = "nothing to commit: the draft of {branch} equals its last commit"
    advice = "put, ingest or run first, or pass `--allow-empty`"


class StaleDraftError(UserError):
    """Derived signals or datasets do not follow from what they are derived from."""

    signals: Sequence[str] = ()
    datasets: Sequence[str] = ()
    advice = "run `dsvc plan` to see why and `dsvc run` to make them again, or commit with `--as-is`"

    def describe(self) -> str:
        parts = [f"signals {_some(self.signals)}"] if self.signals else []
        parts += [f"datasets {_some(self.datasets)}"] if self.datasets else []
        return f"stale: {'; '.join(parts)}"


class DatasetCheckError(UserError):
    """A version of a dataset does not pass the `check` that the recipe has for it (`failures`: check and found)."""

    exit_code = 3
    dataset: str
    revision: str
    failures: Sequence[str]
    advice = "see `dsvc dataset show {dataset} {revision}`, or edit its `check` in the recipe and commit that"

    def describe(self) -> str:
        return f"dataset {self.dataset!r} fails its check at {self.revision}: {'; '.join(self.failures)}"


class SignalOwnedError(UserError):
    """A put or remove on a signal that the recipe derives or ingests (`owner`: `step.x`, `signal.x`)."""

    signal: str
    owner: str
    text = "signal {signal!r} is made by [{owner}]; it cannot be put or removed by hand"
    advice = "edit [{owner}] in dsvc.toml, or put under another name"


class PointerError(UserError, ValueError):
    """A source is no valid pointer."""

    pointer: str
    rule: str

    def describe(self) -> str:
        shown = self.pointer if len(self.pointer) <= 80 else f"{self.pointer[:77]}..."
        return f"pointer {shown!r}: {self.rule}"


class ImageUnreadableError(UserError):
    """The image behind a pointer cannot be read; nothing of its bytes is in the message."""

    pointer: str
    reason: str
    is_away: bool = False
    """Whether it may well be read later: its store does not answer, or does not take our credentials."""

    def describe(self) -> str:
        shown = self.pointer if len(self.pointer) <= 200 else f"{self.pointer[:197]}..."
        return f"image {shown} cannot be read: {self.reason}"


class ImageChangedError(UserError):
    """The image behind a pointer is not the one that was ingested: its ETag is another."""

    pointer: str
    text = "the image changed since it was ingested: run `dsvc ingest`"


class CheckoutError(UserError):
    """Files cannot be written where they were asked for."""

    path: Path
    reason: str
    text = "cannot write to {path}: {reason}"


class ConfigError(DsvcError):
    """A setting is wrong or missing."""

    file: str
    key: str
    expected: str
    found: str | None = None

    @property
    def place(self) -> str:
        """Where the setting is."""
        return self.file

    def describe(self) -> str:
        found = "" if self.found is None else f", found {self.found}"
        return f"{self.place}: {self.key}: expected {self.expected}{found}"


class RecipeError(ConfigError):
    """The recipe says something that it cannot mean (`nearest`: the valid spelling closest to what was found)."""

    line: int | None = None
    nearest: str | None = None

    @property
    def place(self) -> str:
        """File and line."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


class NotRowWiseError(RecipeError):
    """An SQL expression needs more than one record (`construct`: aggregate, window, join, subquery, ...)."""

    construct: str
    expected: str = "an expression of one record"
    text = "{place}: {key}: expected {expected}, found {construct}"
    advice = "a step and a `where` see one source at a time"

    def describe(self) -> str:
        return self.text.format_map(self)


class SecretInRecipeError(RecipeError):
    """A literal password is in a recipe, which every commit would keep."""

    expected: str = "${NAME}"
    advice = "write {expected} instead, and set NAME in the environment"

    def describe(self) -> str:
        return f"{self.place}: {self.key} holds a password, and recipes are kept in every commit"


class NotReproducibleError(UserError):
    """A version cannot be derived again."""

    exit_code = 18
    revision: str
    reason: str
    text = "{revision} cannot be reproduced: {reason}"
    advice = "name a version that was committed with its recipe"


class RefConflictError(DsvcError):
    """A ref moved between reading and writing it; nothing was written."""

    exit_code = 11
    retryable = True
    ref: str
    expected: bytes | None
    found: bytes | None
    advice = "run the command again"

    def describe(self) -> str:
        return f"ref {self.ref} moved: expected {_ref_text(self.expected)}, found {_ref_text(self.found)}"


class ObjectNotFoundError(DsvcError, LookupError):
    """The store has no object of this id."""

    exit_code = 12
    oid: bytes
    kind: str = "object"
    store: str = "the store"

    def describe(self) -> str:
        return f"{self.kind} {self.oid.hex()} not found in {self.store}"


class IntegrityError(DsvcError):
    """Stored bytes are not what they must be."""

    exit_code = 13


class ChecksumMismatchError(IntegrityError):
    """The bytes stored under an id do not hash to it."""

    oid: bytes
    kind: str
    expected: bytes
    found: bytes
    store: str = "the store"
    advice = "restore the store from a copy; other objects are not affected"

    def describe(self) -> str:
        return f"{self.kind} {self.oid.hex()} in {self.store} is corrupt: its bytes hash to {_short(self.found)}"


class ObjectFormatError(IntegrityError):
    """Bytes cannot be decoded as the object that they are said to be."""

    kind: str
    reason: str
    oid: bytes | None = None

    def describe(self) -> str:
        which = "" if self.oid is None else f" {self.oid.hex()}"
        return f"{self.kind}{which} cannot be decoded: {self.reason}"


class UnsupportedFormatError(DsvcError):
    """Something was written in a format that this version does not know."""

    exit_code = 14
    what: str
    found: str
    supported: str
    text = "{what} has format {found}, this dsvc reads {supported}"
    advice = "update dsvc"


class StoreError(DsvcError):
    """A store refused or failed."""

    exit_code = 15
    store: str
    reason: str
    text = "store {store}: {reason}"


class StoreUnavailableError(StoreError):
    """A store does not answer now; the same call may work later."""

    retryable = True


class StorePermissionError(StoreError):
    """A store does not let us read or write."""

    advice = "reading takes locks: whoever uses a store needs the right to write there"


class StoreFullError(StoreError):
    """There is no room for what was to be written; nothing of it was."""

    advice = "make room and run the command again; what was there before is whole"


class PreconditionFailedError(StoreError):
    """A conditional write was refused."""


class StagingError(StoreError):
    """A staging store is not fit to hold copies of images."""

    advice = "run `dsvc annotate check`"


class SchemaError(DsvcError):
    """Values do not have the shape that is asked of them."""


class UnsupportedTypeError(SchemaError):
    """A type cannot be stored (`where`: the column or field that has it)."""

    type: str
    where: str
    text = "{where}: type {type} cannot be stored"
    advice = "cast it to a number, bool, string, binary, decimal, date, time, timestamp, duration, list or struct"


class SignalTypeError(SchemaError):
    """Values have another type than the signal has."""

    signal: str
    expected: str
    found: str
    text = "signal {signal!r} has type {expected}, found {found}"
    advice = "cast the values, or replace the signal whole with `dsvc put {signal} FILE --replace`"


class DuplicateSourceError(SchemaError):
    """One put has several rows for a source (`pointers`: the first such, of `n_duplicates`)."""

    signal: str
    pointers: Sequence[str]
    n_duplicates: int
    advice = "a source has one record of a signal: keep one row each, or put a list"

    def describe(self) -> str:
        more = self.n_duplicates - len(self.pointers)
        tail = f" and {more:,} more sources" if more > 0 else ""
        return f"put of {self.signal!r} has several rows for {', '.join(self.pointers)}{tail}"


class RecordTooLargeError(SchemaError):
    """One record's value is heavier than a record may be."""

    signal: str
    pointer: str
    size_bytes: int
    limit_bytes: int
    text = "{signal} of {pointer} weighs {size_bytes:,} bytes, a record at most {limit_bytes:,}"
    advice = "signals are facts about an image; keep large data in its own bucket and put its pointer"


class EncodedImageError(SchemaError):
    """A value looks like an encoded image, which never leaves its own bucket."""

    signal: str
    pointer: str
    format: str
    text = "{signal} of {pointer} looks like an encoded {format} image"
    advice = "put the image's pointer instead; images stay in their own bucket"


class FeedError(DsvcError):
    """A feed cannot be read."""

    feed: str
    reason: str
    text = "feed {feed!r}: {reason}"
    advice = "run `dsvc feed check {feed}`"


class DeriveError(DsvcError):
    """A step cannot be run."""

    step: str
    reason: str
    text = "step {step!r}: {reason}"


class TransformFailedError(DeriveError):
    """A transform failed on one record."""

    pointer: str
    text = "step {step!r} failed on {pointer}: {reason}"
    advice = "run `dsvc status --waiting` to see which records failed, and why"


class WorkerError(DsvcError):
    """A worker gave no result for a batch: it died, or cannot call the step at all."""

    reason: str
    text = "a worker {reason}"


class BatchLostError(DeriveError):
    """A step stopped because a worker gave no result for a batch; the cause is a `WorkerError`."""

    pointer: str
    text = "step {step!r}: a worker {reason}, at the batch that begins with {pointer}"
    advice = "what is finished is kept: `dsvc run` goes on from there; `dsvc try {step}` shows single records"


class RunningError(UserError):
    """Another process runs this repository's recipe."""

    exit_code = 17
    pid: int
    command: str
    text = "process {pid} is at work here: {command}"
    advice = "wait until it is done, or leave out `--no-wait`"


class PlatformError(DsvcError):
    """An annotation platform refuses what is asked of it."""

    platform: str
    reason: str
    text = "platform {platform!r}: {reason}"
    advice = "run `dsvc annotate check`"


class PlatformUnavailableError(PlatformError):
    """An annotation platform does not answer now; what was asked for may have happened all the same."""

    retryable = True
    advice = "run the command again later; nothing is asked twice"


class PluginError(DsvcError):
    """A plugin failed or breaks its contract; the original error is the cause."""

    exit_code = 16
    plugin: str
    hook: str
    reason: str
    text = "plugin {plugin!r}, {hook}: {reason}"


class PluginNotFoundError(PluginError, LookupError):
    """No installed plugin offers this name (`what`: feed, transform, ...)."""

    what: str
    hook: str = ""
    reason: str = ""
    available: Sequence[str] = ()
    nearest: str | None = None
    advice = "install the package that offers {plugin!r}"

    def describe(self) -> str:
        return f"no plugin offers the {self.what} {self.plugin!r}; there are: {', '.join(self.available) or 'none'}"


class AnswerFormatError(UserError):
    """An answer, or a value to be judged, is none of its task's type. It is kept aside, shown, and never dropped."""

    type: str
    reason: str
    text = "no answer of type {type}: {reason}"
