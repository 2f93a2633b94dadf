"""The account's limits: concurrency slots and submissions per minute, shared by every worker through the
database.

Slots are counted from the attempts themselves, so none can leak. Rate grants are counted in small buckets of
time; a bucket counts for as long as any part of it can lie inside a window, and the window is a little longer
than a minute, because a POST arrives shortly after its grant. One that takes longer, in a busy worker or on
its way, counts for as long as it is not answered, and from then on as if it had been granted then: by the
provider's clock, it may have arrived at any time before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy import Insert, Row, bindparam, delete, func, select, update

from orchestrator.core.states import ATTEMPT_AT_PROVIDER, AttemptState
from orchestrator.ports import Status
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.deferred_writes import Changes, LockOrder
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, attempts, candidates, limits, rate_grants

WINDOW_MS: Final = 60_000
BUCKET_MS: Final = 100
GRANT_FRESH_MS: Final = 400
"""How old a grant may be when the intent to POST is written; an older one must be renewed."""

SENT_WITHIN_MS: Final = 5_000
"""How long after its intent was begun a POST may leave at all; see `worker.departure`."""

GRANT_YOUNG_MS: Final = WINDOW_MS - SENT_WITHIN_MS
"""A grant of this age at most stays in the window until the POST that moves it has left, or may leave no
more."""

ANSWERED_WITHIN_MS: Final = 1_300
"""A POST whose answer is recorded so soon after its grant arrived before that; any other may have arrived
only now."""

MARGIN_MS: Final = ANSWERED_WITHIN_MS + BUCKET_MS
"""By so much the window is longer than a minute."""

NEARLY_ALL: Final = 50
"""The rate counts as used up when less than one part in so many is free."""

DOUBT_TAKES_SLOT_MS: Final = 3600 * 1000
"""How long an attempt in doubt takes a slot at most: no task runs longer, and what waits for an operator
must not stop the rest."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a claim may take now."""

    slots: int
    submits: int


@dataclass(frozen=True, slots=True)
class RateUse:
    """How much of the submissions per minute is taken."""

    taken: int
    most: int
    next_at: int | None  # ms; when the oldest grant leaves the window

    @property
    def binds(self) -> bool:
        """Whether jobs wait for it: at full pace a little becomes free all the time, and is taken a moment
        later.
        """
        return self.taken >= self.most - self.most // NEARLY_ALL


def configure(tx: Tx, *, concurrency: int, submits_per_minute: int) -> None:
    """Write limits where every worker reads them; what a worker's configuration may write, `wanted_limits`
    decides.
    """
    statement = dialect.insert(tx.conn, limits).values(
        id=1, concurrency=concurrency, submits_per_minute=submits_per_minute
    )
    tx.conn.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={"concurrency": concurrency, "submits_per_minute": submits_per_minute},
        )
    )


def allowance(tx: Tx) -> Allowance:
    """What is free now. Locks the account's row: until this transaction ends, nobody else can take from
    it.
    """
    row = tx.conn.execute(dialect.lock_rows(tx.conn, _LIMITS)).one()
    live = _live(tx)
    used = live.known + live.in_doubt
    if live.in_doubt:
        used -= tx.conn.execute(_FREE_AGAIN, {"running_since": tx.now - DOUBT_TAKES_SLOT_MS}).scalar_one()
    return Allowance(
        slots=max(0, row.concurrency - used),
        submits=max(0, row.submits_per_minute - live.on_their_way - _granted_in_window(tx)),
    )


def rate_use(tx: Tx) -> RateUse | None:
    """The rate as it stands, without a lock; None before any worker has written the limits."""
    row = tx.conn.execute(_LIMITS).one_or_none()
    if row is None:
        return None
    taken = _live(tx).on_their_way + _granted_in_window(tx)
    return RateUse(taken, row.submits_per_minute, next_grant_at(tx))


def lock(tx: Tx) -> None:
    """Lock the account's row: until this transaction ends, nobody else makes an attempt."""
    tx.conn.execute(dialect.lock_rows(tx.conn, _LIMITS)).all()


def grant(tx: Tx, count: int) -> None:
    """Take `count` submissions from the window. The caller has looked at `allowance` in this transaction."""
    if count:
        _count(tx, tx.now, count)
        tx.conn.execute(_FORGET, {"before": _window_start(tx.now) - WINDOW_MS})


def count_from_now(tx: Tx, attempt_ids: Sequence[int]) -> None:
    """Count the POSTs of these sent attempts from now on, instead of from their grants: they may have arrived
    only now.

    No later minute that holds the time of the grant is without this moment, so none has to hold both. Nobody
    is kept from claiming meanwhile: until this is committed, others count a sent attempt by its old grant,
    however old.
    """
    if attempt_ids:
        _move(tx, tx.conn.execute(_GRANTED_AT, {"ids": list(attempt_ids)}).all())


def renew(tx: Tx, attempt_ids: Sequence[int]) -> set[int]:
    """Grant these unsent attempts anew, as far as the window allows; returns which.

    A young grant is moved to now, and takes nothing more from the window. Nobody is kept from claiming
    meanwhile: others count the old one for as long as this transaction takes, and no POST leaves after one
    that takes longer. Any other needs another, although the window may hold it for some seconds yet: by now,
    this transaction's time may be over.
    """
    if not attempt_ids:
        return set()
    held = tx.conn.execute(_GRANTED_AT, {"ids": list(attempt_ids)}).all()
    young = [row for row in held if tx.now - row.rate_granted_at <= GRANT_YOUNG_MS]
    others = [row for row in held if row not in young]
    granted = others[: allowance(tx).submits] if others else []
    grant(tx, len(granted))
    _move(tx, young)
    return {row.id for row in (*young, *granted)}


def _move(tx: Tx, held: Sequence[Row[int, int]]) -> None:
    """Count what was granted to these attempts from now on."""
    if not held:
        return
    for row in held:
        if _counts(tx, row.rate_granted_at):
            _count(tx, row.rate_granted_at, -1)
    _count(tx, tx.now, len(held))
    tx.conn.execute(_GRANTED_NOW, {"ids": [row.id for row in held], "now": tx.now})


def _count(tx: Tx, at: int, number: int) -> None:
    tx.deferred.add(LockOrder.RATE, _write_buckets, _bucket(at), number)


def _write_buckets(tx: Tx, changes: Changes) -> None:
    fewer = {bucket: number for bucket, (number,) in changes.items() if number < 0}
    more = {bucket: number for bucket, (number,) in changes.items() if number > 0}
    dialect.run_many(tx.conn, _GIVE_BACK, [{"bucket": at, "number": -number} for at, number in fewer.items()])
    dialect.run_many(
        tx.conn,
        _add_to_bucket(tx.conn.dialect.name),
        [{"bucket_at": at, "granted": number} for at, number in more.items()],
    )


@cache
def _add_to_bucket(dialect_name: str) -> Insert:
    statement = dialect.insert_of(dialect_name, rate_grants)
    return statement.on_conflict_do_update(
        index_elements=["bucket_at"], set_={"granted": rate_grants.c.granted + statement.excluded.granted}
    )


def _counts(tx: Tx, granted_at: int) -> bool:
    """Whether the window holds the bucket of such a grant."""
    return _bucket(granted_at) > _window_start(tx.now)


def _bucket(at: int) -> int:
    return at - at % BUCKET_MS


def next_grant_at(tx: Tx) -> int | None:
    """When the oldest grant of the window leaves it, in ms; None when the window is empty."""
    written = tx.conn.execute(_OLDEST_GRANT, {"start": _window_start(tx.now)}).scalar()
    noted = [at for at, (number,) in tx.deferred.noted(LockOrder.RATE).items() if number > 0]
    oldest = min([at for at in (written, *noted) if at is not None], default=None)
    return None if oldest is None else oldest + WINDOW_MS + MARGIN_MS


def _live(tx: Tx) -> Row[int, int, int]:
    """How many live attempts take a slot for certain, are in doubt about it, and were sent with a grant of an
    older window.

    To be read before the window's grants: what moves meanwhile moves from here to there, and then counts
    twice. The other way round it might count in neither.
    """
    moments = {"running_since": tx.now - DOUBT_TAKES_SLOT_MS, "start": _window_start(tx.now)}
    return tx.conn.execute(_LIVE, moments).one()


def _granted_in_window(tx: Tx) -> int:
    """What was granted in the window; what was granted before it and may be on its way still is not in it."""
    written = int(tx.conn.execute(_GRANTED, {"start": _window_start(tx.now)}).scalar_one())
    return written + sum(
        number for at, (number,) in tx.deferred.noted(LockOrder.RATE).items() if _counts(tx, at)
    )


def _window_start(now: int) -> int:
    return now - WINDOW_MS - MARGIN_MS


_GRANTED_AT: Final = select(attempts.c.id, attempts.c.rate_granted_at).where(
    attempts.c.id.in_(bindparam("ids", expanding=True))
)
_GIVE_BACK: Final = (
    update(rate_grants)
    .where(rate_grants.c.bucket_at == bindparam("bucket"), rate_grants.c.granted >= bindparam("number"))
    .values(granted=rate_grants.c.granted - bindparam("number"))
)
_GRANTED_NOW: Final = (
    update(attempts)
    .where(attempts.c.id.in_(bindparam("ids", expanding=True)))
    .values(rate_granted_at=bindparam("now"))
)
_FORGET: Final = delete(rate_grants).where(rate_grants.c.bucket_at < bindparam("before"))
_OLDEST_GRANT: Final = select(func.min(rate_grants.c.bucket_at)).where(
    rate_grants.c.bucket_at > bindparam("start")
)
_GRANTED: Final = select(func.coalesce(func.sum(rate_grants.c.granted), 0)).where(
    rate_grants.c.bucket_at > bindparam("start")
)
_LIMITS: Final = select(limits.c.concurrency, limits.c.submits_per_minute).where(limits.c.id == 1)
_ENDED: Final = [status.value for status in Status if status is not Status.RUNNING]
_POSSIBLE: Final = select(candidates.c.attempt_id).where(candidates.c.attempt_id == attempts.c.id)
_ALL_HAVE_ENDED: Final = _POSSIBLE.exists() & ~_POSSIBLE.where(candidates.c.status.not_in(_ENDED)).exists()
"""Of a doubt that waits for an operator: whichever of its possible tasks it created does not run any more."""
_IN_DOUBT: Final = (attempts.c.state == AttemptState.IN_DOUBT.value) & (
    attempts.c.submitted_at > bindparam("running_since")
)
_LIVE: Final = select(
    func.count()
    .filter(
        attempts.c.state.in_([state.value for state in sorted(ATTEMPT_AT_PROVIDER - {AttemptState.IN_DOUBT})])
    )
    .label("known"),
    func.count().filter(_IN_DOUBT).label("in_doubt"),
    func.count()
    .filter(
        attempts.c.state == AttemptState.SUBMITTING.value,
        attempts.c.rate_granted_at - attempts.c.rate_granted_at % BUCKET_MS <= bindparam("start"),
    )
    .label("on_their_way"),
).where(ATTEMPT_IS_LIVE)
"""What live attempts take: one look at all of them."""

_FREE_AGAIN: Final = select(func.count()).where(ATTEMPT_IS_LIVE, _IN_DOUBT, _ALL_HAVE_ENDED)
