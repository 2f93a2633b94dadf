"""Upkeep that every worker does by itself; what is due is found again at every tick."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.store.account import latencies, pauses, rate_limits, workers
from orchestrator.store.account.latencies import RecordedLatency
from orchestrator.store.db.database import Tx
from orchestrator.worker.deps import Deps
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.guards.restored_copy import RestoredCopyCheck
from orchestrator.worker.upkeep import breakers
from orchestrator.worker.upkeep.stage_keeper import StageKeeper

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


async def tick(
    deps: Deps, account_pauses: AccountPauses, restored_copy: RestoredCopyCheck, stages: StageKeeper
) -> float:
    """End what stops this worker, its key, its credit, its disk or the list, when that works again."""
    if await account_pauses.key.try_again():
        await restored_copy.check()
        await account_pauses.key.works()
    await account_pauses.credit.try_again()
    await account_pauses.storage.try_again()
    if not account_pauses.key.refused and restored_copy.unreadable:
        await restored_copy.check()
    await breakers.watch(deps)
    with deps.database.read() as tx:
        ended = pauses.any_unnoted(tx)
        missed = stages.look(tx)
    await stages.mend(missed)
    if ended:
        await deps.writer.submit(note_finished, None)
    return UPKEEP_SECONDS
