"""Money in the provider's answers, to integer micro-dollars, without float arithmetic.

Bodies that carry money are read with `exact=True`, so fractions arrive as Decimal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from orchestrator.core.money import MICROS_MAX, MICROS_PER_USD
from orchestrator.ports import BillingRecord, OtherCharge
from orchestrator.provider.wire import read_time_ms, text_of, usable_id

PLAUSIBLE_MICROS_MIN: Final = 1_000
"""A whole-number price below this is dollars: no task costs less than a tenth of a cent, or a thousand
dollars."""

UNREADABLE_MICROS: Final = MICROS_MAX + 1
"""Stands for an amount that cannot be read: beyond belief, so that no task is booked by it."""

BILLING_KINDS: Final = frozenset({"deduct", "refund"})


def micros_of_usd(value: object) -> int | None:
    """Micros of an amount in dollars (int, Decimal or decimal text; may be negative), rounded half up;
    else None.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        dollars = Decimal(value)
        # The size is checked first: 1e999999999 is cheap to hold and ruinous to expand.
        if not dollars.is_finite() or dollars.adjusted() > len(str(MICROS_MAX)):
            return None
        micros = int((dollars * MICROS_PER_USD).to_integral_value(ROUND_HALF_UP))
    except (InvalidOperation, ArithmeticError, ValueError):
        return None
    return micros if abs(micros) <= MICROS_MAX else None


def read_billing(
    items: Sequence[object],
) -> tuple[tuple[BillingRecord, ...], tuple[OtherCharge, ...]] | None:
    """The deduct and refund records among `items`, and those that are about no task; None when one is no
    record.

    A record that is silently skipped would look like a task that was never charged: one whose amount cannot
    be read, or that deducts less than nothing where others deduct more, gets an amount beyond belief, so that
    nothing of its task is booked and somebody hears of it. Other services share the account and its bill.
    Records of other kinds, such as top-ups, are left out. The unit of `price` has two generations (docs:
    check billings): whole micro-dollars, or dollars with a fraction. One fraction in the records of tasks
    makes the page dollars; without any, whole numbers are micros when they are plausible as such.
    """
    rows = [item for item in items if isinstance(item, Mapping)]
    if len(rows) != len(items):
        return None
    rows = [row for row in rows if str(row.get("billing_type")) in BILLING_KINDS]
    ours = [(row, task) for row in rows if (task := _task_of(row)) is not None]
    in_dollars = any(_is_fraction(row.get("price")) for row, _ in ours)
    records = [_record(row, task, in_dollars=in_dollars) for row, task in ours]
    # The kind says the direction. Whether amounts carry a sign as well is not documented: all do, or none.
    signs = {record.micros < 0 for record in records if record.kind == "deduct"}
    return (
        tuple(_unsigned(record, is_odd=len(signs) > 1 and record.kind == "deduct") for record in records),
        tuple(_other(row) for row in rows if _task_of(row) is None),
    )


def _task_of(row: Mapping[str, Any]) -> str | None:
    """The task that a record is about; None where its id is one that no task can have, or there is none."""
    prediction = row.get("prediction")
    return usable_id(prediction.get("uuid")) if isinstance(prediction, Mapping) else None


def _record(row: Mapping[str, Any], prediction_id: str, *, in_dollars: bool) -> BillingRecord:
    micros = _price_micros(row.get("price"), in_dollars=in_dollars)
    return BillingRecord(
        id=text_of(row.get("uuid")),  # without an id it still moves money
        prediction_id=prediction_id,
        kind=text_of(row.get("billing_type")),
        micros=UNREADABLE_MICROS if micros is None else micros,
        created_at_ms=read_time_ms(row.get("created_at")),
    )


def _unsigned(record: BillingRecord, *, is_odd: bool) -> BillingRecord:
    if record.micros >= 0:
        return record
    return replace(record, micros=UNREADABLE_MICROS if is_odd else -record.micros)


def _other(row: Mapping[str, Any]) -> OtherCharge:
    micros = _price_micros(row.get("price"), in_dollars=False) or 0
    sign = -1 if text_of(row.get("billing_type")) == "refund" else 1
    return OtherCharge(
        id=text_of(row.get("uuid")),
        micros=sign * abs(micros),
        created_at_ms=read_time_ms(row.get("created_at")),
    )


def _is_fraction(price: object) -> bool:
    return isinstance(price, Decimal | str) and micros_of_usd(price) is not None


def _price_micros(price: object, *, in_dollars: bool) -> int | None:
    if isinstance(price, int) and not isinstance(price, bool) and not in_dollars:
        if abs(price) > MICROS_MAX:
            return None
        return price * MICROS_PER_USD if 0 < abs(price) < PLAUSIBLE_MICROS_MIN else price
    return micros_of_usd(price)
