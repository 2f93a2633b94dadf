"""The breakers of runs: one that passes a limit of its manifest, or of this worker's guards, is paused."""

from collections.abc import Sequence
from typing import Final

from orchestrator.core.breakers import Breakers, trips
from orchestrator.store.account import pauses
from orchestrator.store.account.pauses import Pause
from orchestrator.store.db.database import Tx
from orchestrator.store.runs.failure_rates import of_open_runs
from orchestrator.worker.deps import Deps

LOOK: Final = {"failure_rate": "jobs list --state failed"}


def defaults_of(deps: Deps) -> Breakers:
    """The limits of this worker's configuration, for runs whose manifests say none."""
    guards = deps.settings.guards
    return Breakers(failed=guards.failure_rate, flagged=guards.nsfw_rate, min_jobs=guards.min_jobs)


async def watch(deps: Deps) -> None:
    """Pause the runs in which somebody should look before more is spent. Nothing is written where none is."""
    defaults = defaults_of(deps)
    with deps.database.read() as tx:
        due = bool(_due(tx, defaults))
    if due:
        await deps.writer.submit(trip, defaults)


def trip(tx: Tx, rows: Sequence[Breakers]) -> list[int]:
    """Pause what is due, and say how many: it is found again, so that a run that was resumed a moment ago is
    judged by what came since.
    """
    answers = []
    for defaults in rows:
        found = _due(tx, defaults)
        for pause in found:
            pauses.begin(tx, pause)
        answers.append(len(found))
    return answers


def _due(tx: Tx, defaults: Breakers) -> list[Pause]:
    found = [
        Pause(
            scope="run",
            name=str(run.run_id),
            reason=each.reason,
            message=(
                f"{each.message}. Look at some with `orchestrator {LOOK.get(each.reason, 'review')}`; then "
                "`orchestrator runs resume`, or cancel the rest."
            ),
        )
        for run in of_open_runs(tx, defaults)
        for each in trips(run.limits, run.figures)
    ]
    if not found:
        return []
    paused = {(pause.scope, pause.name, pause.reason) for pause in pauses.in_force(tx)}
    return [pause for pause in found if (pause.scope, pause.name, pause.reason) not in paused]
