"""Live prices: what the provider quotes or bills for the inputs that decide a price, and what that does to
the lanes of the jobs that wait.

A lane remembers what a person agreed to: the price that was shown when its jobs were applied, or that was
accepted since. A price up to that, with the drift that the configuration allows, becomes the lane's price at
once. A dearer one pauses the model and changes nothing until a person accepts it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, exists, func, select, update

from orchestrator.core.money import format_usd
from orchestrator.core.states import JobState
from orchestrator.store.account import pauses, rate_limits
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import QuoteSource, jobs, lanes, quotes, runs
from orchestrator.store.db.schema import pauses as pause_rows
from orchestrator.store.money.prices import PRICE_DRIFT, PRICE_UNANSWERED, PRICE_UNKNOWN, price_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A price that the provider quoted or billed for one job."""

    model: str
    digest: str
    price_micros: int
    source: QuoteSource
    asked_at: int  # ms of the database's clock: before the question; of a bill, when what it charges was sent
    list_micros: int | None = None  # before the discount
    account: str = ""  # whose quote; a bill counts for all


@dataclass(frozen=True, slots=True)
class Learned:
    """What came of a price."""

    price_micros: int  # what counts now, with all that is known
    moved: int  # lanes that have another price now
    lane_micros: int | None = None  # what a claim of the named lane holds now
    planned_micros: int | None = None  # what was agreed to, where the price is too dear for jobs that wait

    @property
    def drifted(self) -> bool:
        """Whether it is dearer than what was agreed to, and a person must accept it."""
        return self.planned_micros is not None


def learn(tx: Tx, seen: Seen, *, drift_percent: float, lane_id: int | None = None) -> Learned:
    """Record a price and let it count: lanes take it at once, or the model is paused where it is too dear.

    An older answer never replaces a newer one, and one that came so late that it is not fresh frees nothing
    that a bill has shown to be charged. Where several are known, as of two keys, or a bill that is
    unlike the quote, the dearest counts, so that nothing is held that is less than the charge. The jobs that
    run keep what they hold. `lane_id` names a lane that counts as having jobs that wait.
    """
    rate_limits.lock(tx)
    _record(tx, seen)
    price = (
        price_now(tx, seen.model, seen.digest)
        or price_now(tx, seen.model, seen.digest, of_any_age=True)
        or seen.price_micros
    )
    named = (runs.c.model == seen.model, lanes.c.price_digest == seen.digest)
    found = _lanes(tx, *named, (lanes.c.price_micros != price) | (lanes.c.id == lane_id))
    drifted = [row for row in found if _too_dear(price, row.planned_micros, drift_percent)]
    moved = [row.id for row in found if row not in drifted and row.price_micros != price]
    _set_prices(tx, moved, price)
    lane_micros = next(
        (price if row.id in moved else row.price_micros for row in found if row.id == lane_id), None
    )
    waiting = [row.planned_micros for row in drifted if row.id == lane_id or row.has_jobs]
    if waiting:
        _pause(tx, seen, price=price, planned=min(waiting), drift_percent=drift_percent)
        return Learned(price, len(moved), lane_micros, planned_micros=min(waiting))
    end_pause_when_agreed(tx, seen.model, drift_percent=drift_percent)
    if seen.source is QuoteSource.QUOTE:
        for reason in (PRICE_UNANSWERED, PRICE_UNKNOWN):
            pauses.end(tx=tx, scope="model", name=seen.model, reason=reason)
    return Learned(price, len(moved), lane_micros)


def learn_all(tx: Tx, rows: Sequence["ToLearn"]) -> list[Learned]:
    """`learn` for a group of writes."""
    return [learn(tx, row.seen, drift_percent=row.drift_percent, lane_id=row.lane_id) for row in rows]


@dataclass(frozen=True, slots=True)
class ToLearn:
    """A price to learn, as one row of a group of writes."""

    seen: Seen
    drift_percent: float
    lane_id: int | None = None


@dataclass(frozen=True, slots=True)
class AcceptedPrice:
    """A price that a person has accepted."""

    old_micros: int
    new_micros: int
    lanes: int


def accept(tx: Tx, model: str) -> list[AcceptedPrice]:
    """Let the prices known of a model count for all its jobs, however dear, and for those that are added
    later; returns what became dearer, and ends the pause.
    """
    changed: dict[tuple[int, int], int] = {}
    rate_limits.lock(tx)
    for row in _lanes(tx, runs.c.model == model):
        price = price_now(tx, model, row.price_digest, of_any_age=True)
        if price is None:
            continue
        planned = max(price, row.planned_micros)
        tx.conn.execute(
            update(lanes).where(lanes.c.id == row.id).values(price_micros=price, planned_micros=planned)
        )
        if price > row.planned_micros:
            _record(
                tx,
                Seen(
                    model=model,
                    digest=row.price_digest,
                    price_micros=price,
                    source=QuoteSource.ACCEPTED,
                    asked_at=tx.now,
                ),
            )
            key = (row.planned_micros, price)
            changed[key] = changed.get(key, 0) + 1
    for reason in (PRICE_DRIFT, PRICE_UNKNOWN):
        pauses.end(tx=tx, scope="model", name=model, reason=reason)
    return [AcceptedPrice(old, new, count) for (old, new), count in sorted(changed.items())]


def agree(tx: Tx, run_id: int, agreed: Mapping[str, int]) -> None:
    """A plan of this run was shown at these prices, by digest: they are agreed to for what waits in it."""
    rate_limits.lock(tx)
    for row in _lanes(tx, runs.c.id == run_id):
        price = agreed.get(row.price_digest, 0)
        if price > row.planned_micros:
            tx.conn.execute(
                update(lanes).where(lanes.c.id == row.id).values(price_micros=price, planned_micros=price)
            )


def end_pause_when_agreed(tx: Tx, model: str, *, drift_percent: float) -> None:
    """End the pause of a model when none of its jobs that wait is dearer than agreed any more."""
    if not tx.conn.execute(_PAUSED, {"model": model}).scalar():
        return
    rows = [row for row in tx.conn.execute(_LANES.where(runs.c.model == model)) if row.has_jobs]
    known = {digest: price_now(tx, model, digest) for digest in {row.price_digest for row in rows}}
    if not any(_too_dear(known[row.price_digest] or 0, row.planned_micros, drift_percent) for row in rows):
        pauses.end(tx=tx, scope="model", name=model, reason=PRICE_DRIFT)


def _lanes(tx: Tx, *which: ColumnElement[bool]) -> Sequence[Any]:
    """The lanes, in the order in which they are locked when their prices are written. The caller has locked
    the account's row, so no other transaction prices them meanwhile.
    """
    return tx.conn.execute(_LANES.where(*which).order_by(lanes.c.id)).all()


def _record(tx: Tx, seen: Seen) -> None:
    values = {
        "list_micros": seen.list_micros,
        "price_micros": seen.price_micros,
        "asked_at": seen.asked_at,
    }
    statement = dialect.insert(tx.conn, quotes).values(
        model=seen.model, digest=seen.digest, source=seen.source.value, account=seen.account, **values
    )
    tx.conn.execute(
        statement.on_conflict_do_update(
            index_elements=["model", "digest", "source", "account"],
            set_=values,
            # A time in the future is that of a clock that was set back since.
            where=(quotes.c.asked_at <= seen.asked_at) | (quotes.c.asked_at > tx.now),
        )
    )


def _set_prices(tx: Tx, lane_ids: Sequence[int], price: int) -> None:
    dialect.run_many(tx.conn, _SET_PRICE, [{"l_id": id_, "l_price": price} for id_ in lane_ids])


def _too_dear(price: int, planned: int, drift_percent: float) -> bool:
    return (price - planned) * 100 > drift_percent * planned


def _pause(tx: Tx, seen: Seen, *, price: int, planned: int, drift_percent: float) -> None:
    found = "is billed at" if seen.source is QuoteSource.BILL else "costs"
    message = (
        f"{seen.model} now {found} ${format_usd(price)} for a job that was planned at "
        f"${format_usd(planned)}, more than guards.price_drift_percent ({drift_percent:g} %) above it. "
        f"To buy at the new price: orchestrator resume --model {seen.model}. Jobs that are not worth it can "
        "be cancelled first. A price that falls again ends this by itself."
    )
    pauses.begin(
        tx, pauses.Pause(scope="model", name=seen.model, reason=PRICE_DRIFT, message=message, until=None)
    )


_HAS_JOBS: Final = (
    exists()
    .where(
        jobs.c.run_id == lanes.c.run_id, jobs.c.state == JobState.PENDING.value, jobs.c.lane_id == lanes.c.id
    )
    .correlate(lanes)
)
_LANES: Final = select(
    lanes.c.id,
    lanes.c.price_digest,
    lanes.c.planned_micros,
    lanes.c.price_micros,
    _HAS_JOBS.label("has_jobs"),
).join_from(lanes, runs)
_PAUSED: Final = select(func.count()).where(
    pause_rows.c.scope == "model",
    pause_rows.c.name == bindparam("model"),
    pause_rows.c.reason == PRICE_DRIFT,
)
_SET_PRICE: Final = (
    update(lanes).where(lanes.c.id == bindparam("l_id")).values(price_micros=bindparam("l_price"))
)
