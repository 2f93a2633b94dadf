"""Bugs planted where the work of the dead, or of a store put back, is taken up again."""

from types import SimpleNamespace

from orchestrator.core.states import AttemptEvent
from orchestrator.store.attempts import endings, leases, lifecycle
from orchestrator.store.doubts import adoption
from orchestrator.worker.guards.restored_copy import RestoredCopyCheck

from .planting import Mutation, Patch


def _released(tx, rows):
    return endings.give_back(
        tx,
        [
            endings.GiveBack(
                attempt_id=row.attempt_id,
                epoch=row.epoch,
                event=AttemptEvent.THROTTLED,
                delay_ms=0,
                reason="released",
                message=row.message,
            )
            for row in rows
        ],
    )


def rescue_resubmits(patch: Patch) -> None:
    """A worker that died while sending has its job queued again at once."""
    patch(leases, "lifecycle", SimpleNamespace(**{**vars(lifecycle), "mark_in_doubt": _released}))


def doubt_releases(patch: Patch) -> None:
    """A lost reply frees the money and the job."""
    patch(lifecycle, "mark_in_doubt", _released)


def rescue_forgets_the_second(patch: Patch) -> None:
    """On a server, of several requests that were under way the second and later are sent again."""
    genuine = lifecycle.mark_in_doubt

    def mark(tx, rows):
        kept = rows if tx.conn.dialect.name == "sqlite" else rows[:1]
        return [*genuine(tx, kept), *_released(tx, rows[len(kept) :])]

    patch(leases, "lifecycle", SimpleNamespace(**{**vars(lifecycle), "mark_in_doubt": mark}))


def restored_store_spends(patch: Patch) -> None:
    """Nobody compares the provider's list with a store that was put back."""

    async def check(self):
        return None

    patch(RestoredCopyCheck, "check", check)


def reconcile_only_lists(patch: Patch) -> None:
    """Tasks of a gap are noted, and the jobs that wanted them buy them again."""
    patch(adoption, "assign", lambda *_args, **_more: False)


RESCUE_BUGS = (
    Mutation(name="rescue resubmits", apply=rescue_resubmits, theme="crashes", first=10),
    Mutation(name="doubt releases", apply=doubt_releases, theme="lost", first=2),
    Mutation("restored store spends", restored_store_spends, "restored", first=4),
    Mutation("copy that lives is not seen", restored_store_spends, "crashes", first=24),
    Mutation(name="reconcile only lists", apply=reconcile_only_lists, theme="restored", first=14),
    Mutation(
        name="rescue forgets the second",
        apply=rescue_forgets_the_second,
        theme="crashes",
        first=10,
        database="postgres",
    ),
)
