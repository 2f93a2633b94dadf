"""What a job costs by what is known of its price, and which attempts would be sent for less than that."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, exists, or_, select

from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import QuoteSource, attempts, jobs, lanes, pauses, quotes, runs

PRICE_DRIFT: Final = "price_drift"
"""The reason of a pause of a model whose price is dearer than what a person agreed to."""

PRICE_UNKNOWN: Final = "price_unknown"
"""The reason of a pause of a model whose price cannot be held, such as one in another currency."""

BILL_DRIFT: Final = "bill_drift"
"""The reason of a pause of a model that was billed so much that it need not be a price at all."""

PRICE_UNANSWERED: Final = "price_unanswered"
"""The reason of a pause of a model about whose price the provider says nothing, and has not lately."""

STANDS_MS: Final = 120_000
"""How long a quote counts when no newer one can be had: the price may change meanwhile."""

SKEW_MS: Final = 5_000
"""A quote so little in the future was asked for by a clock that is not quite ours."""

LIVES_MS: Final = 3600 * 1000
"""How long a quote counts that was not asked for again, such as that of a key that is not used any more."""


def price_now(tx: Tx, model: str, digest: str, *, of_any_age: bool = False) -> int | None:
    """What one job costs by what is known: the dearest of the fresh quotes, or of the bill where that is
    dearer; None when nothing is known.

    A bill counts until the next: when quotes stay below it, they are not what is charged. It makes a job
    cheaper only while it is fresh, and no quote says otherwise.
    """
    known = tx.conn.execute(_KNOWN, {"model": model, "digest": digest})
    rows = [row for row in known if row.source != QuoteSource.ACCEPTED]
    fresh = [row for row in rows if of_any_age or tx.now - row.asked_at <= LIVES_MS]
    quoted: list[int] = [row.price_micros for row in fresh if row.source == QuoteSource.QUOTE]
    billed: list[int] = [row.price_micros for row in rows if row.source == QuoteSource.BILL]
    if quoted:
        return max(quoted + billed)
    recent: list[int] = [row.price_micros for row in fresh]
    return max(recent, default=None)


def stands_ms(tx: Tx, model: str, digest: str, *, account: str) -> int:
    """For how long the newest quote of this account counts without another; 0: no longer, or there is none.
    One from the future is of a clock that was set back since, so its age is not known.
    """
    key = {"model": model, "digest": digest, "account": account}
    asked_at: int | None = tx.conn.execute(_QUOTED_AT, key).scalar()
    if asked_at is None or asked_at > tx.now + SKEW_MS:
        return 0
    return max(0, asked_at + STANDS_MS - tx.now)


def known_beside(tx: Tx, model: str, digest: str, *, account: str) -> int:
    """The dearest price of a job that is known beside a new quote for this account: of the bill, and fresh
    quotes for other accounts. A claim holds it where it is dearer than that quote; 0: none is known.
    """
    return max(
        (
            row.price_micros
            for row in tx.conn.execute(_KNOWN, {"model": model, "digest": digest})
            if row.source == QuoteSource.BILL
            or (
                row.source == QuoteSource.QUOTE
                and row.account != account
                and tx.now - row.asked_at <= LIVES_MS
            )
        ),
        default=0,
    )


def accepted(tx: Tx, model: str, digest: str) -> int | None:
    """The dearest price that a person has accepted; None when nobody was asked."""
    known = tx.conn.execute(_KNOWN, {"model": model, "digest": digest})
    found: list[int] = [row.price_micros for row in known if row.source == QuoteSource.ACCEPTED]
    return max(found, default=None)


@dataclass(frozen=True, slots=True)
class Priced:
    """Which price an attempt is about."""

    model: str
    digest: str
    lane_id: int
    lane_micros: int  # what a claim would hold now


def of_attempt(tx: Tx, attempt_id: int) -> Priced:
    """The price that an existing attempt is about."""
    row = tx.conn.execute(_OF_ATTEMPT, {"attempt": attempt_id}).one()
    return Priced(model=row.model, digest=row.price_digest, lane_id=row.id, lane_micros=row.price_micros)


def outpriced(tx: Tx, attempt_ids: Sequence[int]) -> set[int]:
    """Those of the attempts that hold less than their jobs cost now, or whose model waits for a person to
    accept its price: they must not be sent.
    """
    return set(tx.conn.execute(_OUTPRICED, {"ids": list(attempt_ids)}).scalars()) if attempt_ids else set()


_KNOWN: Final = select(quotes.c.source, quotes.c.account, quotes.c.price_micros, quotes.c.asked_at).where(
    quotes.c.model == bindparam("model"), quotes.c.digest == bindparam("digest")
)
_QUOTED_AT: Final = select(quotes.c.asked_at).where(
    quotes.c.model == bindparam("model"),
    quotes.c.digest == bindparam("digest"),
    quotes.c.source == QuoteSource.QUOTE.value,
    quotes.c.account == bindparam("account"),
)
_OF_ATTEMPT: Final = (
    select(runs.c.model, lanes.c.id, lanes.c.price_digest, lanes.c.price_micros)
    .join_from(attempts, jobs, jobs.c.id == attempts.c.job_id)
    .join(lanes, lanes.c.id == jobs.c.lane_id)
    .join(runs, runs.c.id == lanes.c.run_id)
    .where(attempts.c.id == bindparam("attempt"))
)
_OUTPRICED: Final = (
    select(attempts.c.id)
    .join_from(attempts, jobs, jobs.c.id == attempts.c.job_id)
    .join(lanes, lanes.c.id == jobs.c.lane_id)
    .join(runs, runs.c.id == attempts.c.run_id)
    .where(
        attempts.c.id.in_(bindparam("ids", expanding=True)),
        or_(
            lanes.c.price_micros > attempts.c.price_micros,
            exists()
            .where(
                pauses.c.scope == "model",
                pauses.c.name == runs.c.model,
                pauses.c.reason.in_((PRICE_DRIFT, PRICE_UNKNOWN, BILL_DRIFT)),
            )
            .correlate(runs),
        ),
    )
)
