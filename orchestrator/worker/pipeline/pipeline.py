"""The pipeline of a worker: attempts are claimed, prepared, submitted, polled and fetched."""

from collections.abc import Callable, Coroutine
from typing import Any

from orchestrator.core.states import AttemptState
from orchestrator.store.attempts import outputs
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.worker.activity import Activity
from orchestrator.worker.deps import Deps
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.guards.restored_copy import RestoredCopyCheck
from orchestrator.worker.pipeline.claim import Claimer
from orchestrator.worker.pipeline.fetch import Fetcher
from orchestrator.worker.pipeline.latencies import Latencies
from orchestrator.worker.pipeline.poll import Poller
from orchestrator.worker.pipeline.prepare import Inputs
from orchestrator.worker.pipeline.submit import Submitter
from orchestrator.worker.stop import Stop


class Pipeline:
    """Connects the stages: each hands an attempt to the next one."""

    def __init__(
        self,
        deps: Deps,
        *,
        worker_id: str,
        run_ids: frozenset[int] | None,
        stop: Stop,
        activity: Activity,
        account_pauses: AccountPauses,
        restored_copy: RestoredCopyCheck,
        latencies: Latencies,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        wake_claim: Callable[[], None],
        wake_poll: Callable[[], None],
        doubted: Callable[[], None],
        drain: Callable[[], None],
    ) -> None:
        self._deps = deps
        inputs = Inputs(deps)
        self.fetcher = Fetcher(
            deps, activity=activity, account_pauses=account_pauses, spawn=spawn, slot_freed=wake_claim
        )
        self.poller = Poller(
            deps,
            inputs=inputs,
            activity=activity,
            account_pauses=account_pauses,
            latencies=latencies,
            completed=self.fetcher.start,
            spawn=spawn,
            wake=wake_poll,
        )
        submitter = Submitter(
            deps,
            worker_id=worker_id,
            inputs=inputs,
            activity=activity,
            account_pauses=account_pauses,
            accepted=self.poller.add,
            doubted=doubted,
        )
        self.claimer = Claimer(
            deps,
            worker_id=worker_id,
            run_ids=run_ids,
            stop=stop,
            activity=activity,
            account_pauses=account_pauses,
            restored_copy=restored_copy,
            submitter=submitter,
            spawn=spawn,
            wake=wake_claim,
            drain=drain,
        )

    def resume(self, attempt: HeldAttempt) -> None:
        """Go on with an accepted attempt where its last holder left it: it is never sent again."""
        if attempt.state is not AttemptState.FETCHING:
            self.poller.add(attempt)
            return
        with self._deps.database.read() as tx:
            expected = outputs.expected(tx, attempt.attempt_id)
        self.fetcher.start(attempt, expected)
