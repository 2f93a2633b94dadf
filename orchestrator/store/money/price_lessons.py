"""What the bill teaches of prices. A charge that is there is read at once, long before a task's bill is
booked: whoever is billed more than was held must not go on buying at the old price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update

from orchestrator.core.bill_size import Size, drifts, size_of
from orchestrator.core.money import format_usd
from orchestrator.store.account import pauses
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import (
    ATTEMPT_IS_LIVE,
    ATTEMPT_IS_UNBILLED,
    QuoteSource,
    attempts,
    lanes,
    meta,
    runs,
)
from orchestrator.store.db.schema import quotes as quote_rows
from orchestrator.store.money import prices, quotes
from orchestrator.store.money.prices import BILL_DRIFT, PRICE_DRIFT

REMEMBERED_ATTEMPTS: Final = 20_000
"""How many of the newest attempts are looked through for a charge at some price: the search is bounded."""

SAMPLES_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """An accepted attempt of which no charge was read yet."""

    attempt_id: int
    prediction_id: str
    accepted_at: int
    model: str
    price_micros: int  # what is held for it


@dataclass(frozen=True, slots=True)
class Charged:
    """What the bill shows of an attempt; `percent`: the drift of a price that stops nobody."""

    attempt_id: int
    micros: int
    percent: float


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a charge teaches."""

    dearer: bool = False  # than was held, by more than the per cent
    message: str = ""  # for a person, when it is news


def samples(tx: Tx, since: int) -> list[Sample]:
    """The oldest and the newest attempt of each model and price that were accepted since then, are not over
    or not billed, and of which no charge was read: those two show soonest what a price is and was.
    """
    rows = {
        row.id: Sample(
            attempt_id=row.id,
            prediction_id=row.prediction_id,
            accepted_at=row.accepted_at,
            model=row.model,
            price_micros=row.price_micros,
        )
        for query in (_LIVE, _ENDED)
        for row in tx.conn.execute(query, {"since": since})
    }
    by_price: dict[tuple[str, int], list[Sample]] = {}
    for _, row in sorted(rows.items()):
        by_price.setdefault((row.model, row.price_micros), []).append(row)
    ends = (row for found in by_price.values() for row in (found[0], found[-1]))
    return list({row.attempt_id: row for row in ends}.values())


def standing(tx: Tx, model: str, price_micros: int, *, since: int, percent: float) -> bool | None:
    """What is known of a price: whether the newest charge of such an attempt that was accepted since then is
    no dearer than held; None when there is none. False also while the model is paused for its bill.
    """
    if _is_paused(tx, model):
        return False
    newest = tx.conn.execute(select(func.max(attempts.c.id))).scalar() or 0
    values = {"model": model, "price": price_micros, "since": since, "after": newest - REMEMBERED_ATTEMPTS}
    billed = tx.conn.execute(_NEWEST_CHARGE, values).scalar()
    return None if billed is None else not is_dearer(billed, price_micros, percent)


def heed(tx: Tx, rows: Sequence[Charged]) -> list[Lesson]:
    """Take in charges: one that is plausible is a price, and counts as `quotes` says; one that is beyond all
    prices pauses the model, unless it was bought before a person agreed to the bill.
    """
    return [_heed_one(tx, row) for row in rows]


def bill_is_dearer(tx: Tx, model: str, percent: float) -> bool:
    """Whether the newest bill of some job of the model was dearer than what was agreed to for it: no quote of
    less makes that good, nor one that cannot be had.
    """
    rows = tx.conn.execute(_BILLED_AND_PLANNED, {"model": model, "source": QuoteSource.BILL.value})
    return any(is_dearer(row.price_micros, row.planned_micros, percent) for row in rows)


def stopped_models(tx: Tx) -> list[str]:
    """The models that are paused for a bill that need not be a price at all."""
    return [pause.name for pause in pauses.in_force(tx) if pause.reason == BILL_DRIFT]


def agree(tx: Tx, model: str) -> bool:
    """A person agrees to what the model is billed: its prices count, and its pause ends. False when there was
    nothing to end and no price became dearer.
    """
    statement = dialect.insert(tx.conn, meta).values(key=_agreement(model), value=str(tx.now))
    tx.conn.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value})
    )
    dearer = quotes.accept(tx, model)
    return pauses.end(tx=tx, scope="model", name=model, reason=BILL_DRIFT) or bool(dearer)


def learn(tx: Tx, attempt_id: int, micros: int, percent: float) -> quotes.Learned:
    """Let what an attempt was charged be the price of its like."""
    row = tx.conn.execute(_ATTEMPT, {"id": attempt_id}).one()
    priced = prices.of_attempt(tx, attempt_id)
    seen = quotes.Seen(
        model=priced.model,
        digest=priced.digest,
        price_micros=micros,
        source=QuoteSource.BILL,
        asked_at=row.submitted_at or row.accepted_at,
    )
    return quotes.learn(tx, seen, drift_percent=percent, lane_id=priced.lane_id)


def _heed_one(tx: Tx, seen: Charged) -> Lesson:
    row = tx.conn.execute(_ATTEMPT, {"id": seen.attempt_id}).one()
    held, size = row.price_micros, size_of(seen.micros, row.price_micros)
    if not seen.micros:
        return Lesson()
    facts = f"task {row.prediction_id} was billed ${format_usd(seen.micros)}, held ${format_usd(held)}"
    if size is Size.SMALL:
        return Lesson(
            message=f"{facts}: a change of unit? It frees no money until you agree to it: "
            "orchestrator reconcile"
        )
    if size is Size.LARGE:
        return _stop(tx, row, facts)
    dearer = is_dearer(seen.micros, held, seen.percent)
    learned = learn(tx, seen.attempt_id, seen.micros, seen.percent) if seen.micros != held else None
    tx.conn.execute(_NOTE, {"a_id": seen.attempt_id, "v_billed": seen.micros})
    if not dearer or learned is None:
        return Lesson()
    then = "the model is stopped until you agree" if learned.drifted else "that is now the price"
    return Lesson(dearer=True, message=f"{facts}: {then}")


def _stop(tx: Tx, row: Any, facts: str) -> Lesson:
    """Pause the model for a charge that need not be a price at all."""
    agreed_at = tx.conn.execute(_AGREED_AT, {"key": _agreement(row.model)}).scalar()
    message = (
        f"{facts}: a change of unit? Nothing more is bought of {row.model} until you agree to the bill: "
        "orchestrator reconcile --accept-bill"
    )
    if (agreed_at and (row.submitted_at or 0) < int(agreed_at)) or not pauses.begin(
        tx, pauses.Pause(scope="model", name=row.model, reason=BILL_DRIFT, message=message)
    ):
        return Lesson(dearer=True)
    return Lesson(dearer=True, message=f"Stopped: {message}")


def is_dearer(billed: int, held: int, percent: float) -> bool:
    """Whether a charge is dearer than what was held by more than so many per cent."""
    return billed > held and drifts(billed, held, percent)


def _is_paused(tx: Tx, model: str) -> bool:
    reasons = {BILL_DRIFT, PRICE_DRIFT}
    return any(pause.name == model and pause.reason in reasons for pause in pauses.in_force(tx))


def _agreement(model: str) -> str:
    return f"bill_agreed_at {model}"


_PRICED: Final = (
    select(
        attempts.c.id, attempts.c.prediction_id, attempts.c.accepted_at, attempts.c.price_micros, runs.c.model
    )
    .join_from(attempts, runs)
    .where(
        attempts.c.prediction_id.is_not(None),
        attempts.c.billed_micros.is_(None),
        attempts.c.accepted_at >= bindparam("since"),
    )
    .order_by(attempts.c.id.desc())
    .limit(SAMPLES_MAX)
)
_LIVE: Final = _PRICED.where(ATTEMPT_IS_LIVE)
_ENDED: Final = _PRICED.where(ATTEMPT_IS_UNBILLED)

_NEWEST_CHARGE: Final[Any] = (
    select(attempts.c.billed_micros)
    .join_from(attempts, runs)
    .where(
        attempts.c.id > bindparam("after"),
        runs.c.model == bindparam("model"),
        attempts.c.price_micros == bindparam("price"),
        attempts.c.billed_micros > 0,
        attempts.c.accepted_at >= bindparam("since"),
    )
    .order_by(attempts.c.id.desc())
    .limit(1)
)
_ATTEMPT: Final = (
    select(
        attempts.c.job_id,
        attempts.c.prediction_id,
        attempts.c.price_micros,
        attempts.c.submitted_at,
        attempts.c.accepted_at,
        runs.c.model,
    )
    .join_from(attempts, runs)
    .where(attempts.c.id == bindparam("id"))
)
_NOTE: Final = (
    update(attempts)
    .where(attempts.c.id == bindparam("a_id"), attempts.c.billed_micros.is_(None))
    .values(billed_micros=bindparam("v_billed"))
)
_BILLED_AND_PLANNED: Final = (
    select(quote_rows.c.price_micros, lanes.c.planned_micros)
    .join_from(quote_rows, runs, runs.c.model == quote_rows.c.model)
    .join(lanes, (lanes.c.run_id == runs.c.id) & (lanes.c.price_digest == quote_rows.c.digest))
    .where(quote_rows.c.model == bindparam("model"), quote_rows.c.source == bindparam("source"))
)
_AGREED_AT: Final = select(meta.c.value).where(meta.c.key == bindparam("key"))
