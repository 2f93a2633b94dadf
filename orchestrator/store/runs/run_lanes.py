"""The lanes of a run: made for new jobs, and opened when a job becomes ready."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, select, update

from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.deferred_writes import Changes, LockOrder
from orchestrator.store.db.schema import lanes
from orchestrator.store.runs.new_jobs import NewJob


def lock_lanes(tx: Tx, which: ColumnElement[bool]) -> None:
    """Lock lanes in the order of ids, and before their run is written; see `deferred_writes.LockOrder`."""
    tx.conn.execute(dialect.lock_rows(tx.conn, select(lanes.c.id).where(which).order_by(lanes.c.id))).all()


def reopen_lanes(tx: Tx, lane_ids: Iterable[int]) -> None:
    """Let claims read these lanes again, because a job in them becomes ready in this transaction."""
    for lane_id in lane_ids:
        tx.deferred.add(LockOrder.LANES, _open_lanes, lane_id)


def _open_lanes(tx: Tx, changes: Changes) -> None:
    """Open the lanes. They are locked first, idle or not, so that a claim that closes one at this moment
    waits and then sees the job.
    """
    ids = list(changes)
    lock_lanes(tx, lanes.c.id.in_(ids))
    tx.conn.execute(update(lanes).where(lanes.c.id.in_(ids), lanes.c.idle).values(idle=False))


def ensure_lanes(
    tx: Tx, given: Sequence[NewJob], *, run_id: int, priority: int, agreed: Mapping[str, int]
) -> dict[str, int]:
    """The lanes of new jobs of a run, by price digest; those that are missing are made."""
    lock_lanes(tx, lanes.c.run_id == run_id)
    list_prices = {job.price_digest: job.price_micros for job in given}
    for digest, list_micros in sorted(list_prices.items()):
        price = agreed.get(digest, list_micros)
        tx.conn.execute(
            dialect.insert(tx.conn, lanes)
            .values(
                run_id=run_id,
                price_digest=digest,
                list_micros=list_micros,
                planned_micros=price,
                price_micros=price,
                priority=priority,
                idle=False,
            )
            .on_conflict_do_update(
                index_elements=["run_id", "price_digest"],
                set_={"idle": False, "list_micros": list_micros},
            )
        )
    query = select(lanes.c.price_digest, lanes.c.id).where(
        lanes.c.run_id == run_id, lanes.c.price_digest.in_(list(list_prices))
    )
    return {row.price_digest: row.id for row in tx.conn.execute(query)}
