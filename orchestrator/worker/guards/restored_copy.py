"""Noticing a restored or copied database, and tasks that nobody here knows.

Such a database would pay again for what the original has paid. It stops spending until `orchestrator
reconcile` has assigned every unknown task to a job, or listed it. It is known by its own mark: the file
beside the outputs is ahead of it. Other people's tasks on the account stop nobody.

| `guards.unknown_tasks` | the mark is ahead | a task equals a waiting job | other unknown tasks |
|---|---|---|---|
| `ours` | stop | that job waits | nothing; without a mark and without inputs in the list: stop |
| `stop` | stop | stop | stop |
| `ignore` | nothing | nothing | nothing |

A task that a lost reply of ours may explain is not counted as unknown, but each such reply explains one task
at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.evidence import SKEW_MS, shown_as_sent
from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.ports import MarkState, Prediction
from orchestrator.ports.paging import list_all
from orchestrator.store.account import pauses, worker_stops
from orchestrator.store.account.worker_stops import LIST_UNREADABLE, WorkerFreed, WorkerStop
from orchestrator.store.attempts import predictions
from orchestrator.store.attempts.predictions import sent_digests, sent_keys
from orchestrator.store.db.database import Tx
from orchestrator.store.doubts import adoption, doubts
from orchestrator.store.money import bills
from orchestrator.store.runs import held_jobs
from orchestrator.store.runs.runs import models_in_use
from orchestrator.worker.deps import Deps
from orchestrator.worker.doubts.windows import last_possible_at
from orchestrator.worker.guards.account_pauses import begin_pause
from orchestrator.worker.guards.own_mark import OwnMark
from orchestrator.worker.guards.unknown_tasks import equal_jobs, unexplained

UNKNOWN_TASKS: Final = "unknown_tasks"
UNREADABLE_MS: Final = 30_000
"""How long an unreadable list stops its worker; upkeep checks again before that and renews the stop."""


@dataclass(frozen=True, slots=True)
class UnknownTasks:
    """The provider lists tasks that this database does not know."""

    message: str
    # lost replies are open: a worker can and must resolve those before `reconcile` can take tasks in
    doubts: bool


class RestoredCopyCheck:
    """Compares the provider's list with the database."""

    def __init__(self, deps: Deps, worker_id: str) -> None:
        self._deps = deps
        self._worker_id = worker_id
        self._mark = OwnMark(deps)
        self._unreadable = ""

    @property
    def unreadable(self) -> str:
        """Why this worker must not buy: at the last check the list could not be read. Empty: it may.

        The stop that says so too ends by itself, also while this process sleeps or the database is away.
        """
        return self._unreadable

    async def check(self) -> UnknownTasks | None:
        """Compare once; pauses the account when it must not buy.

        When the list cannot be read and the mark does not tell, this worker stops for a while: another may
        read it, with another key or by another way.
        """
        deps = self._deps
        rule = deps.settings.guards.unknown_tasks
        if rule == "ignore":
            return None
        mark = self._mark.state()
        with deps.database.read() as tx:
            since, has_open = _Since.read(tx), doubts.unsettled(tx)
        if mark is MarkState.AHEAD:
            return await self._stopped(RESTORED, doubts_open=has_open)
        return None if since is None else await self._check_list(since, has_open, mark=mark, rule=rule)

    async def _check_list(
        self, since: "_Since", has_open: bool, *, mark: MarkState, rule: str
    ) -> UnknownTasks | None:
        """What the provider's list says beyond the mark."""
        deps = self._deps
        listing = await list_all(
            deps.provider,
            deps.clock,
            after_ms=since.list_from,
            before_ms=since.now + SKEW_MS,
        )
        vouched = rule == "ours" and mark is MarkState.OURS
        if listing is None:
            if not since.is_fresh and not vouched:  # else the list is not needed
                self._unreadable = UNREADABLE
                until = deps.clock.now_ms() + UNREADABLE_MS
                row = WorkerStop(self._worker_id, LIST_UNREADABLE, UNREADABLE, until=until)
                await deps.writer.submit(worker_stops.stop_workers, row)
            return None
        found = self._unexpected(listing.predictions, since)
        self._unreadable = ""
        await deps.writer.submit(worker_stops.free_workers, WorkerFreed(self._worker_id, LIST_UNREADABLE))
        if vouched or (rule == "ours" and found.inputs_trusted):
            await self._hold_equal_jobs(found)
            return None
        return await self._stopped(_message(found.tasks), doubts_open=has_open) if found.tasks else None

    def _unexpected(self, listed: Mapping[str, Prediction], since: "_Since") -> "_Unexpected":
        """The newer tasks of our models that neither this database nor a request of it explains."""
        with self._deps.database.read() as tx:
            models = models_in_use(tx)
            ours = [item for item in listed.values() if item.model is None or item.model in models]
            unknown = predictions.unknown(tx, [item.id for item in ours])
            # Read after the list: what another worker is sending now is listed before its reply is recorded.
            unanswered = doubts.unanswered(tx)
            sent = sent_digests(tx, [item.id for item in ours if item.id not in unknown])
            shapes = {post.keys for post in unanswered} | sent_keys(tx, list(sent))
        shown = shown_as_sent(((listed[name].inputs, digest) for name, digest in sent.items()), shapes)
        posts = [(post, last_possible_at(self._deps.settings, post.sent_at)) for post in unanswered]
        newer = [
            item for item in ours if item.id in unknown and (item.created_at_ms or since.after) >= since.after
        ]
        return _Unexpected(unexplained(newer, posts, inputs_trusted=shown), shown)

    async def _hold_equal_jobs(self, found: "_Unexpected") -> None:
        """Jobs that would buy just what an unknown task has made wait for a person; all else goes on."""
        deps = self._deps
        with deps.database.read() as tx:
            waiting = list(adoption.pending_jobs(tx, deps.settings.provider.base_url)) if found.tasks else []
        equal = equal_jobs(found.tasks, waiting)
        if equal and (held := await deps.writer.submit(_hold, equal)):
            deps.notify(
                f"{held} job(s) wait: the account has tasks that ask for just the same and are not known "
                "here. Decide with: orchestrator reconcile"
            )

    async def _stopped(self, message: str, *, doubts_open: bool) -> UnknownTasks:
        row = pauses.Pause(scope="account", name="", reason=UNKNOWN_TASKS, message=message)
        await self._deps.writer.submit(begin_pause, row)
        self._unreadable = ""
        return UnknownTasks(message, doubts_open)


@dataclass(frozen=True, slots=True)
class _Since:
    """From when on a task of ours must be known to us (ms)."""

    now: int
    after: int
    list_from: int  # from the newest task that we know: how it is shown says whether inputs are as sent
    is_fresh: bool  # nothing was ever accepted, as far as is known

    @classmethod
    def read(cls, tx: Tx) -> "_Since | None":
        """None when this database has never had work."""
        mark, answered_at = bills.last_accepted_at(tx), bills.last_answered_sent_at(tx)
        after = bills.first_run_at(tx) if mark is None else mark - SKEW_MS
        if after is None:
            return None
        start = after if answered_at is None else min(after, answered_at - SKEW_MS)
        return cls(tx.now, after, max(start, tx.now - RETENTION_MS), mark is None)


@dataclass(frozen=True, slots=True)
class _Unexpected:
    """Tasks that nothing explains, and whether the list shows inputs as they were sent."""

    tasks: Sequence[Prediction]
    inputs_trusted: bool


def _hold(tx: Tx, rows: Sequence[dict[int, str]]) -> list[int]:
    return [held_jobs.hold(tx, row) for row in rows]


RESTORED: Final = (
    "This database is behind its own mark beside the outputs: it was restored from a backup, or is an old "
    "copy, and does not know what was bought since. Apply what was applied since the backup, then run: "
    "orchestrator reconcile"
)

UNREADABLE: Final = (
    "The provider's list cannot be read, so it is not known whether it shows tasks that this database does "
    "not know. It is read again in a moment; to spend without it, set guards.unknown_tasks: ignore."
)


def _message(unexpected: Sequence[Prediction]) -> str:
    return (
        f"The provider lists {len(unexpected)} newer task(s) that this database does not know, such as "
        f"{unexpected[0].id}. Was it restored from a backup, or does another copy use the account? "
        "Run: orchestrator reconcile"
    )
