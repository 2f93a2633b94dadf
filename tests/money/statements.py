"""Months of a world, in few words: charges and refunds on the provider's bill, statements, closings."""

from datetime import UTC, datetime

from support.world import PRICE

from orchestrator.actions.reconciling.close_month import close_month
from orchestrator.actions.reconciling.month_statement import month_statement
from orchestrator.core.states import AttemptState
from orchestrator.ports.paging import BillTimes
from orchestrator.store.account.acts import Signature
from orchestrator.store.money import bills

ADA = Signature("ada", "here", "report close")


def at(text):
    """The ms of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def go_to(world, text):
    world.clock.advance_ms(at(text) - world.clock.now_ms())


def bill(world, held, *, charged=PRICE, refunded=0, charged_at=None, refunded_at=None):
    now = world.clock.now_ms()
    times = BillTimes(charged_at or now, (refunded_at or now) if refunded else None)
    return world.do(bills.book_lines, bills.BillLine(held.attempt_id, charged, refunded, times=times))


def paid(world, **billed):
    """A job with its picture, on the bill."""
    held = world.until(AttemptState.SUCCEEDED)
    bill(world, held, **billed)
    return held


def refund_due(world):
    """A job whose task failed after it was charged."""
    held = world.until(AttemptState.IN_FLIGHT)
    world.fail(held, delay_ms=None)
    return held


def statement(world, month, *, timezone="UTC", by=("campaign",)):
    with world.database.read() as tx:
        return month_statement(tx, month, timezone, by=by)


def closed(world, month, signed=ADA):
    return close_month(world.database, month, "UTC", signed=signed)


def sums(found):
    whole = found.booked_total
    return {
        name: value
        for name in ("charged", "refunded", "adjusted", "written_off", "net", "held_open")
        if (value := getattr(whole, name))
    }


def bridge(found):
    return {line.reason: line.micros for line in found.bridge}
