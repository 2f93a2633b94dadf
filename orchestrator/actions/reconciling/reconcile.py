"""Compare our books with the provider's list, bill and balance for a period, and book what can be booked."""

from collections.abc import Container, Sequence

from orchestrator.actions.reconciling.reconciliation import Period, Reconciliation
from orchestrator.actions.reconciling.unknown_tasks import Sidecars, sort_out
from orchestrator.core.provider_facts import BILL_MARGIN_MS
from orchestrator.ports import Balance, Clock, DatabaseMark, Entropy, Provider
from orchestrator.ports.paging import Bill, bill_all, list_all
from orchestrator.store.attempts import predictions
from orchestrator.store.attempts.predictions import Ours, accepted_between, owners
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.money import bills
from orchestrator.store.money.bills import BillLine


async def reconcile(
    database: Database,
    provider: Provider,
    clock: Clock,
    entropy: Entropy,
    period: Period,
    *,
    sidecars: Sidecars,
    not_ours: bool = False,
    mark: DatabaseMark | None = None,
) -> Reconciliation:
    """Read the period from the provider, adopt or note what we do not know, and book refunds and differences.

    Tasks that nobody knows are sorted out by the rules of `matching`; `not_ours` is a person's word that what
    could not be given to a job is another program's. Running it again changes nothing more.
    """
    report = Reconciliation(period.start_ms, period.end_ms)
    listing = await list_all(provider, clock, after_ms=period.start_ms, before_ms=period.end_ms)
    bill = await bill_all(
        provider,
        clock,
        start_ms=period.start_ms - BILL_MARGIN_MS,
        end_ms=period.end_ms + BILL_MARGIN_MS,
    )
    balance = await provider.balance()
    report.balance_micros = balance.micros if isinstance(balance, Balance) else None
    report.readable = listing is not None and listing.complete and bill is not None and bill.complete
    if listing is None or not listing.complete:
        return report
    sort_out(
        database=database,
        listed=list(listing.predictions.values()),
        entropy=entropy,
        period=period,
        report=report,
        sidecars=sidecars,
        not_ours=not_ours,
    )
    if mark is not None and report.mark[0] is not None:
        mark.write(report.mark[0], report.mark[1])
    if bill is not None and bill.complete:
        with database.write() as tx:  # of its own: the other holds what every claim waits for
            _book(tx, report, bill)
    return report


def _book(tx: Tx, report: Reconciliation, bill: Bill) -> None:
    """Match the bill with our attempts, line by line."""
    records, sums = bill.records, bill.by_prediction()
    known = owners(tx, list(sums))
    for row in sorted(known.values(), key=lambda ours: ours.attempt_id):
        billed = sums[row.prediction_id]
        (booked,) = bills.book_lines(tx, [BillLine(row.attempt_id, *billed)])
        if booked.set_aside:
            report.set_aside.append(row.prediction_id)
            continue
        report.matched += 1
        report.matched_micros += max(0, billed.deducted_micros - billed.refunded_micros)
        report.refunds_seen += int(booked.refund_seen)
        if booked.adjusted_micros:
            report.adjusted.append((row.attempt_id, booked.adjusted_micros))
        if booked.surplus_micros:
            report.surplus.append((row.prediction_id, booked.surplus_micros))
    strangers = predictions.unknown(
        tx, [record.prediction_id for record in records if record.prediction_id not in known]
    )
    report.billed_unknown = [
        record for record in records if record.prediction_id in strangers and record.kind != "refund"
    ]
    ours = accepted_between(tx, report.start_ms, report.end_ms)
    _count_open(report, ours, {record.prediction_id for record in records if record.kind != "refund"})


def _count_open(report: Reconciliation, ours: Sequence[Ours], charged: Container[str]) -> None:
    for row in ours:
        if row.refund_due:
            report.refunds_due += 1
            report.refunds_due_micros += row.price_micros
        if row.prediction_id not in charged:
            report.unbilled.append(row.prediction_id)
