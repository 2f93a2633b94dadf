"""Resolving doubts: consume webhook reports, read the provider's list and bill around each lost reply, and
act on what they prove.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core import evidence
from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.core.states import AttemptState
from orchestrator.store.attempts import lifecycle
from orchestrator.store.attempts.held import HeldAttempt, held_by
from orchestrator.store.doubts import doubts, possible_tasks
from orchestrator.store.doubts.doubts import InDoubt
from orchestrator.worker.deps import Deps
from orchestrator.worker.doubts.care import CareTaker
from orchestrator.worker.doubts.judgement import Judge, WeighedEvidence
from orchestrator.worker.doubts.provider_view import ProviderView, read_window
from orchestrator.worker.doubts.webhook_reports import ConsumedReports, consume_reports
from orchestrator.worker.doubts.windows import as_evidence

CHECK_SECONDS_MAX: Final = 15.0
CHECK_SECONDS_MIN: Final = 0.25
IDLE_CHECK_SECONDS: Final = 5.0
AMBIGUOUS_CHECK_SECONDS: Final = 60.0
REPORTS_SECONDS: Final = 2.0
"""How often webhook reports are consumed, where webhooks are configured; the list is read no more often for
that."""

_DUE_SECONDS: Final = 0.001
"""A check that is due so soon is made now: a sleep may end a fraction early."""

UNREADABLE: Final = (
    "Replies were lost, and the provider's list or bill, which would tell whether those requests were paid "
    "for, cannot be read whole: see `orchestrator in-doubt list`."
)


@dataclass(frozen=True, slots=True)
class _Case:
    """Doubts whose time windows overlap, and what the provider shows around them."""

    rows: Mapping[int, InDoubt]
    seen: ProviderView
    weighed: WeighedEvidence


class Resolver:
    """Checks every attempt in doubt. Absence, and what only a person can decide, must be found again by a
    later check to count.
    """

    def __init__(
        self,
        deps: Deps,
        worker_id: str,
        *,
        care: CareTaker,
        resume: Callable[[HeldAttempt], None],
        freed: Callable[[], None],
    ) -> None:
        """`resume` is given every attempt that this worker is to go on with; `care` what the list shows;
        `freed` is called when jobs or slots wait for nothing any more.
        """
        self._deps = deps
        self._worker_id = worker_id
        self._resume = resume
        self._absent_before: set[int] = set()
        self._unclear_before: dict[int, frozenset[str]] = {}
        self._judge = Judge(deps)
        self._care = care
        self._freed = freed
        self._checked_at = float("-inf")  # monotonic
        self.unreadable = ""  # what of the provider could not be read at the last check
        self._lease_ms = int(deps.settings.worker.lease_seconds * 1000)

    async def tick(self) -> float:
        """Consume reports, and check the list when that is due; returns the seconds until the next tick."""
        with self._deps.database.read() as tx:
            open_doubts, now = doubts.in_doubt(tx), tx.now
        if not open_doubts:
            self._absent_before.clear()
            self._unclear_before.clear()
            self._judge.forget()
            self._checked_at = float("-inf")
            self.unreadable = ""
            return IDLE_CHECK_SECONDS
        if any(row.reason != lifecycle.AMBIGUOUS for row in open_doubts):
            self._care.doubted()
        rows = {row.attempt_id: row for row in open_doubts}
        reports = await consume_reports(
            deps=self._deps, rows=rows, worker_id=self._worker_id, lease_ms=self._lease_ms
        )
        await self._set_unclear_aside(rows, reports, now)
        unreported = [row for row in open_doubts if row.attempt_id not in reports.attempts]
        resolved = list(reports.resolved)
        if self._seconds_to_check(unreported) <= _DUE_SECONDS:
            resolved.extend(await self._check(unreported, now, judged=frozenset(rows)))
            self._checked_at = self._deps.clock.monotonic()
        self._go_on(resolved)
        # Doubts of other workers ring no alarm here.
        pace = REPORTS_SECONDS if self._has_webhook else IDLE_CHECK_SECONDS
        return min(pace, self._seconds_to_check(unreported))

    async def _check(self, unreported: Sequence[InDoubt], now: int, *, judged: frozenset[int]) -> list[int]:
        """Read the list around doubts that no webhook has reported on, and act on it; returns the attempts
        whose doubts were resolved.
        """
        rows = {row.attempt_id: row for row in unreported}
        resolved: list[int] = []
        absent: set[int] = set()
        unclear: dict[int, frozenset[str]] = {}
        explained: frozenset[int] = frozenset()
        unreadable, inputs_shown = "", True
        for cluster in evidence.clusters(as_evidence(self._deps, row, now) for row in unreported):
            mine = {doubt.attempt_id: rows[doubt.attempt_id] for doubt in cluster}
            seen = await read_window(self._deps, cluster, now)
            if seen is None or not seen.complete:
                unreadable = UNREADABLE
            if seen is None:
                absent |= self._absent_before & mine.keys()
                unclear |= {
                    one: self._unclear_before[one] for one in self._unclear_before.keys() & mine.keys()
                }
                continue
            weighed = self._judge.judge(cluster, seen, judged=judged, now=now)
            case = _Case(mine, seen, weighed)
            explained |= weighed.explained
            inputs_shown = inputs_shown and weighed.inputs_shown
            self._deps.crashpoint("resolve.judged")
            resolved.extend(await self._resolve(case))
            absent |= await self._act_on_absence(case, now)
            unclear |= await self._set_aside(case, now)
        self._absent_before, self._unclear_before = absent, unclear
        self.unreadable = unreadable
        self._care.learned(inputs_shown=inputs_shown and not unreadable, explained=explained)
        self._freed()
        return resolved

    def _seconds_to_check(self, unreported: Sequence[InDoubt]) -> float:
        """How long the list can wait. One new doubt brings back the normal delay, which may be over already.

        However often this loop is rung, no two checks are closer than that: what two checks in a row must
        find would otherwise be found twice at the same moment, and a provider that is down would be asked for
        its list all the time.
        """
        only_old = all(row.reason == lifecycle.AMBIGUOUS for row in unreported)
        part = self._deps.settings.in_doubt.settle_seconds / 8
        normal = max(CHECK_SECONDS_MIN, min(CHECK_SECONDS_MAX, part))
        delay = AMBIGUOUS_CHECK_SECONDS if only_old else normal
        return self._checked_at + delay - self._deps.clock.monotonic()

    @property
    def _has_webhook(self) -> bool:
        return self._deps.settings.webhook.url is not None

    async def _resolve(self, case: _Case) -> list[int]:
        resolved: list[int] = []
        for attempt_id, prediction_id in case.weighed.verdict.adopt:
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
                resolved.append(attempt_id)
        return resolved

    async def _act_on_absence(self, case: _Case, now: int) -> set[int]:
        """End doubts that were absent at the last check too; returns those that are absent now, by a list
        that was read whole.
        """
        absent = set(case.weighed.verdict.absent) if case.seen.complete else set()
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

    async def _set_aside(self, case: _Case, now: int) -> dict[int, frozenset[str]]:
        """Leave to a person what an earlier check could not decide either; returns what is unclear now.

        Something that was possible then must be so still. What may be of a request that is on its way is
        undecided, and no case for a person.
        """
        unclear: dict[int, frozenset[str]] = {}
        for attempt_id, possible in case.weighed.verdict.ambiguous:
            row, before = case.rows[attempt_id], self._unclear_before.get(attempt_id, frozenset())
            unclear[attempt_id] = frozenset(possible)
            if before & set(possible) and not self._may_be_reported(row, now):
                await self._mark(row, tuple(_described(case.seen, item) for item in possible))
        return unclear

    async def _set_unclear_aside(
        self, rows: Mapping[int, InDoubt], reports: ConsumedReports, now: int
    ) -> None:
        """Leave to a person what a webhook reported and the provider does not confirm in time, with what was
        reported.
        """
        for attempt_id, possible in reports.unclear.items():
            if as_evidence(self._deps, rows[attempt_id], now).settled:
                await self._mark(rows[attempt_id], [(name, "reported", None, ()) for name in possible])

    def _may_be_reported(self, row: InDoubt, now: int) -> bool:
        """Whether a webhook may still report what the list cannot show, so that nobody need be asked yet."""
        return self._has_webhook and now - row.doubted_at < self._deps.settings.webhook.wait_seconds * 1000

    async def _mark(self, row: InDoubt, possible: Sequence[possible_tasks.Candidate]) -> None:
        """Leave it to an operator, with the predictions that are possible now; written only when they have
        changed.
        """
        with self._deps.database.read() as tx:
            known = {item for item in possible_tasks.possible(tx) if item.attempt_id == row.attempt_id}
        if row.reason == lifecycle.AMBIGUOUS and known == {
            possible_tasks.PossibleTask(row.attempt_id, *item) for item in possible
        }:
            return
        await self._deps.writer.submit(
            possible_tasks.set_aside, possible_tasks.Ambiguous(row.attempt_id, row.epoch, tuple(possible))
        )

    def _go_on(self, attempt_ids: Sequence[int]) -> None:
        """Resume those that are still this worker's and in flight: another may have taken them over since."""
        if not attempt_ids:
            return
        with self._deps.database.read() as tx:
            held = held_by(tx, self._worker_id, attempt_ids)
        for attempt in held:
            if attempt.state is AttemptState.IN_FLIGHT:
                self._resume(attempt)


def _described(seen: ProviderView, prediction_id: str) -> possible_tasks.Candidate:
    known = seen.predictions.get(prediction_id)
    if known is None:
        return (prediction_id, "billed", seen.billed.get(prediction_id), ())
    return (prediction_id, known.status.value, known.created_at_ms, known.outputs)
