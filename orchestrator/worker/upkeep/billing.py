"""Reading the bill: ended attempts are compared with what the provider really deducted and paid back.

It is bookkeeping: whatever the bill says and whatever goes wrong here is notified once and tried again later.
It never stops the worker, which has pictures to collect that are paid for.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from orchestrator.core.bill_size import Basis, Size, size_of
from orchestrator.core.errors import DatabaseError
from orchestrator.core.money import MICROS_MAX, format_usd
from orchestrator.core.provider_facts import BILL_MARGIN_MS
from orchestrator.ports.paging import NO_TIMES, Bill, Billed, bill_all
from orchestrator.store.db.database import Tx
from orchestrator.store.money import bills, price_lessons, refunds
from orchestrator.store.money.bill_lines import BillLine, Booked, surplus_text
from orchestrator.store.money.price_lessons import Charged
from orchestrator.worker.deps import Deps
from orchestrator.worker.upkeep.balance_check import balance_shows

BATCH: Final = 100
BUSY_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 60.0
ASIDE_SECONDS: Final = 3600.0
"""How long before an attempt is tried again whose line could not be booked; until then the others have
their turn."""

UNREADABLE_MS: Final = 15 * 60_000
"""How long the bill may be unreadable before somebody hears that refunds wait for it."""

TROUBLE: Final = "The bill could not be booked and is read again later; pictures are collected meanwhile"


class BillReader:
    """Compares attempts with the bill, oldest first."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._aside: dict[int, float] = {}  # attempt -> monotonic time of its next turn
        self._notified: set[str] = set()
        self._unreadable_since: int | None = None  # ms

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
            found, now = bills.unbilled(tx, BATCH + len(aside)), tx.now
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
        if bill is not None and bill.refused:
            await self._lapse()
        if bill is None or not bill.complete:
            self._is_unreadable(now)
            return IDLE_SECONDS
        self._unreadable_since = None
        deps.crashpoint("bill.read")
        await self._book(due, bill)
        return BUSY_SECONDS if len(due) == BATCH else IDLE_SECONDS

    async def _lapse(self) -> None:
        """The bill will never tell of refunds: they are waited for as long as promised."""
        lapsed = refunds.LAPSE_MAX
        while lapsed == refunds.LAPSE_MAX:
            lapsed = await self._deps.writer.submit(_lapse_some, None)

    def _is_unreadable(self, now: int) -> None:
        """Say what waits for the bill, once, when that takes long."""
        self._unreadable_since = now if self._unreadable_since is None else self._unreadable_since
        if now - self._unreadable_since < UNREADABLE_MS:
            return
        with self._deps.database.read() as tx:
            overdue = refunds.overdue(tx)
        if overdue.attempts:
            self._notify(
                f"The bill cannot be read: ${format_usd(overdue.micros)} of refunds that should have come "
                "stays held until it can."
            )

    def _waiting(self) -> set[int]:
        """Attempts that were set aside and whose turn has not come again."""
        now = self._deps.clock.monotonic()
        self._aside = {attempt: at for attempt, at in self._aside.items() if at > now}
        return set(self._aside)

    async def _book(self, due: Sequence[bills.Unbilled], bill: Bill) -> None:
        """Book each attempt by itself; one that the bill does not mention gets a line of zeros."""
        sums, times = bill.by_prediction(), bill.times()
        billed = {row.attempt_id: sums.get(row.prediction_id, Billed()) for row in due}
        await self._heed(due, billed)
        basis = await self._basis(due, billed)
        lines = [
            BillLine(
                row.attempt_id,
                *billed[row.attempt_id],
                basis=basis,
                times=times.get(row.prediction_id, NO_TIMES),
            )
            for row in due
        ]
        answers = await asyncio.gather(
            *(self._deps.writer.submit(bills.book_lines, line) for line in lines), return_exceptions=True
        )
        for row, answer in zip(due, answers, strict=True):
            if isinstance(answer, Booked):
                self._report(row, answer)
            elif isinstance(answer, DatabaseError) or not isinstance(answer, Exception):
                raise answer  # of all the lines, or the end of the process
            else:
                self._set_aside(row, repr(answer))
            # Where a refund, or the rest of it, may still come, it is looked for.
            if row.is_free or billed[row.attempt_id].refunded_micros:
                self._aside[row.attempt_id] = self._deps.clock.monotonic() + bills.REREAD_MS / 1000

    async def _heed(self, rows: Sequence[bills.Unbilled], billed: Mapping[int, Billed]) -> None:
        """Learn from charges that are not what was held."""
        percent = self._deps.settings.guards.price_drift_percent
        for row in rows:
            micros = billed[row.attempt_id].deducted_micros
            if micros != row.price_micros and 0 < micros <= MICROS_MAX:
                seen = Charged(row.attempt_id, micros, percent)
                lesson = await self._deps.writer.submit(price_lessons.heed, seen)
                if lesson.message:
                    self._notify(lesson.message)

    async def _basis(self, due: Sequence[bills.Unbilled], billed: Mapping[int, Billed]) -> Basis:
        """What the balance shows, asked only when some charge is implausible."""
        charges = ((row, billed[row.attempt_id].deducted_micros) for row in due)
        if all(size_of(micros, row.price_micros) is Size.USUAL for row, micros in charges):
            return Basis.UNKNOWN
        return await balance_shows(self._deps)

    def _report(self, row: bills.Unbilled, booked: Booked) -> None:
        if booked.surplus_micros:
            self._notify(f"The {surplus_text(row.prediction_id, booked.surplus_micros)}.")
        if booked.set_aside:
            self._set_aside(row, "the sums are beyond belief")

    def _set_aside(self, row: bills.Unbilled, why: str) -> None:
        self._aside[row.attempt_id] = self._deps.clock.monotonic() + ASIDE_SECONDS
        self._notify(f"{TROUBLE}: task {row.prediction_id}: {why}")

    def _notify(self, message: str) -> None:
        if message not in self._notified:
            self._notified.add(message)
            self._deps.notify(message)


def _lapse_some(tx: Tx, rows: Sequence[None]) -> list[int]:
    return [refunds.lapse(tx) for _ in rows]
