"""Saying which datasets do not pass the checks of the recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsvc.commands._render import count, emit, hint, plain, say, table

if TYPE_CHECKING:
    from dsvc.repository import Repository


def tell_failing(repo: Repository, *, as_json: bool) -> bool:
    """Tell whether a dataset of the draft fails its check, having said which and why."""
    listed = [(name, failure) for name, failures in repo.find_failing().items() for failure in failures]
    if not listed:
        return False
    objects = (
        {
            "type": "failed-check",
            "dataset": name,
            "check": failure.check,
            "expected": failure.expected,
            "found": failure.found,
        }
        for name, failure in listed
    )
    rows = (("check", name, plain(failure)) for name, failure in listed)
    emit(as_json=as_json, objects=objects, lines=table(rows))
    say(f"Not committed, {count(len(listed), 'check')} failed: what was made is in the draft")
    hint(f'`dsvc commit -m "..."` keeps it all the same, `dsvc dataset show {listed[0][0]} @draft` tells more')
    return True
