"""What a recipe says of platforms, made ready for work: the platform itself, its staging store, hours, expiry.

Making it opens nothing that is not needed: directories and connections are opened by the first call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Final

from dsvc.annotation.keeping.guidelines import guideline_id, read_guideline
from dsvc.annotation.opstores.base import OpStore
from dsvc.annotation.opstores.lmdb import LmdbOpStore
from dsvc.annotation.opstores.mongo import MongoOpStore
from dsvc.annotation.staging.expiry import Expiry
from dsvc.annotation.staging.local import LocalStaging
from dsvc.annotation.staging.s3 import S3Staging
from dsvc.annotation.staging.store import StagingStore
from dsvc.annotation.turns.calendar import ALWAYS, Calendar
from dsvc.errors import ConfigError
from dsvc.objects.oid import Oid
from dsvc.plugins.manager import Plugins
from dsvc.plugins.options import fill_options
from dsvc.plugins.platforms import Platform, TaskForm
from dsvc.recipe.secrets import expand_env
from dsvc.recipe.spec import Recipe
from dsvc.recipe.task_spec import PlatformSpec, TaskSpec

DEFAULT: Final = PlatformSpec("files", "files")
"""Where a task is asked that names no platform, in a recipe that has none."""
REASONS: Final = ("wrong", "missing", "imprecise", "unclear image")
"""Why a value can be rejected."""
STATE: Final = "annotation"
"""The directory below ``.dsvc`` with the state of work in progress; it may be deleted at any moment."""
_DAILY = re.compile(r"daily (\d\d):(\d\d)")
_DATABASE = re.compile(r"mongodb(?:\+srv)?://[^/?]+/([^/?]+)(?:\?.*)?")


class Outfit:
    """One platform of a recipe, with what its work needs.

    Args:
        spec: What the recipe says.
        recipe: The recipe.
        plugins: Offers the platform.
        environ: What ``${NAME}`` stands for.
        clock: Microseconds UTC; the machine's if None.

    Raises:
        ConfigError: If the recipe says something of it that is not understood.
    """

    def __init__(
        self,
        spec: PlatformSpec,
        recipe: Recipe,
        plugins: Plugins,
        environ: Mapping[str, str],
        clock: Callable[[], int] | None = None,
    ) -> None:
        self.spec, self._clock = spec, clock
        self.directory = recipe.directory
        kind = plugins.get_platform(spec.plugin)
        place = f"platform.{spec.name}"
        options = expand_env(fill_options(kind.options, spec.options), environ, key=place)
        self.platform: Platform = kind(spec.name, options, recipe.directory)
        self.calendar = Calendar(spec.hours or ALWAYS, [read_day(day, place) for day in spec.holidays])
        self.expiry = read_expiry(spec.expiry, place)
        self.tasks = tuple(task for task in recipe.tasks.values() if platform_of(recipe, task) == spec)
        self._staging = None if spec.staging is None else str(expand_env(spec.staging, environ, key=f"{place}.staging"))

    @property
    def wants_copies(self) -> bool:
        """Whether it shows staged copies, rather than images by their own pointers."""
        return self.platform.capabilities.image != "pointer"

    @cached_property
    def staging(self) -> StagingStore | None:
        """Where copies are staged; None where none are.

        Raises:
            ConfigError: If the platform shows copies and the recipe does not say where.
        """
        if self._staging is None:
            if self.wants_copies:
                raise ConfigError(
                    file="dsvc.toml",
                    key=f"platform.{self.spec.name}.staging",
                    expected="where copies of images are put, e.g. `s3://bucket/prefix`: this platform shows copies",
                    found="nothing",
                )
            return None
        return open_staging(self._staging, self.directory, self.spec.expiry, self._clock)

    def form(self, task: TaskSpec) -> TaskForm:
        """Return what all questions of a task have in common."""
        return TaskForm(task.name, task.version, task.type_text, (), REASONS, self.guideline(task) or "")

    def guideline(self, task: TaskSpec) -> str | None:
        """Return a task's guideline; None where there is none, or no file.  `check` tells of that."""
        return read_guideline(self.directory, task)

    def guideline_id(self, task: TaskSpec) -> Oid | None:
        """Return what an answer says of the guideline that it was given under."""
        text = self.guideline(task)
        return None if text is None else guideline_id(text)


def platform_of(recipe: Recipe, task: TaskSpec) -> PlatformSpec:
    """Return where a task is asked: on the platform it names, the only one there is, or in files.

    Raises:
        ConfigError: If it names none, and there are several.
    """
    if task.platform is not None:
        return recipe.platforms[task.platform]
    if len(recipe.platforms) > 1:
        names = ", ".join(recipe.platforms)
        key = f"task.{task.name}.platform"
        raise ConfigError(file="dsvc.toml", key=key, expected=f"one of {names}", found="nothing")
    return next(iter(recipe.platforms.values()), DEFAULT)


def outfits(
    recipe: Recipe, plugins: Plugins, environ: Mapping[str, str], clock: Callable[[], int] | None = None
) -> list[Outfit]:
    """Return the platforms that some task of a recipe is asked on, in the order of the tasks."""
    specs = {spec.name: spec for spec in (platform_of(recipe, task) for task in recipe.tasks.values())}
    return [Outfit(spec, recipe, plugins, environ, clock) for spec in specs.values()]


def read_expiry(text: str | None, place: str = "platform") -> Expiry:
    """Return how long staged copies live: `rolling`, `midnight` or `daily HH:MM` (UTC).

    Raises:
        ConfigError: If it is none of these.
    """
    if text in (None, "rolling"):
        return Expiry()
    if text == "midnight":
        return Expiry("lifecycle")
    match = _DAILY.fullmatch(text or "")
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        expected = "`rolling`, `midnight` or `daily HH:MM`"
        raise ConfigError(file="dsvc.toml", key=f"{place}.expiry", expected=expected, found=repr(text))
    return Expiry("daily sweep", int(match[1]) * 60 + int(match[2]))


def open_staging(
    address: str, directory: Path, declared_rule: str | None, clock: Callable[[], int] | None = None
) -> StagingStore:
    """Return a staging store: ``s3://bucket/prefix``, or a directory, relative to the recipe's."""
    if address.startswith("s3://"):
        bucket, _, prefix = address.removeprefix("s3://").partition("/")
        return S3Staging(bucket, prefix, declared_rule=declared_rule)
    return LocalStaging(directory / address.removeprefix("file://"), cleaned_by=declared_rule, clock=clock)


def open_ops(path: Path, address: str | None = None) -> OpStore:
    """Return the store of work in progress: a directory, or ``mongodb://host/database?options`` for a team."""
    match = _DATABASE.fullmatch(address or "")
    return LmdbOpStore(path) if match is None else MongoOpStore(address or "", match[1])


def read_day(text: str, place: str) -> date:
    """Return a day without work.

    Raises:
        ConfigError: If it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        expected = "a day that there is, e.g. `2026-12-24`"
        raise ConfigError(file="dsvc.toml", key=f"{place}.holidays", expected=expected, found=repr(text)) from None
