"""A labeller for a terminal: ratings, classes, texts and verdicts, one question after another.

It is given questions of the platform `files` and gives lines for a file of answers beside them, so that a loop can be
tried alone. Boxes and points cannot be drawn here, but they can be judged. Every function is pure but `label`, which
reads lines and calls back with what to say and what to keep.

| typed | means |
| --- | --- |
| 1 to 9, or the beginning of a name | the rating, or the class |
| y, n, or `n: too large` | right, or wrong, and why |
| another value, where one is judged | wrong, and that is right; the value shown: right |
| anything, of a text | the text |
| s, or `s: too dark` | skip: it cannot be answered, and why |
| b | back to the question before |
| ? | the guideline |
| q, or the end of input | stop; what was answered is kept |
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from dsvc.annotation.answers.payloads import answer_type
from dsvc.annotation.platforms.exchange import time_text
from dsvc.plugins.platforms import Outcome

TEXT_SIGN: Final = "="
"""Before a text that would else be a command: `=s`."""

Command = Literal["skip", "back", "help", "quit"]
_COMMANDS: Mapping[str, Command] = {"b": "back", "?": "help", "q": "quit"}


@dataclass(frozen=True)
class Reply:
    """What somebody typed.

    Attributes:
        outcome: What it answers, None where it is a command or nothing that is understood.
        value: The value.
        reasons: Of a skip or a rejection.
        command: What it commands, None where it answers.
        problem: Why it is not understood, None where it is.
    """

    outcome: Outcome | None = None
    value: Any = None
    reasons: tuple[str, ...] = ()
    command: Command | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Tally:
    """What a session came to.

    Attributes:
        answered: Questions that were answered, skips included.
        left: Questions that were not.
        undrawable: Questions that a terminal cannot ask, which are left too.
    """

    answered: int
    left: int
    undrawable: int


def can_ask(ask: Mapping[str, Any]) -> bool:
    """Tell whether a question can be answered in a terminal: a verdict always, a value unless it must be drawn."""
    return ask.get("form") == "verify" or answer_type(str(ask["type"])).shape not in ("boxes", "keypoints")


def prompt(ask: Mapping[str, Any], number: int, total: int) -> list[str]:
    """Return the lines that ask a question."""
    lines = [f"[{number}/{total}] {ask['task']}  {ask['image']}"]
    if ask.get("reasons"):
        lines.append(f"  rejected before: {', '.join(ask['reasons'])}")
    lines += [f"  {name}: {text}" for name, text in (ask.get("context") or {}).items()]
    if ask.get("form") in ("adjust", "verify"):
        lines.append(f"  shown: {_told(ask.get('shown'))}")
    return [*lines, f"  {_choices(ask)}"]


def read_reply(ask: Mapping[str, Any], text: str) -> Reply:
    """Return what was typed to a question."""
    text = text.strip()
    if text in _COMMANDS:
        return Reply(command=_COMMANDS[text])
    word, _, why = text.partition(":")
    if word.strip() == "s":
        return Reply("skip", reasons=_reasons(why))
    if ask.get("form") == "verify":
        return _verdict(ask, text, word.strip().lower(), why)
    if not text:
        if ask.get("form") == "adjust" and ask.get("shown") is not None:
            return Reply("value", ask["shown"])
        return Reply(problem="type an answer, or ? for help")
    return _value(ask, text)


def answer_line(ask: Mapping[str, Any], reply: Reply, annotator: str, at_us: int, seconds: float) -> str:
    """Return the line that keeps a reply, with its line end."""
    document: dict[str, Any] = {"key": ask["key"], "annotator": annotator, "outcome": reply.outcome}
    if reply.value is not None:
        document["value"] = reply.value
    if reply.reasons:
        document["reasons"] = list(reply.reasons)
    document |= {"at": time_text(at_us), "seconds": round(seconds, 3)}
    return json.dumps(document) + "\n"


def label(
    asks: Sequence[Mapping[str, Any]],
    typed: Iterable[str],
    *,
    annotator: str,
    say: Callable[[str], object],
    keep: Callable[[str], object],
    clock: Callable[[], int],
    guideline: str = "",
) -> Tally:
    """Ask one question after another, until all are answered or nobody types any more.

    Args:
        asks: The questions, as `asks.jsonl` has them.
        typed: Lines; the end of it is the end of the session.
        annotator: Who types.
        say: Told what to show, a line at a time.
        keep: Given each line of answers, in the order in which they were given; answering again, after `b`, gives
            another line, and the later one counts.
        clock: Microseconds UTC.
        guideline: Shown for `?`.
    """
    todo = [ask for ask in asks if can_ask(ask)]
    lines = iter(typed)
    answered: set[int] = set()
    place = 0
    while place < len(todo):
        ask, began_us = todo[place], clock()
        for line in prompt(ask, place + 1, len(todo)):
            say(line)
        reply = _next(ask, lines, say, guideline)
        if reply is None:
            break
        if reply.command == "back":
            place = max(0, place - 1)
            continue
        now_us = clock()
        keep(answer_line(ask, reply, annotator, now_us, max(0, now_us - began_us) / 1_000_000))
        answered.add(place)
        place += 1
    return Tally(len(answered), len(asks) - len(answered), len(asks) - len(todo))


def _next(ask: Mapping[str, Any], lines: Iterator[str], say: Callable[[str], object], guideline: str) -> Reply | None:
    """Return the next reply that is understood; None where the session ends."""
    for text in lines:
        reply = read_reply(ask, text)
        if reply.command == "quit":
            return None
        if reply.command == "help":
            say(guideline or "There is no guideline.")
            say("s skips, b goes back, q stops.")
        elif reply.problem is not None:
            say(f"  {reply.problem}")
        else:
            return reply
    return None


def _choices(ask: Mapping[str, Any]) -> str:
    if ask.get("form") == "verify":
        return "right? y, n or n: why"
    type_ = answer_type(str(ask["type"]))
    keeps = ", or nothing to keep it" if ask.get("form") == "adjust" and ask.get("shown") is not None else ""
    if type_.shape == "rating":
        return f"1 to {type_.count}{keeps}"
    if type_.shape == "class":
        return ", ".join(f"{number} {name}" for number, name in enumerate(type_.names, start=1)) + keeps
    return f"a text{keeps}"


def _told(value: Any) -> str:
    """Return a value in short."""
    if not isinstance(value, list):
        return "nothing" if value is None else str(value)
    boxes = [item for item in value if isinstance(item, Mapping)]
    if len(boxes) < len(value):
        return f"{len(value)} of points"
    told = [f"{box.get('label') or 'box'} at {box['x']:g},{box['y']:g} of {box['w']:g} x {box['h']:g}" for box in boxes]
    return "; ".join(told) or "nothing there"


def _verdict(ask: Mapping[str, Any], text: str, word: str, why: str) -> Reply:
    if word in ("y", "yes"):
        return Reply("accept") if not why.strip() else Reply(problem="only n takes a reason")
    if word in ("n", "no"):
        return Reply("reject", reasons=_reasons(why))
    if text and answer_type(str(ask["type"])).shape in ("class", "rating"):
        given = _value(ask, text)
        if given.value is not None:
            return Reply("accept") if given.value == ask.get("shown") else Reply("reject", given.value)
    return Reply(problem="type y, n or n: why")


def _reasons(why: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in why.split(",") if part.strip())


def _value(ask: Mapping[str, Any], text: str) -> Reply:
    type_ = answer_type(str(ask["type"]))
    if type_.shape == "text":
        return Reply("value", text.removeprefix(TEXT_SIGN))
    if type_.shape == "rating":
        if text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= type_.count and len(text) <= 3:
            return Reply("value", int(text))
        return Reply(problem=f"type a number from 1 to {type_.count}")
    if text in type_.names:
        return Reply("value", text)
    if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= len(type_.names):
        return Reply("value", type_.names[int(text) - 1])
    found = [name for name in type_.names if name.startswith(text)]
    if len(found) == 1:
        return Reply("value", found[0])
    told = f"{text!r} could be {' or '.join(found)}" if found else f"there is no class {text!r}"
    return Reply(problem=told)
