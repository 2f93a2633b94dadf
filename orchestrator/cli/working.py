"""Running a worker from the command line: signals, progress, and what came of it."""

import asyncio
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace

from orchestrator.actions.operator.exit_code import concerns, exit_code, facts_of
from orchestrator.actions.operator.rescued_books import rescue_books
from orchestrator.app import App
from orchestrator.cli.rendering.display import Display, Lasting
from orchestrator.cli.rendering.ending_words import ending_words
from orchestrator.cli.rendering.folding import binding_cap
from orchestrator.cli.rendering.jobs.doubts_text import doubts_words
from orchestrator.cli.rendering.snapshot import Snapshot
from orchestrator.cli.rendering.summary import Done
from orchestrator.cli.streams import drop_lost_streams
from orchestrator.core.errors import DatabaseError, DatabaseReplacedError, ExitCode, OrchestratorError
from orchestrator.runtime import event_loop
from orchestrator.store.attempts.copies import copies_made
from orchestrator.store.db.database import Tx
from orchestrator.store.runs.apart import Apart
from orchestrator.store.stops.attention import attention
from orchestrator.store.stops.reachable import beyond_caps
from orchestrator.store.stops.stops import Stoppage, survey
from orchestrator.store.views.jobs.places import PicturePlace, places
from orchestrator.store.views.runs.progress import (
    Progress,
    avoided_micros,
    part_progress,
    reused_pictures,
    run_progress,
)
from orchestrator.store.views.trouble import open_doubts
from orchestrator.worker.stop import Stop, StopLevel

REFRESH_SECONDS = 0.5
REFRESH_SHARE_MAX = 10
"""Reading what is shown takes at most a tenth of the time, whatever the size of the run."""


def work_on(
    app: App,
    run_ids: frozenset[int] | None,
    display: Display,
    label: str,
    *,
    drain: bool = True,
    alone: Apart | None = None,
) -> Done:
    """Work until these runs (None: everything), or the jobs that are set apart in them, are finished or
    stopped; the first Ctrl-C finishes what is in flight.

    So does a terminal that is closed: what cannot be shown any more changes nothing of the work or of how it
    ends.
    """
    watch, display = _Watch(app, run_ids, label, alone=alone), Lasting(display)
    interrupted, drained, error = False, False, None
    try:
        with display:
            interrupted, drained = event_loop.run(
                _work(app=app, run_ids=run_ids, display=display, watch=watch, drain=drain)
            )
    except OrchestratorError as caught:  # what was done is summed up all the same
        error = caught
        if isinstance(caught, DatabaseReplacedError):
            error = rescue_books(app.database, caught, app.clock)
    finally:
        drop_lost_streams()
    progress, stops = watch.final()
    facts = facts_of(progress, stops, interrupted=interrupted)
    if run_ids is None:  # failures of earlier days are no news
        facts = replace(facts, failed=max(0, facts.failed - watch.failed_before))
    mine = [stop for stop in stops if concerns(stop, progress)]
    drained = drained and not interrupted  # what is left is other workers' work
    code = error.exit_code if error else ExitCode.DONE if drained else exit_code(facts)
    return Done(
        code=code,
        facts=facts,
        progress=progress,
        stops=mine,
        seconds=watch.elapsed(),
        avoided_micros=watch.avoided(),
        reused_pictures=watch.reused_pictures(),
        error=error,
        copies=watch.copies(),
        places=watch.places(),
    )


async def _work(
    app: App, run_ids: frozenset[int] | None, display: Display, watch: "_Watch", *, drain: bool
) -> tuple[bool, bool]:
    """Whether somebody interrupted it, and whether it is to end with others at work on what is left: an
    operator asked it to finish, or a supervisor ended a worker that nobody waits for.
    """
    stop, terminated = Stop(), False
    only = watch.alone.round if watch.alone else None
    worker = app.worker(run_ids, only_round=only, drain=drain, notify=display.say)

    def told(level: StopLevel) -> None:
        display.say(ending_words(level, worker.snapshot(), app.settings.worker.stop_grace_seconds))

    def interrupt() -> None:
        told(stop.request())

    def terminate() -> None:
        nonlocal terminated
        terminated = True
        told(stop.hand_over())

    async def show() -> None:
        while True:
            began = app.clock.monotonic()
            with suppress(DatabaseError):  # it is away: the worker waits for it, and so does the display
                display.show(await asyncio.to_thread(watch.snapshot, worker.snapshot()))
            spent = app.clock.monotonic() - began
            await app.clock.sleep(max(REFRESH_SECONDS, spent * REFRESH_SHARE_MAX))

    with _signals({signal.SIGINT: interrupt, **dict.fromkeys(event_loop.heeded(), terminate)}):
        showing = asyncio.create_task(show())
        try:
            await worker.run(stop)
        finally:
            showing.cancel()
            with suppress(asyncio.CancelledError):
                await showing
    handed_over = terminated and not drain
    return stop.by_user and not handed_over, worker.told_to_drain or handed_over


@contextmanager
def _signals(handlers: "dict[signal.Signals, object]") -> Iterator[None]:
    loop = asyncio.get_running_loop()
    installed = []
    for number, handler in handlers.items():
        with suppress(
            NotImplementedError, RuntimeError, ValueError
        ):  # not the main thread, or not this platform
            loop.add_signal_handler(number, handler)  # type: ignore[arg-type]
            installed.append(number)
    try:
        yield
    finally:
        for number in installed:
            loop.remove_signal_handler(number)


class _Watch:
    """Reads from time to time how far the work is."""

    def __init__(
        self, app: App, run_ids: frozenset[int] | None, label: str, *, alone: Apart | None = None
    ) -> None:
        self._app = app
        self.alone = alone
        self._run_ids = sorted(run_ids) if run_ids is not None else None
        self._label = label
        self._began = app.clock.monotonic()
        with app.database.read() as tx:
            before = self._progress(tx)
        self.failed_before = before.jobs["failed"]
        self._made_before = before.made

    def elapsed(self) -> float:
        """Seconds since the work began."""
        return self._app.clock.monotonic() - self._began

    def snapshot(self, worker: Mapping[str, object]) -> Snapshot:
        """The present moment."""
        with self._app.database.read() as tx:
            progress = self._progress(tx)
            found = survey(tx, self._app.settings.budgets.timezone)
            stops = [*found.stops, *attention(tx)]
            doubts, now = open_doubts(tx, self._run_ids), tx.now
            mine = {run.id for run in progress.runs}
            lanes = [lane for lane in found.lanes if lane.run_id in mine]
            part = self.alone.ids if self.alone else None
            beyond = beyond_caps(tx, lanes, progress.jobs["pending"], ids=part)
        return Snapshot(
            label=self._label,
            progress=progress,
            elapsed_seconds=self.elapsed(),
            made_before=self._made_before,
            beyond=beyond,
            worker=worker,
            cap=binding_cap(found.rules.caps, progress.runs),
            stops=tuple(stop for stop in stops if concerns(stop, progress)),
            doubts=doubts_words(doubts, self._app.settings, now),
        )

    def avoided(self) -> int:
        """What the jobs would have cost that earlier pictures serve, in micros."""
        with self._app.database.read() as tx:
            return avoided_micros(tx, self._run_ids)

    def reused_pictures(self) -> int:
        """How many pictures of earlier runs serve them."""
        with self._app.database.read() as tx:
            return 0 if self._run_ids is None else reused_pictures(tx, list(self._run_ids))

    def places(self) -> list[PicturePlace]:
        """Where the pictures of these runs were stored."""
        with self._app.database.read() as tx:
            return [] if self._run_ids is None else places(tx, run_ids=self._run_ids)

    def copies(self) -> int:
        """How many further files were made of the pictures of these runs."""
        with self._app.database.read() as tx:
            return 0 if self._run_ids is None else copies_made(tx, self._run_ids)

    def _progress(self, tx: Tx) -> Progress:
        found = run_progress(tx, self._run_ids)
        return part_progress(tx, found, self.alone.ids) if self.alone else found

    def final(self) -> tuple[Progress, list[Stoppage]]:
        """How it ended, in one consistent view."""
        with self._app.database.read() as tx:
            progress = self._progress(tx)
            stops = survey(tx, self._app.settings.budgets.timezone).stops
            return progress, [*stops, *attention(tx)]
