"""Money in the provider's answers, to integer micro-dollars, without float arithmetic.

Bodies that carry money are read with `exact=True`, so fractions arrive as Decimal.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from orchestrator.core.money import MICROS_MAX, MICROS_PER_USD
from orchestrator.ports import BillingRecord
from orchestrator.provider.wire import read_time_ms, text_of, usable_id

PLAUSIBLE_MICROS_MIN: Final = 1_000
"""A whole-number price below this is dollars: no task costs less than a tenth of a cent, or a thousand
dollars."""

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


def read_billing(items: Sequence[object]) -> tuple[BillingRecord, ...] | None:
    """The deduct and refund records among `items`; None when one of them cannot be read.

    A record that is silently skipped would look like a task that was never charged, so one bad record spoils
    the page. Records of other kinds, such as top-ups, are not about tasks and are left out. The unit of
    `price` has two generations (docs: check billings): whole micro-dollars, or dollars with a fraction. One
    fraction on the page makes the page dollars; without any, whole numbers are micros when they are plausible
    as such.
    """
    rows = [item for item in items if isinstance(item, Mapping)]
    if len(rows) != len(items):
        return None
    rows = [row for row in rows if str(row.get("billing_type")) in BILLING_KINDS]
    in_dollars = any(not isinstance(row.get("price"), int) for row in rows)
    records = [_record(row, in_dollars=in_dollars) for row in rows]
    complete = tuple(record for record in records if record is not None)
    return complete if len(complete) == len(records) else None


def _record(row: Mapping[str, Any], *, in_dollars: bool) -> BillingRecord | None:
    prediction = row.get("prediction")
    prediction_id = usable_id(prediction.get("uuid")) if isinstance(prediction, Mapping) else None
    named = row.get("uuid")
    record_id = usable_id(named) if named else ""  # without an id it still moves money
    micros = _price_micros(row.get("price"), in_dollars=in_dollars)
    if record_id is None or prediction_id is None or micros is None:
        return None
    return BillingRecord(
        id=record_id,
        prediction_id=prediction_id,
        kind=text_of(row.get("billing_type")),
        micros=abs(micros),  # the kind says the direction; whether refunds carry a sign is not documented
        created_at_ms=read_time_ms(row.get("created_at")),
    )


def _price_micros(price: object, *, in_dollars: bool) -> int | None:
    if isinstance(price, int) and not isinstance(price, bool) and not in_dollars:
        if abs(price) > MICROS_MAX:
            return None
        return price * MICROS_PER_USD if 0 < abs(price) < PLAUSIBLE_MICROS_MIN else price
    return micros_of_usd(price)
