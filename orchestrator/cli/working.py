"""Running a worker from the command line: signals, progress, and what came of it."""

import asyncio
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace

from orchestrator.actions.operator.exit_code import concerns, exit_code, facts_of
from orchestrator.app import App
from orchestrator.cli.rendering.display import Display, Lasting, drop_lost_streams
from orchestrator.cli.rendering.doubts_text import doubts_words
from orchestrator.cli.rendering.snapshot import Snapshot
from orchestrator.cli.rendering.summary import Done
from orchestrator.core.errors import DatabaseError, ExitCode, OrchestratorError
from orchestrator.runtime import event_loop
from orchestrator.store.money.caps import Cap
from orchestrator.store.stops.stops import Stoppage, survey
from orchestrator.store.views.progress import Progress, run_progress
from orchestrator.store.views.trouble import open_doubts
from orchestrator.worker.stop import Stop, StopLevel

REFRESH_SECONDS = 0.5
REFRESH_SHARE_MAX = 10
"""Reading what is shown takes at most a tenth of the time, whatever the size of the run."""

FINISHING = (
    "Stopping: nothing new is submitted; {in_flight} in flight and already paid are still collected. "
    "Ctrl-C again to leave now: they stay safe, and the next run or worker collects them."
)
LEAVING = "Leaving now. What is in flight stays safe; the next run or worker collects it."


def work_on(
    app: App, run_ids: frozenset[int] | None, display: Display, label: str, *, drain: bool = True
) -> Done:
    """Work until these runs (None: everything) are finished or stopped; the first Ctrl-C finishes what is in
    flight.

    So does a terminal that is closed: what cannot be shown any more changes nothing of the work or of how it
    ends.
    """
    watch, display = _Watch(app, run_ids, label), Lasting(display)
    interrupted, drained, error = False, False, None
    try:
        with display:
            interrupted, drained = event_loop.run(
                _work(app=app, run_ids=run_ids, display=display, watch=watch, drain=drain)
            )
    except OrchestratorError as caught:  # what was done is summed up all the same
        error = caught
    finally:
        drop_lost_streams()
    progress, stops = watch.final()
    facts = facts_of(progress, stops, interrupted=interrupted)
    if run_ids is None:  # failures of earlier days are no news
        facts = replace(facts, failed=max(0, facts.failed - watch.failed_before))
    mine = [stop for stop in stops if concerns(stop, progress)]
    drained = drained and not interrupted  # what is left is other workers' work
    code = error.exit_code if error else ExitCode.DONE if drained else exit_code(facts)
    return Done(code=code, facts=facts, progress=progress, stops=mine, seconds=watch.elapsed(), error=error)


async def _work(
    app: App, run_ids: frozenset[int] | None, display: Display, watch: "_Watch", *, drain: bool
) -> tuple[bool, bool]:
    """Whether somebody interrupted it, and whether somebody asked it to finish."""
    stop = Stop()
    worker = app.worker(run_ids, drain=drain, notify=display.say)

    def interrupt() -> None:
        level = stop.request()
        in_flight = worker.snapshot()["in_flight"]
        display.say(FINISHING.format(in_flight=in_flight) if level is StopLevel.FINISHING else LEAVING)

    def terminate() -> None:
        if stop.level is StopLevel.RUNNING:
            interrupt()

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
    return stop.by_user, worker.told_to_drain


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

    def __init__(self, app: App, run_ids: frozenset[int] | None, label: str) -> None:
        self._app = app
        self._run_ids = sorted(run_ids) if run_ids is not None else None
        self._label = label
        self._began = app.clock.monotonic()
        with app.database.read() as tx:
            before = run_progress(tx, self._run_ids)
        self.failed_before = before.jobs["failed"]
        self._finished_before = before.finished

    def elapsed(self) -> float:
        """Seconds since the work began."""
        return self._app.clock.monotonic() - self._began

    def snapshot(self, worker: Mapping[str, object]) -> Snapshot:
        """The present moment."""
        with self._app.database.read() as tx:
            progress = run_progress(tx, self._run_ids)
            found = survey(tx, self._app.settings.budgets.timezone)
            doubts, now = open_doubts(tx, self._run_ids), tx.now
        return Snapshot(
            label=self._label,
            progress=progress,
            elapsed_seconds=self.elapsed(),
            finished_before=self._finished_before,
            worker=worker,
            cap=_tightest(found.rules.caps, progress),
            stops=tuple(stop for stop in found.stops if concerns(stop, progress)),
            doubts=doubts_words(doubts, self._app.settings, now),
        )

    def final(self) -> tuple[Progress, list[Stoppage]]:
        """How it ended, in one consistent view."""
        with self._app.database.read() as tx:
            progress = run_progress(tx, self._run_ids)
            return progress, survey(tx, self._app.settings.budgets.timezone).stops


def _tightest(caps: Iterable[Cap], progress: Progress) -> Cap | None:
    campaigns = {run.campaign for run in progress.runs}
    runs = {run.id for run in progress.runs}
    mine = [
        cap
        for cap in caps
        if cap.scope == "account"
        or (cap.scope == "campaign" and cap.name in campaigns)
        or (cap.scope == "run" and cap.scope_id in runs)
    ]
    return min(mine, key=lambda cap: cap.remaining_micros, default=None)
