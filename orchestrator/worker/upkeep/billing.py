"""Reading the bill: ended attempts are compared with what the provider really deducted and paid back.

It is bookkeeping: whatever the bill says and whatever goes wrong here is notified once and tried again later.
It never stops the worker, which has pictures to collect that are paid for.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from orchestrator.core.errors import DatabaseError
from orchestrator.core.provider_facts import BILL_MARGIN_MS
from orchestrator.ports.paging import Billed, bill_all
from orchestrator.store.money import bills
from orchestrator.worker.deps import Deps

BATCH: Final = 100
SETTLE_MS: Final = 30_000  # a record may appear a little after the task ended
BUSY_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 60.0
ASIDE_SECONDS: Final = 3600.0
"""How long before an attempt is tried again whose line could not be booked; until then the others have
their turn."""

TROUBLE: Final = "The bill could not be booked and is read again later; pictures are collected meanwhile"


class BillReader:
    """Compares attempts with the bill, oldest first."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._aside: dict[int, float] = {}  # attempt -> monotonic time of its next turn
        self._notified: set[str] = set()

    async def tick(self) -> float:
        """Read the bill of up to a hundred attempts; returns the delay to the next time, and never raises an
        error.
        """
        try:
            return await self._read()
        except DatabaseError as error:
            if not error.transient:
                self._notify(f"The bill is read again later: {error}")
        except Exception as error:  # noqa: BLE001 - no trouble with the bill may stop the collecting
            self._notify(f"{TROUBLE}: {error!r}")
        return IDLE_SECONDS

    async def _read(self) -> float:
        deps, aside = self._deps, self._waiting()
        with deps.database.read() as tx:
            found, now = bills.unbilled(tx, BATCH + len(aside), settle_ms=SETTLE_MS), tx.now
        due = [row for row in found if row.attempt_id not in aside][:BATCH]
        if not due:
            return IDLE_SECONDS
        bill = await bill_all(
            deps.provider,
            deps.clock,
            start_ms=min(row.accepted_at for row in due) - BILL_MARGIN_MS,
            end_ms=now + BILL_MARGIN_MS,
            prediction_ids=tuple(row.prediction_id for row in due),
        )
        if bill is None or not bill.complete:
            return IDLE_SECONDS
        deps.crashpoint("bill.read")
        await self._book(due, bill.by_prediction())
        return BUSY_SECONDS if len(due) == BATCH else IDLE_SECONDS

    def _waiting(self) -> set[int]:
        """Attempts that were set aside and whose turn has not come again."""
        now = self._deps.clock.monotonic()
        self._aside = {attempt: at for attempt, at in self._aside.items() if at > now}
        return set(self._aside)

    async def _book(self, due: Sequence[bills.Unbilled], sums: dict[str, Billed]) -> None:
        """Book each attempt by itself; one that the bill does not mention gets a line of zeros."""
        lines = [bills.BillLine(row.attempt_id, *sums.get(row.prediction_id, Billed())) for row in due]
        answers = await asyncio.gather(
            *(self._deps.writer.submit(bills.book_lines, line) for line in lines), return_exceptions=True
        )
        for row, answer in zip(due, answers, strict=True):
            if isinstance(answer, bills.Booked):
                self._report(row, answer)
            elif isinstance(answer, DatabaseError) or not isinstance(answer, Exception):
                raise answer  # of all the lines, or the end of the process
            else:
                self._set_aside(row, repr(answer))

    def _report(self, row: bills.Unbilled, booked: bills.Booked) -> None:
        if booked.surplus_micros:
            self._notify(f"The {bills.surplus_text(row.prediction_id, booked.surplus_micros)}.")
        if booked.set_aside:
            self._set_aside(row, "the sums are beyond belief")

    def _set_aside(self, row: bills.Unbilled, why: str) -> None:
        self._aside[row.attempt_id] = self._deps.clock.monotonic() + ASIDE_SECONDS
        self._notify(f"{TROUBLE}: task {row.prediction_id}: {why}")

    def _notify(self, message: str) -> None:
        if message not in self._notified:
            self._notified.add(message)
            self._deps.notify(message)
