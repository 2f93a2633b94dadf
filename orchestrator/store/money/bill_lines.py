"""A line of the bill and what it changes: decided from the attempt's row, before anything is written.

What a reading of the bill means for one attempt, whose charge and refunds are summed over their records:

| Reservation | The bill shows | Then |
|---|---|---|
| settled | a charge | the cost is what is kept of it |
| settled | nothing, or the same as before | nothing moves |
| refund due | a refund | what is kept is settled, the rest is free |
| refund due | a charge, no refund, in the window | it stays due |
| refund due | a charge, no refund, after the provider's time | the money was kept: it is spent |
| refund due | no charge, or a window that was shortened has passed | it is free |
| released | a refund | what is kept of the charge is spent |
| released | a charge, no refund, after the provider's time | the money was kept: it is spent |

A charge of implausible size counts as `core.bill_size` says until a person has agreed to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.core.bill_size import Basis, Size, charge_that_counts, kept_of, size_of
from orchestrator.core.money import MICROS_MAX, format_usd
from orchestrator.core.provider_facts import BILL_SETTLE_MS, REFUND_MS
from orchestrator.core.states import RESERVATION_TRANSITIONS, ReservationEvent, ReservationState, step
from orchestrator.ports.paging import NO_TIMES, BillTimes
from orchestrator.store.db.schema import LedgerKind


@dataclass(frozen=True, slots=True)
class BillLine:
    """What the bill says of one attempt, in micros."""

    attempt_id: int
    deducted_micros: int
    refunded_micros: int
    basis: Basis = Basis.UNKNOWN  # what the account's balance shows, where the charge is implausible
    times: BillTimes = NO_TIMES  # when, by the provider's clock


@dataclass(frozen=True, slots=True)
class Booked:
    """What reading one line changed."""

    adjusted_micros: int = 0  # the difference to the cost that we had booked
    refund_seen: bool = False
    surplus_micros: int = 0  # paid back beyond the charge, in no cost: for an operator, until one agrees
    set_aside: bool = False  # the line cannot be right, and nothing of it was booked
    size: Size = Size.USUAL  # any other: implausible, and no person has agreed to it


@dataclass(frozen=True, slots=True)
class Decision:
    """What a line of the bill changes: columns of the attempt, and the money that moves with them."""

    booked: Booked
    values: Mapping[str, Any]  # of the attempt; empty when it is too early to book the line
    kind: LedgerKind | None = None  # None: no money moves
    spent_delta: int = 0
    due_delta: int = 0


def what_to_book(row: Any, line: BillLine, now: int) -> Decision:
    """Decide what a line changes; `row` is the attempt.

    A charge that is missing from the records that were read is taken from the last reading.
    """
    if not (0 <= line.deducted_micros <= MICROS_MAX and 0 <= line.refunded_micros <= MICROS_MAX):
        return Decision(Booked(set_aside=True), {"billed_at": now})
    provider_is_late = row.finished_at <= now - REFUND_MS
    if row.reservation == ReservationState.RELEASED.value and not (line.refunded_micros or provider_is_late):
        return Decision(Booked(), {})  # too early to conclude that the money was kept
    charged = line.deducted_micros or row.billed_micros or 0
    values = {
        "billed_at": now,
        "billed_micros": charged,
        "refunded_micros": line.refunded_micros,
        "charged_at": line.times.charged_at_ms or row.charged_at,
        "refunded_at": line.times.refunded_at_ms or row.refunded_at,
    }
    if row.reservation == ReservationState.REFUND_DUE.value and not line.refunded_micros:
        if now < row.refund_until + BILL_SETTLE_MS:
            return Decision(Booked(size=_told_size(row, charged)), values)
        if not (charged and provider_is_late):
            return _lapsed(row, {**values, "billed_at": None if charged else now})
    return _cost_and_surplus(row=row, line=line, charged=charged, values=values, now=now)


def surplus_text(prediction_id: str, micros: int) -> str:
    """The message about a refund that an operator should check."""
    return f"refund is larger than the charge of task {prediction_id}: ${format_usd(micros)} extra, look"


def _lapsed(row: Any, values: Mapping[str, Any]) -> Decision:
    """Nothing is kept as far as the bill shows, and it is waited for no longer; where the provider still has
    time to pay back, the bill is read once more after it.
    """
    event = ReservationEvent.REFUND_LAPSED
    released = step(RESERVATION_TRANSITIONS, ReservationState.REFUND_DUE, event)
    return Decision(
        booked=Booked(),
        values={**values, "reservation": released.value, "refund_until": None},
        kind=LedgerKind.REFUND_LAPSED,
        due_delta=-row.price_micros,
    )


def _cost_and_surplus(
    row: Any, line: BillLine, charged: int, values: Mapping[str, Any], now: int
) -> Decision:
    """What the attempt costs by the bill, and what was paid back beyond the charge.

    A refund pays back no more than the charge: the cost stops at zero and the surplus is reported. While a
    refund is awaited, a charge that was never read is the price that was reserved.
    """
    reservation, refunded = ReservationState(row.reservation), line.refunded_micros
    is_due = reservation is ReservationState.REFUND_DUE
    billed = charged or row.price_micros
    surplus = 0 if refunded == row.agreed_refunded_micros else max(0, refunded - billed)
    kept = kept_of(_counted(row, line, billed), billed, refunded)
    cost = row.cost_micros or 0
    size = _told_size(row, charged)
    if refunded and kept and row.finished_at > now - REFUND_MS:
        values = {**values, "billed_at": None}  # the rest may still be paid back: the bill is read again
    if not is_due and (not charged or kept == cost):
        return Decision(Booked(surplus_micros=surplus, size=size), values)
    seen = is_due and bool(refunded)
    kind = LedgerKind.REFUND_SEEN if seen else LedgerKind.REFUND_LAPSED if is_due else LedgerKind.ADJUSTED
    return Decision(
        booked=Booked(
            adjusted_micros=0 if seen else kept - cost,
            refund_seen=seen,
            surplus_micros=surplus,
            size=size,
        ),
        values={**values, **_money_columns(reservation, kept)},
        kind=kind,
        spent_delta=kept - cost,
        due_delta=-row.price_micros if is_due else 0,
    )


def _counted(row: Any, line: BillLine, billed: int) -> int:
    """The charge that counts. What the balance has shown at an earlier reading of the same charge stands."""
    if row.agreed_billed_micros == billed:
        return row.agreed_charge_micros or billed
    basis, cost = line.basis, row.cost_micros
    if basis is Basis.UNKNOWN and row.billed_micros == billed and cost is not None:
        as_held = kept_of(row.price_micros, billed, row.refunded_micros or 0)
        basis = Basis.HELD if cost == as_held else Basis.BILLED
    return charge_that_counts(billed, row.price_micros, basis=basis)


def _told_size(row: Any, charged: int) -> Size:
    return Size.USUAL if row.agreed_billed_micros == charged else size_of(charged, row.price_micros)


def _money_columns(reservation: ReservationState, kept: int) -> dict[str, Any]:
    """The reservation and the cost of an attempt of which the provider keeps `kept` micros."""
    columns: dict[str, Any] = {"cost_micros": kept or None, "refund_until": None}
    if reservation is not (ReservationState.SETTLED if kept else ReservationState.RELEASED):
        event = ReservationEvent.MONEY_KEPT if kept else ReservationEvent.PAID_BACK
        columns["reservation"] = step(RESERVATION_TRANSITIONS, reservation, event).value
    return columns
