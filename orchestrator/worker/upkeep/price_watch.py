"""The price watch: what the bill shows of tasks that were only just accepted, compared with what was held.

While a price is unproven it looks every second, later at a sample every ten: prices change at midnight, too.
It is bookkeeping: no trouble with it stops the collecting of what is paid for.
"""

from collections.abc import Sequence
from typing import Final

from orchestrator.core.errors import DatabaseError
from orchestrator.core.provider_facts import BILL_MARGIN_MS
from orchestrator.ports.paging import bill_all
from orchestrator.store.db.database import Tx
from orchestrator.store.money import price_lessons
from orchestrator.store.money.price_lessons import Charged, Sample
from orchestrator.worker.deps import Deps
from orchestrator.worker.guards.price_proof import PROVEN_MS, PriceProof

YOUNG_SECONDS: Final = 1.0
SAMPLE_SECONDS: Final = 10.0
REFUSED_SECONDS: Final = 600.0
ASKED_REST_SECONDS: Final = 0.5
"""How long the bill is left alone after a question, however many tasks are accepted meanwhile. The first one
of a price is looked for at once: many requests may wait for what it costs."""


class PriceWatch:
    """Asks the bill for the oldest and the newest task of each price that it has not shown yet."""

    def __init__(self, deps: Deps, proof: PriceProof) -> None:
        self._deps = deps
        self._proof = proof
        self._next_sample = float("-inf")  # monotonic, as the next
        self._next_question = float("-inf")
        self._notified: set[str] = set()

    async def tick(self) -> float:
        """Look once; returns the delay to the next look, and never raises an error."""
        try:
            return await self._look()
        except DatabaseError as error:
            if not error.transient:
                self._notify(f"Prices are compared with the bill again later: {error}")
        except Exception as error:  # noqa: BLE001 - no trouble with the bill may stop the collecting
            self._notify(f"Prices could not be compared with the bill and are again later: {error!r}")
        return SAMPLE_SECONDS

    async def _look(self) -> float:
        deps = self._deps
        if (rest := self._next_question - deps.clock.monotonic()) > 0:
            return rest
        with deps.database.read() as tx:
            self._take_over(tx)
            found, now = price_lessons.samples(tx, tx.now - PROVEN_MS), tx.now
        if deps.clock.monotonic() < self._next_sample:
            found = [row for row in found if self._proof.is_unproven((row.model, row.price_micros))]
        else:
            self._next_sample = deps.clock.monotonic() + SAMPLE_SECONDS
        if not found:
            return self._delay()
        self._next_question = deps.clock.monotonic() + ASKED_REST_SECONDS
        bill = await bill_all(
            deps.provider,
            deps.clock,
            start_ms=min(row.accepted_at for row in found) - BILL_MARGIN_MS,
            end_ms=now + BILL_MARGIN_MS,
            prediction_ids=tuple(row.prediction_id for row in found),
        )
        if bill is not None and bill.refused:
            self._proof.unreadable()
            return REFUSED_SECONDS
        if bill is not None:
            sums = bill.by_prediction()
            await self._heed(found, {task: billed.deducted_micros for task, billed in sums.items()})
        return self._delay()

    def _take_over(self, tx: Tx) -> None:
        """Learn what another worker's look has shown."""
        percent, since = self._deps.settings.guards.price_drift_percent, tx.now - PROVEN_MS
        for model, micros in self._proof.unproven:
            known = price_lessons.standing(tx, model, micros, since=since, percent=percent)
            if known is not None:
                self._proof.shown((model, micros), dearer=not known)

    async def _heed(self, found: Sequence[Sample], charges: dict[str, int]) -> None:
        percent = self._deps.settings.guards.price_drift_percent
        for row in found:
            if not (micros := charges.get(row.prediction_id, 0)):
                continue
            seen = Charged(row.attempt_id, micros, percent)
            lesson = await self._deps.writer.submit(price_lessons.heed, seen)
            self._proof.shown((row.model, row.price_micros), dearer=lesson.dearer)
            if lesson.message:
                self._notify(lesson.message)

    def _delay(self) -> float:
        return YOUNG_SECONDS if self._proof.is_young else SAMPLE_SECONDS

    def _notify(self, message: str) -> None:
        if message not in self._notified:
            self._notified.add(message)
            self._deps.notify(message)
