"""`[task.NAME]` and `[platform.NAME]` of `dsvc.toml`, read into their specs, and what a task means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from operator import mul
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from dsvc.recipe.dataset_keys import read_count, read_inner, read_number, read_share
from dsvc.recipe.expressions import Expression, parse_expression
from dsvc.recipe.paths import InputPath
from dsvc.recipe.sections import (
    check_options,
    finish_without_variables,
    place_of,
    read_formats,
    read_range,
    read_type,
)
from dsvc.recipe.spec import PIXELS
from dsvc.recipe.table import Table, shown
from dsvc.recipe.task_spec import (
    AuditSpec,
    Form,
    LotSpec,
    Metric,
    Nearness,
    OldAnswersSpec,
    OverlapSpec,
    PlatformSpec,
    ShownSpec,
    TaskSpec,
)
from dsvc.recipe.versions import VersionRange

if TYPE_CHECKING:
    from dsvc.objects.types import Type
    from dsvc.plugins.manager import Plugins

SIGMA: Final = Decimal("0.09")
"""Spread of a point, as a share of the object's size, where a recipe gives none."""
MAX_OVERLAP = 100
MAX_ROUNDS = 20
MAX_LOT = 1_000_000
PLAIN_LOT = 10_000
"""The plan of a lot of so many is found in no time, whatever is to be told apart."""
MOST_LOOKED_AT = 20_000
"""Larger lots must be told apart by so many: finding the plan of more would hold everything up."""
_NORMAL_95, _NORMAL_90 = Decimal("1.645"), Decimal("1.282")

_ASKED = ("boxes", "keypoints", "class", "rating", "text")
_METRICS: Final[Mapping[str, Metric]] = {"boxes": "iou", "keypoints": "oks", "rating": "within"}
_AGREE: Final[Mapping[str, str]] = {"boxes": "0.8", "keypoints": "0.9", "rating": "0"}
_MODES = ("label", "adjust", "verify")
_ON_FAIL = ("lot", "found", "hold")
_DURATION = re.compile(r"([1-9][0-9]{0,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PLATFORM_KEYS = ("plugin", "staging", "expiry", "hours", "holidays", "attempts")


def read_platform(table: Table, plugins: Plugins | None) -> PlatformSpec:
    """Return one `[platform.NAME]`; with `plugins`, its options are checked against the plugin's declaration."""
    plugin = table.require("plugin", "the name of a platform plugin, e.g. `files` or `label-studio`")
    holidays = table.texts("holidays", 'an array of days, e.g. `["2026-12-24"]`')
    for index, day in enumerate(holidays):
        if not _DAY.fullmatch(day):
            raise table.error(("holidays", index), "a day, e.g. `2026-12-24`", repr(day))
    spec = PlatformSpec(
        name=table.name,
        plugin=plugin,
        staging=table.text("staging", "where copies of images are put, e.g. `s3://bucket/prefix`"),
        expiry=table.text("expiry", "the staging store's own rule, e.g. `rolling`"),
        hours=table.text("hours", "when people work, e.g. `Mon-Fri 08:00-18:00 Europe/Berlin`"),
        holidays=holidays,
        attempts=read_count(table, "attempts", "a number of tries, 1 or more", least=1) or PlatformSpec.attempts,
        options=table.rest(),
    )
    if plugins is not None:
        check_options(table, plugins.get_platform(plugin).options, spec.options, also=_PLATFORM_KEYS)
    return spec


def read_task(table: Table) -> TaskSpec:
    """Return one `[task.NAME]`."""
    table.require("type", "the type of its answers, e.g. `boxes` or `rating(5)`")
    type_ = read_type(table)
    kind = str(type_).partition("(")[0]
    if type_ is None or kind not in _ASKED:
        expected = "a type that people can be asked for: boxes, keypoints(N), class(a, b), rating(N) or text"
        raise table.error("type", expected, repr(str(type_)))
    of = _read_of(table)
    mode: Form = _one_of(table, "mode", _MODES) or ("label" if of is None else "adjust")
    if of is None and mode != "label":
        raise table.error("mode", "`of` beside it: the signal whose values are shown", repr(mode))
    version = table.text("version") or TaskSpec.version
    accept = table.text("accept")
    spec = TaskSpec(
        name=table.name,
        type=type_,
        of=of,
        mode=mode,
        ask=_expression(table, "ask", "a condition over signals"),
        version=version,
        accept=VersionRange((("==", version),)) if accept is None else read_range(table, "accept", accept),
        formats=read_formats(table),
        resample=read_number(table, "resample", "a share from 0 to 1", 0, 1) or Decimal(0),
        answers=_read_answers(table),
        same=_read_nearness(table, "same", type_) or Nearness("equal"),
        overlap=_read_overlap(table),
        audit=_read_audit(table, type_, is_first=of is None),
        shown=_read_shown(table),
        platform=table.text("platform", "the name of a platform"),
        guideline=_read_guideline(table),
        priority=_priority(table),
        budget_s=_duration(table, "budget"),
    )
    finish_without_variables(table)
    if version not in spec.accept:
        raise table.error("accept", f"a range that has the task's own version, {version}", repr(accept))
    return spec


def _read_of(table: Table) -> InputPath | None:
    text = table.text("of", "the signal that is judged")
    if text is None:
        return None
    try:
        path = InputPath.parse(text)
    except ValueError as err:
        raise table.error("of", "a signal", repr(text)) from err
    if path.fields or path.circumstance or text == PIXELS:
        raise table.error("of", "a signal: its whole value is judged", repr(text))
    return path


def _expression(table: Table, key: str, expected: str) -> Expression | None:
    text = table.text(key, expected)
    return None if text is None else parse_expression(text, place_of(table, key))


def _one_of(table: Table, key: str, known: tuple[str, ...]) -> Any:
    value = table.text(key)
    if value is not None and value not in known:
        near = get_close_matches(value, known, 1)
        raise table.error(key, f"one of {', '.join(known)}", repr(value), nearest=near[0] if near else None)
    return value


def _read_answers(table: Table) -> OldAnswersSpec | None:
    inner = read_inner(table, "answers", '{ from = "labels", value = "boxes", annotator = "worker" }')
    if inner is None:
        return None
    feed = inner.require("from", "the name of a feed")
    inner.require("value", "the dotted path of the value")
    only = inner.table("only")
    for path, literal in only.items():
        if not isinstance(literal, str | int | float | bool) or not all(path.split(".")):
            expected = "a dotted path and the text, number or bool to find there"
            raise inner.error(("only", path), expected, shown(literal))
    spec = OldAnswersSpec(
        feed=feed,
        value=inner.path_text("value") or "",
        only=only,
        annotator=inner.path_text("annotator"),
        at=inner.path_text("at"),
        version=inner.path_text("version"),
        content_id=inner.path_text("content_id"),
    )
    inner.finish()
    return spec


def _read_nearness(table: Table, key: str, type_: Type) -> Nearness | None:
    kind, _, count = str(type_).partition("(")
    metric = _METRICS.get(kind)
    if metric is None:
        table.refuse((key,), f"two values of type {type_} are equal or not")
        return None
    inner = read_inner(table, key, f"{{ {metric} = {_AGREE[kind]} }}")
    if inner is None:
        return None
    if metric == "within":
        bound = inner.get(metric, int, "a number of steps, 0 or more")
        good = bound is not None and not isinstance(bound, bool) and bound >= 0
        if not good:
            raise inner.error(metric, "a number of steps, 0 or more", "nothing" if bound is None else shown(bound))
        inner.finish()
        return Nearness(metric, Decimal(bound))
    share = read_share(inner, metric)
    if share is None:
        near = next(iter(get_close_matches(metric, list(inner), 1)), None)
        inner.finish()
        raise inner.error(metric, "a share above 0 and at most 1", "nothing", nearest=near)
    sigmas = _read_sigmas(inner, int(count[:-1])) if metric == "oks" else ()
    inner.finish()
    return Nearness(metric, share, sigmas)


def _read_sigmas(table: Table, count: int) -> tuple[Decimal, ...]:
    given = table.get("sigma", object)
    expected = f"the spread of a point as a share of the object's size, or an array of {count}"
    values = [SIGMA] if given is None else given if isinstance(given, list) else [given]
    good = all(isinstance(v, Decimal) and v.is_finite() and 0 < v <= 1 for v in values)
    if not good or (isinstance(given, list) and len(given) != count):
        raise table.error("sigma", expected, shown(given))
    return tuple(values)


def _read_overlap(table: Table) -> OverlapSpec:
    inner = read_inner(table, "overlap", "{ min = 1, max = 3, until = 0.9 }")
    if inner is None:
        return OverlapSpec()
    people = f"a number of people, 1 to {MAX_OVERLAP}"
    least = read_count(inner, "min", people, least=1) or 1
    most = read_count(inner, "max", people, least=1) or least
    spec = OverlapSpec(least, most, read_share(inner, "until"), read_share(inner, "match") or OverlapSpec.match)
    inner.finish()
    if not least <= most <= MAX_OVERLAP:
        key = "max" if "max" in list(inner) else "min"
        raise inner.error(key, f"from `min` to {MAX_OVERLAP}", str(most))
    if spec.until is not None and most == least:
        raise inner.error("until", "`max` above `min`: it says when no more are asked", shown(spec.until))
    return spec


def _read_audit(table: Table, type_: Type, *, is_first: bool) -> AuditSpec | None:
    inner = read_inner(table, "audit", "{ sample = 0.1, max_error = 0.02 }")
    if inner is None:
        return None
    sample, reject = read_share(inner, "sample"), read_share(inner, "reject_error")
    if sample is None and reject is None:
        inner.require("sample", "the share of a lot that is looked at")
    max_error = read_number(inner, "max_error", "a share from 0 to 1", 0, 1)
    if max_error is None:
        inner.require("max_error", "the share of wrong values that a lot may have")
    kind = str(type_).partition("(")[0]
    spec = AuditSpec(
        sample=sample or Decimal(0),
        max_error=max_error or Decimal(0),
        reject_error=reject,
        agree=_read_nearness(inner, "agree", type_) or _agree(kind),
        on_fail=_one_of(inner, "on_fail", _ON_FAIL) or AuditSpec.on_fail,
        rounds=read_count(inner, "rounds", f"a number of audits, 1 to {MAX_ROUNDS}", least=1) or AuditSpec.rounds,
        mode=_one_of(inner, "mode", _MODES),
        people=is_first if (given := inner.get("people", bool)) is None else given,
        lot=_read_lot(inner),
    )
    inner.finish()
    if spec.rounds > MAX_ROUNDS:
        raise inner.error("rounds", f"a number of audits, 1 to {MAX_ROUNDS}", str(spec.rounds))
    if reject is not None and reject <= spec.max_error:
        raise inner.error("reject_error", f"more than `max_error`, {spec.max_error}", shown(reject))
    if reject is not None and spec.lot.size > PLAIN_LOT and _n_looked_at(spec.max_error, reject) > MOST_LOOKED_AT:
        expected = f"lots of {PLAIN_LOT:,} at most, or more between `max_error` and `reject_error`"
        raise inner.error("reject_error", expected, f"{shown(reject)}, {reject - spec.max_error} more than `max_error`")
    return spec


def _n_looked_at(max_error: Decimal, reject_error: Decimal) -> Decimal:
    """Return about how many of a lot must be looked at, however large it is, to tell a good one from a bad one."""
    spreads = ((share * (1 - share)).sqrt() for share in (max_error, reject_error))
    return (sum(map(mul, (_NORMAL_95, _NORMAL_90), spreads), Decimal(0)) / (reject_error - max_error)) ** 2


def _agree(kind: str) -> Nearness:
    if kind not in _METRICS:
        return Nearness("equal")
    return Nearness(_METRICS[kind], Decimal(_AGREE[kind]), (SIGMA,) if kind == "keypoints" else ())


def _read_lot(table: Table) -> LotSpec:
    inner = read_inner(table, "lot", '{ by = "face_detection._version", size = 2000, close_after = "7d" }')
    if inner is None:
        return LotSpec()
    spec = LotSpec(
        by=_expression(inner, "by", "an expression over signals"),
        size=read_count(inner, "size", f"a number of values, 1 to {MAX_LOT}", least=1) or LotSpec.size,
        close_after_us=(_duration(inner, "close_after") or 0) * 10**6 or LotSpec.close_after_us,
    )
    inner.finish()
    if spec.size > MAX_LOT:
        raise inner.error("size", f"a number of values, 1 to {MAX_LOT}", str(spec.size))
    return spec


def _read_shown(table: Table) -> ShownSpec:
    inner = read_inner(table, "image", '{ crop = "face_detection[1]", margin = 0.2, max_side = 1600 }')
    if inner is None:
        return ShownSpec()
    margin = read_number(inner, "margin", "a share of the box's side, 0 to 10", 0, 10)
    spec = ShownSpec(
        crop=_expression(inner, "crop", "an expression that is a box"),
        margin=margin or Decimal(0),
        max_side=read_count(inner, "max_side", "a number of pixels, 1 or more", least=1),
    )
    inner.finish()
    if margin is not None and spec.crop is None:
        raise inner.error("margin", "`crop` beside it: a margin is around a box", shown(margin))
    return spec


def _read_guideline(table: Table) -> str | None:
    path = table.text("guideline", "the path of a file beside dsvc.toml")
    if path is not None and (PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts):
        raise table.error("guideline", "a path inside the directory of dsvc.toml", repr(path))
    return path


def _priority(table: Table) -> int:
    value = table.get("priority", int, "an integer from -8 to 7")
    if isinstance(value, bool) or (value is not None and not -8 <= value <= 7):
        raise table.error("priority", "an integer from -8 to 7", shown(value))
    return value or 0


def _duration(table: Table, key: str) -> int | None:
    """Return a length of time in seconds."""
    text = table.text(key, "a length of time, e.g. `7d`, `12h` or `90m`")
    if text is None:
        return None
    match = _DURATION.fullmatch(text)
    if match is None:
        raise table.error(key, "a length of time, e.g. `7d`, `12h` or `90m`", repr(text))
    return int(match[1]) * _SECONDS[match[2]]
