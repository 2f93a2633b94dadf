"""Compare our books with the provider's list, bill and balance for a period, and book what can be booked."""

from orchestrator.actions.reconciling import bill_matching
from orchestrator.actions.reconciling.reconciliation import Period, Reconciliation
from orchestrator.actions.reconciling.unknown_tasks import Sidecars, sort_out
from orchestrator.core.budget import day_of
from orchestrator.core.provider_facts import BILL_MARGIN_MS
from orchestrator.ports import Balance, Clock, DatabaseMark, Entropy, MarkState, Provider, state_of_mark
from orchestrator.ports.paging import Bill, bill_all, list_all
from orchestrator.store.account import pauses
from orchestrator.store.account.acts import Signature
from orchestrator.store.attempts.attempt_ids import highest_attempt_id
from orchestrator.store.db import identity
from orchestrator.store.db.database import Database
from orchestrator.store.money import balance_days
from orchestrator.store.money.caps import caps_in_force
from orchestrator.store.runs.runs import models_in_use


async def reconcile(
    database: Database,
    provider: Provider,
    clock: Clock,
    entropy: Entropy,
    period: Period,
    *,
    sidecars: Sidecars,
    signed: Signature,
    not_ours: bool = False,
    accept_bill: Signature | None = None,
    mark: DatabaseMark | None = None,
) -> Reconciliation:
    """Read the period from the provider, adopt or note what we do not know, and book refunds and differences.

    Tasks that nobody knows are sorted out by the rules of `matching`; `not_ours` is a person's word that what
    could not be given to a job is another program's; `accept_bill` signs a person's word that a bill that
    looks wrong is right. Running it again changes nothing more.
    """
    report = Reconciliation(period.start_ms, period.end_ms)
    listing = await list_all(provider, clock, after_ms=period.start_ms, before_ms=period.end_ms)
    bill = await _bill(provider, clock, period)
    balance = await provider.balance()
    database.require_in_place()  # asking took its time
    report.balance_micros = _noted(database, balance)
    report.readable = listing is not None and listing.complete and bill is not None and bill.complete
    if listing is None or not listing.complete:
        return report
    report.skipped = len(listing.skipped)
    with database.read() as tx:
        report.readable = report.readable and not listing.hides(models_in_use(tx))
    report.vouched = mark is not None and _is_vouched(database, mark)
    sort_out(
        database=database,
        listed=list(listing.predictions.values()),
        entropy=entropy,
        period=period,
        report=report,
        sidecars=sidecars,
        signed=signed,
        not_ours=not_ours,
    )
    if mark is not None and report.mark[0] is not None:
        mark.write(report.mark[0], report.mark[1])
    if bill is not None and bill.complete:
        _book(database=database, report=report, bill=bill, period=period, accept_bill=accept_bill)
    with database.read() as tx:
        caps = caps_in_force(tx, day_of(tx.now, period.timezone))
        report.passed = [cap for cap in caps if cap.over_micros]
    return report


def _is_vouched(database: Database, mark: DatabaseMark) -> bool:
    """Whether the database has forgotten nothing, and nothing is stopped because it may have."""
    with database.read() as tx:
        known_as, stopped = identity.database_id(tx), pauses.in_force(tx)
    marked = None if known_as is None else mark.highest(known_as)
    with database.read() as tx:
        is_ours = state_of_mark(marked, highest_attempt_id(tx)) is MarkState.OURS
    return is_ours and all(pause.reason != "unknown_tasks" for pause in stopped)


def _noted(database: Database, balance: object) -> int | None:
    """The balance in micros, kept for the month's statement; None where it could not be read."""
    if not isinstance(balance, Balance):
        return None
    with database.write() as tx:
        balance_days.note(tx, balance.micros)
    return balance.micros


async def _bill(provider: Provider, clock: Clock, period: Period) -> Bill | None:
    """The bill of the period and of a margin around it: a charge may be dated otherwise than its task."""
    return await bill_all(
        provider,
        clock,
        start_ms=period.start_ms - BILL_MARGIN_MS,
        end_ms=period.end_ms + BILL_MARGIN_MS,
    )


def _book(
    database: Database, report: Reconciliation, bill: Bill, period: Period, accept_bill: Signature | None
) -> None:
    """Each in a transaction of its own: adopting holds what every claim waits for, and prices are locked
    before attempts.
    """
    if accept_bill is not None:
        with database.write() as tx:
            bill_matching.accept(tx=tx, report=report, bill=bill, period=period, signed=accept_bill)
    with database.write() as tx:
        bill_matching.book(tx=tx, report=report, bill=bill, period=period)
    with database.write() as tx:
        bill_matching.heed(tx, bill, period)
