"""The pipeline of a worker: attempts are claimed, prepared, submitted, polled and fetched."""

from collections.abc import Callable, Coroutine
from typing import Any

from orchestrator.core.states import AttemptState
from orchestrator.store.attempts import outputs
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.worker.activity import Activity
from orchestrator.worker.alarms import Alarms
from orchestrator.worker.deps import Deps
from orchestrator.worker.doubts.care import CareTaker
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.guards.price_guard import PriceGuard
from orchestrator.worker.guards.price_proof import PriceProof
from orchestrator.worker.guards.restored_copy import RestoredCopyCheck
from orchestrator.worker.pipeline.claim import Claimer
from orchestrator.worker.pipeline.copies import Copies
from orchestrator.worker.pipeline.fetch import Fetcher
from orchestrator.worker.pipeline.latencies import Latencies
from orchestrator.worker.pipeline.poll import Poller
from orchestrator.worker.pipeline.prepare import Inputs
from orchestrator.worker.pipeline.submit import Submitter
from orchestrator.worker.pipeline.troubles import TroubleNotes
from orchestrator.worker.stop import Stop


class Pipeline:
    """Connects the stages: each hands an attempt to the next one."""

    def __init__(
        self,
        deps: Deps,
        *,
        worker_id: str,
        activity: Activity,
        account_pauses: AccountPauses,
        latencies: Latencies,
        alarms: Alarms,
        proof: PriceProof,
        copies: Copies,
        care: CareTaker,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._deps = deps
        self._worker_id = worker_id
        self._activity = activity
        self._pauses = account_pauses
        self._alarms = alarms
        self._proof = proof
        self._care = care
        self._spawn = spawn
        inputs = Inputs(deps)
        self.troubles = TroubleNotes(deps)
        self.prices = PriceGuard(deps)
        self.fetcher = Fetcher(
            deps,
            activity=activity,
            account_pauses=account_pauses,
            troubles=self.troubles,
            copies=copies,
            spawn=spawn,
            slot_freed=alarms.claim.ring,
            stored=alarms.moves.ring,
        )
        self.poller = Poller(
            deps,
            inputs=inputs,
            activity=activity,
            account_pauses=account_pauses,
            latencies=latencies,
            troubles=self.troubles,
            completed=self.fetcher.start,
            spawn=spawn,
            wake=alarms.poll.ring,
        )
        self._submitter = self._make_submitter(inputs)

    def _make_submitter(self, inputs: Inputs) -> Submitter:
        return Submitter(
            self._deps,
            worker_id=self._worker_id,
            inputs=inputs,
            activity=self._activity,
            account_pauses=self._pauses,
            prices=self.prices,
            proof=self._proof,
            accepted=self._accepted,
            doubted=self._doubted,
            answered=self._alarms.resolve.ring,
        )

    def _accepted(self, attempt: HeldAttempt) -> None:
        self.poller.add(attempt)
        if self._proof.is_unproven((attempt.model, attempt.price_micros)):
            self._alarms.prices.ring()  # its charge may be on the bill already

    def claimer(
        self,
        *,
        run_ids: frozenset[int] | None,
        only_round: int | None,
        stop: Stop,
        restored_copy: RestoredCopyCheck,
        drain: Callable[[], None],
    ) -> Claimer:
        """What brings attempts into the pipeline; `drain` is called when an operator asks it to end."""
        return Claimer(
            self._deps,
            worker_id=self._worker_id,
            run_ids=run_ids,
            only_round=only_round,
            stop=stop,
            activity=self._activity,
            account_pauses=self._pauses,
            restored_copy=restored_copy,
            care=self._care,
            submitter=self._submitter,
            downloads_first=self.fetcher.pressed,
            spawn=self._spawn,
            wake=self._alarms.claim.ring,
            drain=drain,
        )

    def _doubted(self) -> None:
        self._care.doubted()
        self._alarms.resolve.ring()

    def resume(self, attempt: HeldAttempt) -> None:
        """Go on with an accepted attempt where its last holder left it: it is never sent again."""
        if attempt.state is not AttemptState.FETCHING:
            self.poller.add(attempt)
            return
        with self._deps.database.read() as tx:
            expected = outputs.expected(tx, attempt.attempt_id)
        self.fetcher.start(attempt, expected)

    def go_on_with_found(self, attempt: HeldAttempt) -> None:
        """The same for one whose reply was lost, and whose task was found."""
        self._pauses.found()
        self.resume(attempt)
