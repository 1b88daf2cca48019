"""Which asks set out now: as much work as the people of a platform can do in time, those first that matter most.

What the turn before showed of the team is learned first; then the controller says how much may be open, its shares say
how much of that is for what, and budgets say what is held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from dsvc.annotation.turns import controller
from dsvc.annotation.turns.calendar import Calendar
from dsvc.annotation.turns.controller import NEEDS, Control, Need, Policy, Turn
from dsvc.annotation.turns.requests import Request

if TYPE_CHECKING:
    from dsvc.annotation.turns.dispatch import Dispatcher, TurnReport


class Release:
    """Lets the asks of one dispatcher set out, within one turn."""

    def __init__(self, dispatcher: Dispatcher, calendar: Calendar, policy: Policy) -> None:
        self._of, self._calendar, self._policy = dispatcher, calendar, policy
        self._requests, self._platform = dispatcher.requests, dispatcher.platform.name

    def learn(self, control: Control, under_way: Sequence[Request], report: TurnReport) -> Control:
        """Count what happened since the last turn."""
        efforts, taken = dict(control.effort_s), report.taken
        defaults = {served.form.task: served.effort_s for served in self._of.projects}
        for task, n_timed in taken.n_timed.items():
            mean_s = taken.work_s[task] / n_timed
            weight = min(1.0, n_timed / 100) if task in efforts else n_timed / (n_timed + 5)
            efforts[task] = max(0.1, (1 - weight) * efforts.get(task, defaults.get(task, mean_s)) + weight * mean_s)
        control = msgspec.structs.replace(control, effort_s=efforts)
        answered_s = sum(n * efforts.get(task, defaults.get(task, 30.0)) for task, n in taken.answers.items())
        left_s = sum(request.missing * self._of.effort_s(request, control) for request in under_way)
        turn = Turn(self._of.now(), taken.n_answers, answered_s, report.n_expired, left_s, control.is_held_back)
        return msgspec.structs.replace(
            control, pace=controller.observe(control.pace, turn, self._calendar, self._policy)
        )

    def release(self, control: Control, under_way: Sequence[Request], report: TurnReport) -> Control:
        """Let asks set out, as many as the controller says."""
        open_s = sum(request.missing * self._of.effort_s(request, control) for request in under_way)
        left = self._budgets(under_way)
        ahead = [request for need in NEEDS for request in islice(self._requests.iter_need(self._platform, need), 50)]
        if not ahead:
            return msgspec.structs.replace(control, is_held_back=False)
        mean_s = sum(self._of.effort_s(request, control) for request in ahead) / len(ahead)
        window = report.window = controller.decide(
            control.pace,
            now_us=self._of.now(),
            open_s=open_s,
            mean_s=mean_s,
            calendar=self._calendar,
            expiry=None if self._of.stages is None else self._of.stages.expiry,
            policy=self._policy,
        )
        queues = {need: self._queue(need, window.release_s, control) for need in NEEDS}
        waiting = {need: sum(work for _, work in queue) for need, queue in queues.items()}
        shares = controller.share_out(window.release_s, waiting, self._policy.reserved)
        owed: dict[Need, float] = {}
        for need in NEEDS:
            rest_s = self._set_out(queues[need], shares[need] + control.owed_s.get(need, 0.0), left, report)
            if need in self._policy.reserved and queues[need]:  # or a share of less than an ask would never come
                owed[need] = min(rest_s, queues[need][0][1])
        # Where even one is more than the window, people would never get any.
        if not under_way and not report.n_released and window.busy_s > 0 and window.answerable_s >= mean_s / 2:
            first = next((queue[0] for queue in queues.values() if queue), None)
            first = first or (ahead[0], self._of.effort_s(ahead[0], control) * ahead[0].missing)
            self._set_out([first], first[1], left, report)
        is_held_back = self._requests.has_any(self._platform, "WANTED")
        return msgspec.structs.replace(control, is_held_back=is_held_back, owed_s=owed)

    def _queue(self, need: Need, release_s: float, control: Control) -> list[tuple[Request, float]]:
        """Return what waits for a reason, with its work, as far as a release could reach."""
        queue: list[tuple[Request, float]] = []
        total = 0.0
        if release_s > 0:
            for request in self._requests.iter_need(self._platform, need):
                work = request.missing * self._of.effort_s(request, control)
                queue.append((request, work))
                total += work
                if total >= release_s:
                    break
        return queue

    def _set_out(
        self, queue: Sequence[tuple[Request, float]], share_s: float, left: dict[str, int], report: TurnReport
    ) -> float:
        """Let asks set out as far as a share goes; return what is left of it."""
        moves: list[tuple[Request, Mapping[str, object]]] = []
        for request, work in queue:
            if work > share_s + 1e-6:
                break
            if self._of.served(project := request.project) is None:
                continue
            if left.get(project, request.missing) < request.missing:
                moves.append((request, {"state": "HELD", "reason": "the task's budget is used up"}))
                continue
            moves.append((request, {"state": "STAGING", "attempt": request.attempt + 1}))
            share_s -= work
            if project in left:
                left[project] -= request.missing
        found = self._requests.move_all(moves, ["WANTED"])
        report.n_released += sum(request is not None and request.state == "STAGING" for request in found)
        return share_s

    def _budgets(self, under_way: Sequence[Request]) -> dict[str, int]:
        """Return how many answers each budget still allows, and let go what one held that allows it again."""
        # Asked only now: what came in at the beginning of this turn is spent.
        left = {one.form.project: one.left() for one in self._of.projects if one.left is not None}
        for request in under_way:
            if request.project in left:
                left[request.project] -= request.missing
        for request in list(self._requests.iter_state(self._platform, "HELD")):
            if left.get(request.project, request.missing) >= request.missing:
                self._requests.move(request, ["HELD"], state="WANTED", reason="")
        return left
