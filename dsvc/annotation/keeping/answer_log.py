"""The ledger of a store as work in progress needs it: cursors, appending, who answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dsvc.annotation.answers.evidence import NOTHING, Answered, Aside, Evidence, aside_of, unite
from dsvc.annotation.answers.pseudonyms import Pseudonyms
from dsvc.annotation.answers.records import Ask
from dsvc.annotation.keeping.ledger import Addition, append, read_ledger
from dsvc.objects.oid import Oid
from dsvc.store.base import Operation, Store


class LedgerLog:
    """Reads and appends to the ledger of a store; each call sees it as it is then."""

    def __init__(self, store: Store, op: Operation | None = None, pseudonyms: Pseudonyms | None = None) -> None:
        self._store, self._op, self._pseudonyms = store, op, pseudonyms

    def cursor(self, name: str) -> bytes | None:
        """Return from where a platform's project is to be read."""
        return read_ledger(self._store).cursor(name)

    def append(
        self, answered: Sequence[Answered], cursors: Mapping[str, bytes], asides: Sequence[tuple[Ask, Aside]] = ()
    ) -> None:
        """Keep answers, what does not fit, and cursors, in one step; durable on return."""
        tasks: dict[str, list[Answered]] = {}
        others: dict[str, dict[str, Evidence]] = {}
        for one in answered:
            tasks.setdefault(one.ask.task, []).append(one)
        for ask, aside in asides:
            known = others.setdefault(ask.task, {})
            known[ask.source] = unite([known.get(ask.source, NOTHING), aside_of(ask, aside)])
        additions = {
            task: Addition(answered=tasks.get(task, ()), also=others.get(task, {})) for task in {**tasks, **others}
        }
        append(self._store, additions, cursors=cursors, op=self._op, pseudonyms=self._pseudonyms)

    def annotators(self, asks: Sequence[Ask]) -> Mapping[Oid, frozenset[str]]:
        """Return who answered each ask."""
        tasks: dict[str, list[Ask]] = {}
        for ask in asks:
            tasks.setdefault(ask.task, []).append(ask)
        view, found = read_ledger(self._store), {}
        for task, wanted in tasks.items():
            evidence = view.evidence(task, {ask.source for ask in wanted})
            for ask in wanted:
                answers = evidence[ask.source].answers if ask.source in evidence else ()
                found[ask.ask_id] = frozenset(one.annotator for one in answers if one.ask_id == ask.ask_id)
        return found
