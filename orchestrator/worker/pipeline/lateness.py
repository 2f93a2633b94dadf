"""What the polls of one task have shown so far, and when that is handed to a person."""

from dataclasses import dataclass, replace
from typing import Final

from orchestrator.core.lateness import Answers, is_overdue
from orchestrator.store.attempts import overdue
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.worker.activity import Activity
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.pipeline.latencies import Latencies
from orchestrator.worker.pipeline.troubles import TroubleNotes

OVERDUE_POLL_SECONDS: Final = 60.0
"""An overdue task is polled no more often: it may still end, and nobody waits for it."""


@dataclass(slots=True)
class Polled:
    """An accepted attempt, and what polling it has shown so far, which nobody else needs to know."""

    attempt: HeldAttempt
    polls: int = 0
    running_ms: int = 0  # from acceptance to the last poll that saw it still running
    missing_since: int | None = None  # ms; the provider has said 404 ever since
    empty_since: int | None = None  # ms; it has been completed without an output ever since
    odd_in_a_row: int = 0  # answers that are not as documented, or no answers at all


@dataclass(frozen=True, slots=True)
class Answer:
    """How a poll ended that did not end the task."""

    words: str  # what the provider said, for people
    odd: bool  # it is not what a running task is said to be
    about_task: bool = True  # False: it says something of the network or the account only


class Lateness:
    """Gives every task that does not end a voice, and in time a person."""

    def __init__(
        self, deps: Deps, *, activity: Activity, latencies: Latencies, troubles: TroubleNotes
    ) -> None:
        self._deps = deps
        self._activity = activity
        self._latencies = latencies
        self._troubles = troubles
        self._floor = deps.settings.guards.overdue_seconds

    async def next_look_seconds(self, polled: Polled, answer: Answer, planned: float) -> float:
        """Take in an answer; returns in how many seconds to poll again, `planned` unless it is overdue."""
        polled.odd_in_a_row = polled.odd_in_a_row + 1 if answer.odd else 0
        if not polled.attempt.overdue and answer.about_task and self._is_overdue(polled):
            await self._hand_over(polled, answer)
        is_aside = polled.attempt.overdue
        if is_aside:
            self._activity.set_aside(polled.attempt)
        wait = max(planned, OVERDUE_POLL_SECONDS) if is_aside else planned
        if answer.odd or is_aside:
            count = max(1, polled.odd_in_a_row)
            self._troubles.note(polled.attempt, answer.words, count=count, wait_seconds=wait)
        else:
            self._troubles.over(polled.attempt)
        return wait

    def ended(self, polled: Polled) -> None:
        """The task has ended."""
        self._activity.no_longer_in_flight(polled.attempt)
        self._troubles.forget(polled.attempt.attempt_id)

    def _is_overdue(self, polled: Polled) -> bool:
        model = polled.attempt.model
        guess = self._deps.facts(model).typical_latency_seconds
        age = (self._deps.clock.now_ms() - polled.attempt.accepted_at) / 1000
        return is_overdue(
            Answers(age, polled.odd_in_a_row),
            slowest=self._latencies.slowest_seconds(model, guess),
            floor=self._floor,
        )

    async def _hand_over(self, polled: Polled, answer: Answer) -> None:
        row = overdue.HandOver(polled.attempt.attempt_id, polled.attempt.epoch, answer.words)
        await write_durably(self._deps, overdue.hand_over, row)
        self._troubles.forget(row.attempt_id)  # what follows is news: it is polled at another pace
        polled.attempt = replace(polled.attempt, overdue=True)
