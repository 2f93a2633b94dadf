"""Reading the bill, gently: ended attempts are compared with what the provider really deducted and paid back."""

import asyncio
from collections.abc import Sequence
from typing import Final

from orchestrator.paging import bill_all
from orchestrator.ports import BillingRecord
from orchestrator.store import bills
from orchestrator.worker.deps import Deps

BATCH: Final = 100
SETTLE_MS: Final = 30_000  # a record may appear a little after the task ended
WINDOW_MARGIN_MS: Final = 3600 * 1000
BUSY_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 60.0


async def tick(deps: Deps) -> float:
    """Read the bill of up to a hundred attempts; returns the delay to the next look."""
    with deps.database.read() as tx:
        due, now = bills.unbilled(tx, BATCH, settle_ms=SETTLE_MS), tx.now
    if not due:
        return IDLE_SECONDS
    bill = await bill_all(
        deps.provider,
        deps.clock,
        start_ms=min(row.accepted_at for row in due) - WINDOW_MARGIN_MS,
        end_ms=now + WINDOW_MARGIN_MS,
        prediction_ids=tuple(row.prediction_id for row in due),
    )
    if bill is None or not bill.complete:
        return IDLE_SECONDS
    deps.crashpoint("bill.read")
    lines = lines_of(due, bill.records)
    await asyncio.gather(*(deps.writer.submit(bills.record, line) for line in lines))
    return BUSY_SECONDS if len(due) == BATCH else IDLE_SECONDS


def lines_of(due: Sequence[bills.Unbilled], records: Sequence[BillingRecord]) -> list[bills.BillLine]:
    """Sum the records by attempt; one that the bill does not mention gets a line of zeros."""
    deducted: dict[str, int] = {}
    refunded: dict[str, int] = {}
    for record in records:
        side = refunded if record.kind == "refund" else deducted
        side[record.prediction_id] = side.get(record.prediction_id, 0) + record.micros
    return [
        bills.BillLine(row.attempt_id, deducted.get(row.prediction_id, 0), refunded.get(row.prediction_id, 0))
        for row in due
    ]
