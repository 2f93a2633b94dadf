"""Upkeep that every worker does by itself; what is due is found again at every tick."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.ports import Balance
from orchestrator.store.account import latencies, pauses, rate_limits, workers
from orchestrator.store.account.latencies import RecordedLatency
from orchestrator.store.db.database import Tx
from orchestrator.store.runs import failure_rates
from orchestrator.worker.deps import Deps
from orchestrator.worker.guards.account_pauses import AccountPauses, begin_pause
from orchestrator.worker.guards.restored_copy import LIST_UNREADABLE, RestoredCopyCheck

UPKEEP_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """A worker lives and has observed latencies."""

    worker: str
    latencies: list[tuple[str, RecordedLatency]]
    leaving: bool = False  # it takes nothing new any more
    away_ms: int | None = None  # for so long the database was away
    clock_offset_ms: int | None = None  # the provider's clock shows so much more than the database's


def record_signs_of_life(tx: Tx, rows: Sequence[SignOfLife]) -> list[workers.Standing]:
    """Record signs of life with the latencies observed, and mark silent workers as lost."""
    standings = []
    for row in rows:
        standings.append(
            workers.seen(tx, row.worker, leaving=row.leaving, clock_offset_ms=row.clock_offset_ms)
        )
        if row.away_ms is not None:
            workers.note_database_back(tx, row.worker, row.away_ms)
        for model, latency in row.latencies:
            latencies.put(tx, model, latency)
    workers.lose_silent(tx)
    return standings


def note_finished(tx: Tx, rows: Sequence[None]) -> list[None]:
    """Record which runs ended by the clock with jobs left: once for each, whichever worker notices."""
    rate_limits.lock(tx)
    pauses.note_over(tx)
    return [None] * len(rows)


async def tick(deps: Deps, account_pauses: AccountPauses, restored_copy: RestoredCopyCheck) -> float:
    """End the pauses for a key, for credit or for a disk that work again."""
    with deps.database.read() as tx:
        in_force = {pause.reason for pause in pauses.in_force(tx) if pause.scope == "account"}
    if account_pauses.key.refused:
        if await account_pauses.key.try_again():
            await restored_copy.check()
            await account_pauses.key.works()
    elif in_force & {"key_refused", "no_credit"}:
        outcome = await deps.provider.balance()
        if isinstance(outcome, Balance) and outcome.micros > 0:
            await account_pauses.ended("key_refused", "no_credit")
    if "storage" in in_force and deps.artifacts.check_writable() is None:
        await account_pauses.ended("storage")
    if not account_pauses.key.refused and (restored_copy.unreadable or LIST_UNREADABLE in in_force):
        await restored_copy.check()
    await _watch_rates(deps)
    with deps.database.read() as tx:
        ended = pauses.any_unnoted(tx)
    if ended:
        await deps.writer.submit(note_finished, None)
    return UPKEEP_SECONDS


async def _watch_rates(deps: Deps) -> None:
    """Pause runs in which too much fails or is flagged: somebody should look before more is spent."""
    guards = deps.settings.guards
    if guards.failure_rate is None and guards.nsfw_rate is None:
        return
    with deps.database.read() as tx:
        rates = failure_rates.of_open_runs(tx, guards.min_jobs, pictures=guards.nsfw_rate is not None)
    for run in rates:
        for reason, what, bad, among, limit in (
            ("failure_rate", "jobs failed", run.failed, run.succeeded + run.failed, guards.failure_rate),
            ("nsfw_rate", "pictures were flagged", run.flagged, run.pictures, guards.nsfw_rate),
        ):
            if limit is not None and among and bad > limit * among:
                message = (
                    f"{bad} of {among} {what}, more than guards.{reason} allows ({limit:.0%}). Look at some "
                    "with `orchestrator jobs list --state failed`; go on with `orchestrator campaigns "
                    "resume`, or cancel the rest."
                )
                await deps.writer.submit(
                    begin_pause,
                    pauses.Pause(scope="run", name=str(run.run_id), reason=reason, message=message),
                )
