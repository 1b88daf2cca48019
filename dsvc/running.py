"""Making what the recipe says, one run at a time.

Part of `dsvc.repository.Repository`. Rooms above the store are imported when used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dsvc.verifying import Verifying

if TYPE_CHECKING:
    from dsvc.engine.making.report import ProgressCall, RunReport
    from dsvc.store.base import OnWait


class Running(Verifying):
    """What a repository does to become what its recipe says."""

    on_wait: OnWait | None = None
    """Told for whom this waits, should it take more than a second."""
    _is_running = False

    @contextmanager
    def running(self, command: str = "run", *, waits: bool = True) -> Iterator[None]:
        """Be the only one who runs this repository's recipe inside the block; as every `run` is by itself.

        Args:
            command: What to tell others meanwhile.
            waits: Whether to wait for another run.

        Raises:
            RunningError: If another run is at work, and this does not wait.
        """
        from dsvc.repo.runlock import running

        if self._is_running:
            yield
            return
        with running(self.layout, command, self.on_wait, waits=waits):
            self._is_running = True
            try:
                yield
            finally:
                self._is_running = False

    def chosen(
        self, only: Collection[str] | None, *, upstream: bool = False, downstream: bool = False
    ) -> frozenset[str] | None:
        """Return the steps and datasets that `run` makes with these arguments; None for all.

        Raises:
            UserError: If the recipe has not one of the names.
        """
        from dsvc.engine.making.chosen import choose

        return choose(self.recipe(), only, upstream=upstream, downstream=downstream)

    def run(
        self,
        *,
        only: Collection[str] | None = None,
        upstream: bool = False,
        downstream: bool = False,
        limit: int | None = None,
        retry_failed: bool = False,
        executor: str | None = None,
        workers: int | None = None,
        waits: bool = True,
        progress: ProgressCall | None = None,
        notice: Callable[[str], None] | None = None,
    ) -> RunReport:
        """Make the derived signals and datasets of the draft what the recipe says. Durable on return.

        Args:
            only: Steps and datasets to make; all if None.
            upstream: Also make what those need.
            downstream: Also make what follows from those.
            limit: Execute so many records at most. A step that is not done by then keeps what it has made for the
                next run, its signal stays as it was, and nothing is made after it.
            retry_failed: Run records again that failed with the inputs they have.
            executor: What goes on where there is much to do: the configured one, or worker processes of this machine,
                if None.
            workers: How many of them; with 1, the local executor leaves everything to this process. The configured
                number, or as many as the executor thinks right, if None.
            waits: Whether to wait for another run of this repository.
            progress: Told how far each step is.
            notice: Told what a user should know; a warning is given if None.

        Raises:
            RecipeError: If the recipe is wrong.
            UserError: If the recipe has no step, task or dataset of a name.
            RunningError: If another run is at work, and this does not wait.
            DeriveError: If a step cannot run at all, or a worker dies. What was finished is kept.
        """
        from dsvc.engine.run import run

        with self.running(waits=waits):
            done = run(
                self,
                self.recipe(),
                self.plugins,
                only=only,
                upstream=upstream,
                downstream=downstream,
                limit=limit,
                retry_failed=retry_failed,
                executor=executor or self.config.executor,
                workers=workers or self.config.workers,
                progress=progress,
                notice=notice,
            )
            self.note_code(done)
            return done
