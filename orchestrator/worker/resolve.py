"""Resolving doubts: read the provider's list and bill around each lost reply, and act on what they prove."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core import evidence
from orchestrator.core.states import AttemptState
from orchestrator.paging import Bill, bill_all, list_all
from orchestrator.ports import Prediction
from orchestrator.store import doubts, foreign
from orchestrator.store.attempts import sent_digests
from orchestrator.store.doubts import InDoubt
from orchestrator.store.rescue import Adopted, adopted_by_id
from orchestrator.worker.deps import Deps

LOOK_SECONDS_MAX: Final = 15.0
LOOK_SECONDS_MIN: Final = 0.25
IDLE_LOOK_SECONDS: Final = 5.0
AMBIGUOUS_LOOK_SECONDS: Final = 60.0
LATE_ACTION_MS: Final = 60_000
"""How long after our own time limit the provider may still act on a request."""


@dataclass(slots=True)
class _Listing:
    """What the provider shows in the window of the doubts."""

    predictions: Mapping[str, Prediction]
    billed: Mapping[str, int | None]  # prediction id -> created_at, where only the bill shows it
    complete: bool


class Resolver:
    """Looks at every attempt in doubt. Absence must be seen twice in a row before it counts."""

    def __init__(self, deps: Deps, worker_id: str) -> None:
        self._deps = deps
        self._worker_id = worker_id
        self._absent_before: set[int] = set()
        self._lease_ms = int(deps.settings.worker.lease_seconds * 1000)

    async def tick(self) -> tuple[float, list[Adopted]]:
        """One look; returns the delay to the next and the attempts that are in flight now, for this worker."""
        with self._deps.database.read() as tx:
            open_doubts, now = doubts.in_doubt(tx), tx.now
        if not open_doubts:
            self._absent_before.clear()
            return IDLE_LOOK_SECONDS, []
        stated = {row.attempt_id: self._stated(row, now) for row in open_doubts}
        listing = await self._listing(list(stated.values()))
        if listing is None:
            return LOOK_SECONDS_MAX, []
        candidates, trusted = self._candidates(listing, open_doubts)
        verdict = evidence.judge(list(stated.values()), candidates, inputs_trusted=trusted)
        adopted = await self._act({row.attempt_id: row for row in open_doubts}, listing, verdict)
        return self._delay(open_doubts), adopted

    def _delay(self, open_doubts: Sequence[InDoubt]) -> float:
        if all(row.reason == doubts.AMBIGUOUS for row in open_doubts):
            return AMBIGUOUS_LOOK_SECONDS
        quarter = self._deps.settings.in_doubt.settle_seconds / 4
        return max(LOOK_SECONDS_MIN, min(LOOK_SECONDS_MAX, quarter))

    def _stated(self, row: InDoubt, now: int) -> evidence.Doubt:
        settings = self._deps.settings
        wait = settings.provider.connect_timeout_seconds + settings.provider.submit_timeout_seconds
        return evidence.Doubt(
            row.attempt_id,
            row.model,
            row.sent_digest,
            tuple(sorted(row.params)),
            row.submitted_at,
            row.submitted_at + int(wait * 1000) + LATE_ACTION_MS,
            settled=now - row.doubted_at >= settings.in_doubt.settle_seconds * 1000,
        )

    async def _listing(self, stated: Sequence[evidence.Doubt]) -> _Listing | None:
        """The account's predictions and deductions around the doubts; None when the list cannot be read now.

        A bill that cannot be read adds nothing.
        """
        after = min(doubt.sent_at for doubt in stated) - evidence.SKEW_MS
        before = max(doubt.last_possible_at for doubt in stated) + evidence.SKEW_MS
        listed = await list_all(self._deps.provider, after_ms=after, before_ms=before)
        if listed is None:
            return None
        bill = await bill_all(self._deps.provider, start_ms=after, end_ms=before) or Bill(complete=True)
        billed = {
            record.prediction_id: record.created_at_ms
            for record in bill.records
            if record.prediction_id and record.prediction_id not in listed.predictions
        }
        return _Listing(listed.predictions, billed, listed.complete and bill.complete)

    def _candidates(
        self, listing: _Listing, open_doubts: Sequence[InDoubt]
    ) -> tuple[list[evidence.Candidate], bool]:
        """Predictions that nobody holds, and whether the list shows the inputs of our own tasks as we sent them."""
        keys = tuple(sorted({key for row in open_doubts for key in row.params}))
        with self._deps.database.read() as tx:
            unknown = foreign.unknown(tx, [*listing.predictions, *listing.billed])
            ours = sent_digests(tx, [found for found in listing.predictions if found not in unknown])
        trusted = any(
            (inputs := listing.predictions[found].inputs) is not None
            and evidence.inputs_digest(inputs, keys) == digest
            for found, digest in ours.items()
        )
        found = [
            evidence.Candidate(item.id, item.model, item.created_at_ms, item.inputs)
            for item in listing.predictions.values()
            if item.id in unknown
        ]
        found.extend(
            evidence.Candidate(billed, None, created_at, None)
            for billed, created_at in listing.billed.items()
            if billed in unknown
        )
        return found, trusted

    async def _act(
        self, rows: Mapping[int, InDoubt], listing: _Listing, verdict: evidence.Verdict
    ) -> list[Adopted]:
        self._deps.crashpoint("resolve.judged")
        adopted: list[int] = []
        for attempt_id, prediction_id in verdict.adopt:
            known = listing.predictions.get(prediction_id)
            row = doubts.Found(
                attempt_id,
                rows[attempt_id].epoch,
                prediction_id,
                known.status_text if known else "billed",
                self._worker_id,
                self._lease_ms,
                "found in the provider's list",
            )
            if await self._deps.writer.submit(doubts.adopt, row):
                adopted.append(attempt_id)
        await self._act_on_absence(rows, listing, verdict)
        for attempt_id, possible in verdict.ambiguous:
            if rows[attempt_id].reason != doubts.AMBIGUOUS:
                await self._deps.writer.submit(
                    doubts.set_aside,
                    doubts.Ambiguous(attempt_id, rows[attempt_id].epoch, _described(listing, possible)),
                )
        if not adopted:
            return []
        with self._deps.database.read() as tx:
            return [row for row in adopted_by_id(tx, adopted) if row.state is AttemptState.IN_FLIGHT]

    async def _act_on_absence(
        self, rows: Mapping[int, InDoubt], listing: _Listing, verdict: evidence.Verdict
    ) -> None:
        absent = set(verdict.absent) if listing.complete else set()
        for attempt_id in sorted(absent & self._absent_before):
            row = doubts.Absent(
                attempt_id, rows[attempt_id].epoch, "the provider's list shows no task it could have created"
            )
            await self._deps.writer.submit(doubts.abandon, row)
        self._absent_before = absent


def _described(
    listing: _Listing, possible: Sequence[str]
) -> tuple[tuple[str, str, int | None, tuple[str, ...]], ...]:
    described: list[tuple[str, str, int | None, tuple[str, ...]]] = []
    for prediction_id in possible:
        known = listing.predictions.get(prediction_id)
        if known is None:
            described.append((prediction_id, "billed", listing.billed.get(prediction_id), ()))
        else:
            described.append((prediction_id, known.status_text, known.created_at_ms, known.outputs))
    return tuple(described)
