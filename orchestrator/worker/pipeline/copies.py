"""Copies: further files of pictures that are paid once, for rows that ask for exactly the same work.

Those that are known when a task completes are made before its job ends, so that a job that succeeded has all
its files. Those that are asked for later are made by any worker, and cost nothing.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

from orchestrator.core.paths import places_of_download
from orchestrator.ports import (
    CopyRequest,
    DiscardedArtifact,
    FetchFailed,
    FetchFault,
    StoredArtifact,
)
from orchestrator.store.attempts import copies
from orchestrator.store.attempts.copies import MISSING_MAX, CopyMade, MissingCopy
from orchestrator.store.attempts.outputs import ExpectedOutput
from orchestrator.store.db.database import Tx
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably

COPIES_SECONDS: Final = 5.0
"""How often it is looked whether copies are missing: an index of nothing else answers the question."""

Kept = StoredArtifact | DiscardedArtifact


class Copies:
    """Makes copies of stored pictures."""

    def __init__(self, deps: Deps, *, run_ids: Collection[int] | None) -> None:
        self._deps = deps
        self._run_ids = run_ids
        self._passed_over: set[tuple[int, int]] = set()  # job and index of what cannot be copied now
        self._gone: set[tuple[int, int]] = set()  # what was not there once: it may have moved at that moment

    async def of_attempt(
        self,
        job_id: int,
        outputs: Sequence[ExpectedOutput],
        stored: Mapping[int, Kept],
        *,
        wait_for_storage: Callable[[str], Awaitable[None]],
    ) -> tuple[tuple[int, Kept], ...]:
        """The copies that were asked for with these outputs, once there is room for them.

        One whose picture is gone again, or whose place is taken, is left out.
        """
        made: list[tuple[int, Kept]] = []
        for output in outputs:
            for index, path in output.copies:
                wanted = MissingCopy(job_id, index, path, of=stored.get(output.index))
                outcome = await self._make(wanted)
                while isinstance(outcome, FetchFailed) and outcome.fault is FetchFault.STORAGE:
                    await wait_for_storage(outcome.message)
                    outcome = await self._make(wanted)
                if isinstance(outcome, FetchFailed):
                    self._pass_over(wanted, outcome)
                elif outcome is not None:
                    made.append((index, outcome))
        return tuple(made)

    async def tick(self) -> float:
        """Make what is missing of jobs that succeeded."""
        with self._deps.database.read() as tx:
            found = self._missing(tx)
        for missing in found:
            outcome = await self._make(missing)
            if isinstance(outcome, FetchFailed):
                which = missing.job_id, missing.index
                if outcome.fault is not FetchFault.GONE or which in self._gone:
                    self._pass_over(missing, outcome)
                self._gone.add(which)
                continue
            self._deps.crashpoint("fetch.stored")
            await write_durably(self._deps, copies.record, CopyMade(missing.job_id, missing.index, outcome))
        return 0.0 if len(found) >= MISSING_MAX else COPIES_SECONDS

    def settled(self, tx: Tx) -> bool:
        """Whether nothing is missing that can be made."""
        return not self._missing(tx)

    def _missing(self, tx: Tx) -> list[MissingCopy]:
        return copies.missing(tx, self._run_ids, self._passed_over)

    async def _make(self, wanted: MissingCopy) -> Kept | FetchFailed | None:
        """The copy; None where there is nothing to make it of."""
        if not isinstance(wanted.of, StoredArtifact):
            return wanted.of
        outcome: Kept | FetchFailed | None = None
        for path in places_of_download(wanted.path, job_id=wanted.job_id):
            outcome = await self._deps.artifacts.copy(CopyRequest(wanted.of, path))
            if not (isinstance(outcome, FetchFailed) and outcome.fault is FetchFault.COLLISION):
                break
        return outcome

    def _pass_over(self, wanted: MissingCopy, failure: FetchFailed) -> None:
        """Leave it to the next worker: this one may be on a host that does not have the picture."""
        self._passed_over.add((wanted.job_id, wanted.index))
        self._deps.notify(
            f"{wanted.path} of job {wanted.job_id} is not made now: {failure.message}. The next `run` or "
            "`work` tries again."
        )
