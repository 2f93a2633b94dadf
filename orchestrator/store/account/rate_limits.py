"""The account's limits: concurrency slots and submissions per minute, which all workers share through the
database.

Slots are counted from the attempts themselves, so none can leak. A submission takes a grant from the window
that `rate_window` keeps. A POST that takes longer than the window's margin, in a busy worker or on the
network, counts until it is answered, and from then on as if it had been granted at that moment: by the
provider's clock, it may have arrived at any time before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Row, bindparam, func, select, update

from orchestrator.core.states import ATTEMPT_AT_PROVIDER, AttemptState
from orchestrator.ports import Status
from orchestrator.store.account import rate_window
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, attempts, candidates, limits

GRANT_FRESH_MS: Final = 400
"""How old a grant may be when the intent to POST is written; an older one must be renewed."""

SENT_WITHIN_MS: Final = 5_000
"""How long after its intent was begun a POST may leave at all; the worker's send window enforces it."""

GRANT_YOUNG_MS: Final = rate_window.WINDOW_MS - SENT_WITHIN_MS
"""The age up to which a grant is certain to stay in the window until the POST that moves it has left or can
no longer leave."""

NEARLY_ALL: Final = 50
"""The rate counts as used up when less than one part in this many is free."""

DOUBT_TAKES_SLOT_MS: Final = 3600 * 1000
"""An attempt in doubt takes a slot for this long at most: no task runs longer, and what waits for an operator
must not stop the rest. The same holds for an overdue one: the provider may count it, and then answers 429."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a claim may take now."""

    slots: int
    submits: int
    concurrency: int  # the limit itself


@dataclass(frozen=True, slots=True)
class RateUse:
    """How much of the submissions per minute is taken."""

    taken: int
    most: int
    next_at: int | None  # ms; when the oldest grant leaves the window

    @property
    def binds(self) -> bool:
        """Whether jobs wait for the rate: at full pace a little of it becomes free all the time and is taken
        a moment later.
        """
        return self.taken >= self.most - self.most // NEARLY_ALL


def configure(tx: Tx, *, concurrency: int, submits_per_minute: int) -> None:
    """Write the limits where every worker reads them, whoever's they are; `configured_limits` knows whose."""
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
    """What is free now. It locks the account's row, so that no other transaction can take any of it."""
    row = tx.conn.execute(dialect.lock_rows(tx.conn, _LIMITS)).one()
    live = _live(tx)
    used = live.known + live.in_doubt
    if live.in_doubt:
        used -= tx.conn.execute(_FREE_AGAIN, {"running_since": tx.now - DOUBT_TAKES_SLOT_MS}).scalar_one()
    return Allowance(
        slots=max(0, row.concurrency - used),
        submits=max(0, row.submits_per_minute - live.on_their_way - rate_window.granted(tx)),
        concurrency=row.concurrency,
    )


def rate_use(tx: Tx) -> RateUse | None:
    """The rate now, read without a lock; None before any worker has written the limits."""
    row = tx.conn.execute(_LIMITS).one_or_none()
    if row is None:
        return None
    taken = _live(tx).on_their_way + rate_window.granted(tx)
    return RateUse(taken, row.submits_per_minute, rate_window.next_grant_at(tx))


def running(tx: Tx) -> int:
    """How many attempts take a slot now, read without a lock."""
    live = _live(tx)
    free = tx.conn.execute(_FREE_AGAIN, {"running_since": tx.now - DOUBT_TAKES_SLOT_MS}).scalar_one()
    return int(live.known + live.in_doubt - (free if live.in_doubt else 0))


def lock(tx: Tx) -> None:
    """Lock the account's row: until this transaction ends, no other transaction creates an attempt."""
    tx.conn.execute(dialect.lock_rows(tx.conn, _LIMITS)).all()


def grant(tx: Tx, count: int) -> None:
    """Take `count` submissions from the window. The caller has read `allowance` in this transaction."""
    if count:
        rate_window.count(tx, tx.now, count)
        rate_window.forget_old(tx)


def count_from_now(tx: Tx, attempt_ids: Sequence[int]) -> None:
    """Count the POSTs of these sent attempts from now on instead of from their grants: they may have arrived
    only now.

    Every later minute that contains the time of the grant contains this moment too, so the POST need not
    count at both. Others can claim meanwhile: until this is committed, they count a sent attempt by its old
    grant, however old that is.
    """
    if attempt_ids:
        _move(tx, tx.conn.execute(_GRANTED_AT, {"ids": list(attempt_ids)}).all())


def renew(tx: Tx, attempt_ids: Sequence[int]) -> set[int]:
    """Grant these unsent attempts anew, as far as the window allows; returns which.

    A young grant is moved to now and takes nothing more from the window. Others can claim meanwhile: they
    count the old grant for as long as this transaction may take, and after a transaction that takes longer no
    POST leaves. An older grant has to be replaced, although the window may hold it for some more seconds: it
    might leave the window before this transaction ends.
    """
    if not attempt_ids:
        return set()
    held = tx.conn.execute(_GRANTED_AT, {"ids": list(attempt_ids)}).all()
    young = [row for row in held if tx.now - row.rate_granted_at <= GRANT_YOUNG_MS]
    others = [row for row in held if tx.now - row.rate_granted_at > GRANT_YOUNG_MS]
    granted = others[: allowance(tx).submits] if others else []
    grant(tx, len(granted))
    _move(tx, young)
    return {row.id for row in (*young, *granted)}


def _move(tx: Tx, held: Sequence[Row[int, int]]) -> None:
    """Move the grants of these attempts to now."""
    if not held:
        return
    for row in held:
        if rate_window.holds(tx, row.rate_granted_at):
            rate_window.count(tx, row.rate_granted_at, -1)
    rate_window.count(tx, tx.now, len(held))
    tx.conn.execute(_GRANTED_NOW, {"ids": [row.id for row in held], "now": tx.now})


def _live(tx: Tx) -> Row[int, int, int]:
    """How many live attempts certainly take a slot, how many are in doubt, and how many were sent on a grant
    that has left the window.

    Read this before the window's grants: an attempt whose grant is moved in between is then counted twice.
    Read the other way round, it might be counted in neither.
    """
    moments = {"running_since": tx.now - DOUBT_TAKES_SLOT_MS, "start": rate_window.start(tx.now)}
    return tx.conn.execute(_LIVE, moments).one()


_GRANTED_AT: Final = select(attempts.c.id, attempts.c.rate_granted_at).where(
    attempts.c.id.in_(bindparam("ids", expanding=True))
)
_GRANTED_NOW: Final = (
    update(attempts)
    .where(attempts.c.id.in_(bindparam("ids", expanding=True)))
    .values(rate_granted_at=bindparam("now"))
)
_LIMITS: Final = select(limits.c.concurrency, limits.c.submits_per_minute).where(limits.c.id == 1)
_ENDED: Final = [status.value for status in Status if status is not Status.RUNNING]
_POSSIBLE: Final = select(candidates.c.attempt_id).where(candidates.c.attempt_id == attempts.c.id)
_ALL_HAVE_ENDED: Final = _POSSIBLE.exists() & ~_POSSIBLE.where(candidates.c.status.not_in(_ENDED)).exists()
"""A doubt that waits for an operator takes no slot once each of its possible tasks has ended."""
_IN_DOUBT: Final = (attempts.c.state == AttemptState.IN_DOUBT.value) & (
    attempts.c.submitted_at > bindparam("running_since")
)
_LIVE: Final = select(
    func.count()
    .filter(
        attempts.c.state.in_(
            [state.value for state in sorted(ATTEMPT_AT_PROVIDER - {AttemptState.IN_DOUBT})]
        ),
        attempts.c.overdue_at.is_(None) | (attempts.c.submitted_at > bindparam("running_since")),
    )
    .label("known"),
    func.count().filter(_IN_DOUBT).label("in_doubt"),
    func.count()
    .filter(
        attempts.c.state == AttemptState.SUBMITTING.value,
        attempts.c.rate_granted_at - attempts.c.rate_granted_at % rate_window.BUCKET_MS <= bindparam("start"),
    )
    .label("on_their_way"),
).where(ATTEMPT_IS_LIVE)
"""What live attempts take, in one statement over all of them."""

_FREE_AGAIN: Final = select(func.count()).where(ATTEMPT_IS_LIVE, _IN_DOUBT, _ALL_HAVE_ENDED)
