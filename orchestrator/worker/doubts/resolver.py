"""Resolving doubts: hear webhooks, read the provider's list and bill around each lost reply, act on what
they prove.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core import evidence
from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.core.states import AttemptState
from orchestrator.store.attempts import lifecycle, predictions
from orchestrator.store.attempts.leases import Adopted, adopted_by_id
from orchestrator.store.attempts.predictions import sent_digests
from orchestrator.store.doubts import doubts, webhook_reports
from orchestrator.store.doubts.doubts import InDoubt
from orchestrator.worker.deps import Deps
from orchestrator.worker.doubts.provider_view import ProviderView, last_possible_at, read_window
from orchestrator.worker.doubts.webhook_reports import ConsumedReports, consume_reports

LOOK_SECONDS_MAX: Final = 15.0
LOOK_SECONDS_MIN: Final = 0.25
IDLE_LOOK_SECONDS: Final = 5.0
AMBIGUOUS_LOOK_SECONDS: Final = 60.0
HEAR_SECONDS: Final = 2.0
"""How often what webhooks said is read, where they are configured; the list is looked at no more often for
that."""

_DUE_SECONDS: Final = 0.001
"""A look that is due so soon is made now: a sleep may end a fraction early."""

UNREADABLE: Final = (
    "Replies were lost, and the provider's list or bill, which would tell whether those requests were paid "
    "for, cannot be "
    "read whole: see `orchestrator in-doubt list`."
)


@dataclass(frozen=True, slots=True)
class _Case:
    """Doubts whose windows touch, and what the provider shows around them."""

    rows: Mapping[int, InDoubt]
    seen: ProviderView
    verdict: evidence.Verdict


class Resolver:
    """Looks at every attempt in doubt. Absence, and what only a person can decide, must be seen twice in a
    row to count.
    """

    def __init__(self, deps: Deps, worker_id: str) -> None:
        self._deps = deps
        self._worker_id = worker_id
        self._absent_before: set[int] = set()
        self._unclear_before: set[int] = set()
        self._looked_at = float("-inf")  # monotonic
        self.unreadable = ""  # what keeps doubts from being resolved, while it does
        self._lease_ms = int(deps.settings.worker.lease_seconds * 1000)

    async def tick(self) -> tuple[float, list[Adopted]]:
        """One look; returns the delay to the next and the attempts that are in flight now, for this
        worker.
        """
        with self._deps.database.read() as tx:
            open_doubts, now = doubts.in_doubt(tx), tx.now
        if not open_doubts:
            self._absent_before.clear()
            self._unclear_before.clear()
            self._looked_at = float("-inf")
            self.unreadable = ""
            return IDLE_LOOK_SECONDS, []
        rows = {row.attempt_id: row for row in open_doubts}
        heard = await consume_reports(
            deps=self._deps, rows=rows, worker_id=self._worker_id, lease_ms=self._lease_ms
        )
        await self._set_unclear_aside(rows, heard, now)
        silent = [row for row in open_doubts if row.attempt_id not in heard.attempts]
        adopted = list(heard.adopted)
        if self._seconds_to_look(silent) <= _DUE_SECONDS:
            adopted.extend(await self._look(silent, now))
            self._looked_at = self._deps.clock.monotonic()
        pace = HEAR_SECONDS if self._hears else IDLE_LOOK_SECONDS  # others' doubts ring no alarm here
        return min(pace, self._seconds_to_look(silent)), self._in_flight(adopted)

    async def _look(self, silent: Sequence[InDoubt], now: int) -> list[int]:
        """Read the list around doubts that no webhook has told about, and act on it; the attempts that
        were adopted.
        """
        rows = {row.attempt_id: row for row in silent}
        adopted: list[int] = []
        absent: set[int] = set()
        unclear: set[int] = set()
        unreadable = ""
        for cluster in evidence.clusters(self._stated(row, now) for row in silent):
            mine = {doubt.attempt_id: rows[doubt.attempt_id] for doubt in cluster}
            seen = await read_window(self._deps, cluster, now)
            if seen is None or not seen.complete:
                unreadable = UNREADABLE
            if seen is None:
                absent |= self._absent_before & mine.keys()
                unclear |= self._unclear_before & mine.keys()
                continue
            case = _Case(mine, seen, self._judge(rows=mine, cluster=cluster, seen=seen, now=now))
            self._deps.crashpoint("resolve.judged")
            adopted.extend(await self._adopt(case))
            absent |= await self._act_on_absence(case, now)
            unclear |= await self._set_aside(case, now)
        self._absent_before, self._unclear_before = absent, unclear
        self.unreadable = unreadable
        return adopted

    def _seconds_to_look(self, silent: Sequence[InDoubt]) -> float:
        """How long the list can wait. One new doubt brings back the normal delay, which may be over already.

        However often this loop is rung, no two looks are closer than that: what must be seen twice in a row
        would otherwise be seen twice at the same moment, and a provider that is down would be asked for its
        list all the time.
        """
        only_old = all(row.reason == lifecycle.AMBIGUOUS for row in silent)
        quarter = self._deps.settings.in_doubt.settle_seconds / 4
        normal = max(LOOK_SECONDS_MIN, min(LOOK_SECONDS_MAX, quarter))
        delay = AMBIGUOUS_LOOK_SECONDS if only_old else normal
        return self._looked_at + delay - self._deps.clock.monotonic()

    @property
    def _hears(self) -> bool:
        return self._deps.settings.webhook.url is not None

    def _stated(self, row: InDoubt, now: int) -> evidence.Doubt:
        settings = self._deps.settings
        return evidence.Doubt(
            attempt_id=row.attempt_id,
            model=row.model,
            digest=row.sent_digest,
            keys=tuple(sorted(row.params)),
            sent_at=row.submitted_at,
            last_possible_at=last_possible_at(settings, row.submitted_at),
            settled=now - row.doubted_at >= settings.in_doubt.settle_seconds * 1000,
        )

    def _judge(
        self, rows: Mapping[int, InDoubt], cluster: Sequence[evidence.Doubt], seen: ProviderView, now: int
    ) -> evidence.Verdict:
        """Weigh predictions that nobody holds; inputs count when the list shows those of our own tasks as
        sent.
        """
        keys = tuple(sorted({key for row in rows.values() for key in row.params}))
        with self._deps.database.read() as tx:
            unknown = predictions.unknown(tx, [*seen.predictions, *seen.billed])
            # What a webhook has named is the attempt's that it named, which is none of these.
            unknown -= webhook_reports.reported(tx, sorted(unknown))
            ours = sent_digests(tx, [found for found in seen.predictions if found not in unknown])
        trusted = evidence.shown_as_sent(
            ((seen.predictions[found].inputs, digest) for found, digest in ours.items()), [keys]
        )
        candidates = [
            evidence.Candidate(
                prediction_id=item.id,
                model=item.model,
                created_at=item.created_at_ms,
                inputs=item.inputs,
                listed=item.id not in seen.unlisted or self._would_be_listed(item.created_at_ms, now),
            )
            for item in seen.predictions.values()
            if item.id in unknown
        ]
        candidates.extend(
            evidence.Candidate(
                prediction_id=billed, model=None, created_at=created_at, inputs=None, listed=False
            )
            for billed, created_at in seen.billed.items()
            if billed in unknown
        )
        return evidence.judge(cluster, candidates, inputs_trusted=trusted)

    def _would_be_listed(self, created_at: int | None, now: int) -> bool:
        """Whether a prediction is so old that the list shows it if ever; the provider's clock may differ
        from ours.
        """
        settle_ms = self._deps.settings.in_doubt.settle_seconds * 1000
        return created_at is not None and now - created_at >= settle_ms + evidence.SKEW_MS

    async def _adopt(self, case: _Case) -> list[int]:
        adopted: list[int] = []
        for attempt_id, prediction_id in case.verdict.adopt:
            row = doubts.Found(
                attempt_id=attempt_id,
                epoch=case.rows[attempt_id].epoch,
                prediction_id=prediction_id,
                status=case.seen.predictions[prediction_id].status_text,
                worker=self._worker_id,
                lease_ms=self._lease_ms,
                evidence="found in the provider's list",
            )
            if await self._deps.writer.submit(doubts.resolve_as, row):
                adopted.append(attempt_id)
        return adopted

    async def _act_on_absence(self, case: _Case, now: int) -> set[int]:
        """End what was absent at the last look too; returns what is absent now, by a list that was read
        whole.
        """
        absent = set(case.verdict.absent) if case.seen.complete else set()
        for attempt_id in sorted(absent & self._absent_before):
            row = case.rows[attempt_id]
            if row.submitted_at < now - RETENTION_MS:
                await self._mark(row, ())  # the provider may have made it and forgotten it since
                continue
            proof = doubts.Absent(
                attempt_id, row.epoch, "the provider's list shows no task it could have created"
            )
            await self._deps.writer.submit(doubts.abandon, proof)
        return absent

    async def _set_aside(self, case: _Case, now: int) -> set[int]:
        """Leave to a person what was unclear at the last look too; returns what is unclear now.

        At one look alone, what is possible may be a task of ours that was accepted a moment ago and is not
        recorded yet.
        """
        for attempt_id, possible in case.verdict.ambiguous:
            row = case.rows[attempt_id]
            if attempt_id in self._unclear_before and not self._may_still_hear(row, now):
                await self._mark(row, tuple(_described(case.seen, item) for item in possible))
        return {attempt_id for attempt_id, _ in case.verdict.ambiguous}

    async def _set_unclear_aside(self, rows: Mapping[int, InDoubt], heard: ConsumedReports, now: int) -> None:
        """What a webhook told of and the provider does not confirm in time is left to a person, with what
        was told.
        """
        for attempt_id, possible in heard.unclear.items():
            if self._stated(rows[attempt_id], now).settled:
                await self._mark(rows[attempt_id], [(name, "reported", None, ()) for name in possible])

    def _may_still_hear(self, row: InDoubt, now: int) -> bool:
        """Whether a webhook may still tell what the list cannot, so that nobody need be asked yet."""
        return self._hears and now - row.doubted_at < self._deps.settings.webhook.wait_seconds * 1000

    async def _mark(self, row: InDoubt, possible: Sequence[doubts.Candidate]) -> None:
        """Leave it to an operator, with what is possible as it looks now; written only where something is
        new.
        """
        with self._deps.database.read() as tx:
            known = {item for item in doubts.possible(tx) if item.attempt_id == row.attempt_id}
        if row.reason == lifecycle.AMBIGUOUS and known == {
            doubts.PossibleTask(row.attempt_id, *item) for item in possible
        }:
            return
        await self._deps.writer.submit(
            doubts.set_aside, doubts.Ambiguous(row.attempt_id, row.epoch, tuple(possible))
        )

    def _in_flight(self, attempt_ids: Sequence[int]) -> list[Adopted]:
        if not attempt_ids:
            return []
        with self._deps.database.read() as tx:
            mine = adopted_by_id(tx, self._worker_id, attempt_ids)
        return [row for row in mine if row.state is AttemptState.IN_FLIGHT]


def _described(seen: ProviderView, prediction_id: str) -> doubts.Candidate:
    known = seen.predictions.get(prediction_id)
    if known is None:
        return (prediction_id, "billed", seen.billed.get(prediction_id), ())
    return (prediction_id, known.status.value, known.created_at_ms, known.outputs)
