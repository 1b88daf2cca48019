"""Asking at the terminal: one question after another, with a way back.

What is asked is told by the path or address of the image: a terminal shows no pictures.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from dsvc.commands._render import count, hint, plain, say

if TYPE_CHECKING:
    from dsvc.annotation.labelling import OpenQuestion

UNDO: Final = "undo"
QUIT: Final = "quit"


class Labeller:
    """Asks questions, and yields what is typed.

    Whoever goes back and answers again gives a second answer to the same question; of a person the last one counts.

    Args:
        questions: What is asked.
        err: Whether to ask on stderr, because stdout is for programs.
    """

    def __init__(self, questions: Sequence[OpenQuestion], *, err: bool = False) -> None:
        self._questions = questions
        self._err = err
        self._answered: set[str] = set()

    def __iter__(self) -> Iterator[tuple[OpenQuestion, dict[str, Any], float]]:
        """Yield (question, the fields of an answer, seconds that it took); an answer is to be kept at once."""
        at = 0
        while at < len(self._questions):
            question, began = self._questions[at], time.monotonic()
            said = self._ask(question, at)
            if said == QUIT:
                return
            if isinstance(said, str):
                at -= 1
                continue
            yield question, said, time.monotonic() - began
            self._answered.add(question.key)
            at += 1

    def close(self) -> None:
        """Say what was done, and what to type next."""
        if self._answered:
            say(f"{count(len(self._answered), 'answer')} written")
            hint("`dsvc annotate sync` takes them in")
        elif not self._questions:
            say("Nothing to label here")

    def _ask(self, question: OpenQuestion, at: int) -> dict[str, Any] | str:
        """Ask until an answer is one; also returns `UNDO` and `QUIT`."""
        from dsvc.annotation.labelling import read_typed

        self._tell(f"\n[{at + 1}/{len(self._questions)}] {plain(question.image)}")
        if question.shown is not None:
            self._tell(f"  shown: {plain(question.shown)}")
        if question.reasons:
            self._tell(f"  rejected before: {plain(', '.join(question.reasons))}")
        told = "/".join(question.choices) or "text"
        told = f"y right, n wrong, or {told}" if question.is_verdict else told
        back = ", u back" if at else ""
        while True:
            click.echo(f"  {question.mode} ({told}, s skip{back}, q quit): ", nl=False, err=self._err)
            line = sys.stdin.readline() if sys.stdin is not None else ""
            typed = line.strip()
            word = _word(question, typed)
            if not line:
                self._tell("")
            if not typed or word == QUIT:
                return QUIT
            if word == UNDO:
                if at:
                    return UNDO
                say("  this is the first question")
                continue
            said = read_typed(question, typed)
            if said is not None:
                return said
            say(f"  that is none of {told}")

    def _tell(self, text: str) -> None:
        click.echo(text, err=self._err)


def _word(question: OpenQuestion, typed: str) -> str:
    """Return `UNDO` or `QUIT` where it is typed; its first letter does, unless a choice begins so."""
    for word in (UNDO, QUIT):
        if typed == word or (typed == word[0] and not any(choice.startswith(typed) for choice in question.choices)):
            return word
    return ""
