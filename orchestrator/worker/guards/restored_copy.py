"""Noticing a restored or copied database: the provider lists tasks newer than our last commit that we do not
know.

Such a database would pay again for what the original has paid. It stops spending until `orchestrator
reconcile` has assigned every unknown task to a job, or listed it. A task that a lost reply of ours may
explain is not counted as unknown, but each such reply explains one task at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.evidence import SKEW_MS, inputs_digest, shown_as_sent
from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.ports import Prediction
from orchestrator.ports.paging import list_all
from orchestrator.store.account import pauses
from orchestrator.store.attempts import predictions
from orchestrator.store.attempts.predictions import sent_digests
from orchestrator.store.db.database import Tx
from orchestrator.store.doubts import doubts
from orchestrator.store.doubts.doubts import Unanswered
from orchestrator.store.money import bills
from orchestrator.store.runs.runs import models_in_use
from orchestrator.worker.deps import Deps
from orchestrator.worker.doubts.windows import last_possible_at
from orchestrator.worker.guards.account_pauses import begin_pause, end_pause

UNKNOWN_TASKS: Final = "unknown_tasks"
LIST_UNREADABLE: Final = "list_unreadable"
UNREADABLE_MS: Final = 30_000
"""How long an unreadable list pauses the account; upkeep checks again before that and renews the pause."""


@dataclass(frozen=True, slots=True)
class UnknownTasks:
    """The provider lists tasks that this database does not know."""

    message: str
    # lost replies are open: a worker can and must resolve those before `reconcile` can take tasks in
    doubts: bool


class RestoredCopyCheck:
    """Compares the provider's list with the database."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._unreadable = ""

    @property
    def unreadable(self) -> str:
        """Why this worker must not buy: at the last check the list could not be read. Empty: it may.

        The pause that says so too ends by itself, also while this process sleeps or the database is away.
        """
        return self._unreadable

    async def check(self) -> UnknownTasks | None:
        """Compare once; pauses the account when tasks are unknown, or for a while when the list cannot be
        read.
        """
        deps = self._deps
        if deps.settings.guards.unknown_tasks == "ignore":
            return None
        with deps.database.read() as tx:
            after, now, models = _since(tx), tx.now, models_in_use(tx)
            fresh = bills.last_accepted_at(tx) is None
            answered_at = bills.last_answered_sent_at(tx)
        if after is None:
            return None
        # Read from the newest task that we know: how it is shown says whether the list shows inputs as they
        # were sent.
        start = after if answered_at is None else min(after, answered_at - SKEW_MS)
        listing = await list_all(
            deps.provider, deps.clock, after_ms=max(start, now - RETENTION_MS), before_ms=now + SKEW_MS
        )
        if listing is None and fresh:
            return None  # nothing was ever accepted, as far as we know: the first submission need not wait
        if listing is None:
            self._unreadable = UNREADABLE
            await _pause(deps, LIST_UNREADABLE, UNREADABLE, until=deps.clock.now_ms() + UNREADABLE_MS)
            return None
        ours = [item for item in listing.predictions.values() if item.model is None or item.model in models]
        with deps.database.read() as tx:
            unknown = predictions.unknown(tx, [item.id for item in ours])
            # Read after the list: what another worker is sending now is listed before its reply is recorded.
            unanswered = doubts.unanswered(tx)
            sent = sent_digests(tx, [item.id for item in ours if item.id not in unknown])
        shown = shown_as_sent(
            ((listing.predictions[name].inputs, digest) for name, digest in sent.items()),
            {post.keys for post in unanswered},
        )
        posts = [(post, last_possible_at(deps.settings, post.sent_at)) for post in unanswered]
        newer = [item for item in ours if item.id in unknown and (item.created_at_ms or after) >= after]
        unexpected = unexplained(newer, posts, inputs_trusted=shown)
        if unexpected:
            await _pause(deps, UNKNOWN_TASKS, _message(unexpected), until=None)
        self._unreadable = ""
        await deps.writer.submit(end_pause, LIST_UNREADABLE)
        return UnknownTasks(_message(unexpected), bool(unanswered)) if unexpected else None


def unexplained(
    unknown: Sequence[Prediction], unanswered: Sequence[tuple[Unanswered, int]], *, inputs_trusted: bool
) -> list[Prediction]:
    """The unknown predictions that are left when every unanswered POST has explained one that it may have
    created.

    Each POST comes with the time until which it may have created something. Where the list is seen to show
    what was sent (`inputs_trusted`), a POST explains only a task that asks for the same.
    """
    left = list(unanswered)
    unexpected: list[Prediction] = []
    for item in sorted(unknown, key=lambda item: (item.created_at_ms or 0, item.id)):
        fits = next((post for post in left if _may_be(item, *post, inputs_trusted=inputs_trusted)), None)
        if fits is None:
            unexpected.append(item)
        else:
            left.remove(fits)
    return unexpected


def _may_be(item: Prediction, post: Unanswered, until: int, *, inputs_trusted: bool) -> bool:
    """Whether that POST may have created it: asked for the same, as far as that is shown, at a time when
    it could.
    """
    known = inputs_trusted and item.inputs is not None and post.digest is not None
    if known and inputs_digest(item.inputs or {}, post.keys) != post.digest:
        return False
    return item.model in {None, post.model} and (
        item.created_at_ms is None or post.sent_at - SKEW_MS <= item.created_at_ms <= until + SKEW_MS
    )


def _since(tx: Tx) -> int | None:
    """From when on a task of ours must be known to us; None when this database has never had work."""
    mark = bills.last_accepted_at(tx)
    return bills.first_run_at(tx) if mark is None else mark - SKEW_MS


async def _pause(deps: Deps, reason: str, message: str, *, until: int | None) -> None:
    await deps.writer.submit(
        begin_pause, pauses.Pause(scope="account", name="", reason=reason, message=message, until=until)
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
