"""Compare our books with the provider's list, bill and balance for a period, and book what can be booked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from orchestrator.core.evidence import inputs_digest
from orchestrator.paging import bill_all, list_all
from orchestrator.ports import Balance, BillingRecord, Clock, Entropy, Prediction, Provider
from orchestrator.store import bills, foreign, orphans, pauses
from orchestrator.store.bills import BillLine
from orchestrator.store.database import Database, Tx
from orchestrator.store.doubts import unsettled
from orchestrator.store.reconciling import Ours, accepted_between, owners
from orchestrator.store.runs import models_in_use

WINDOW_MARGIN_MS = 3600 * 1000


@dataclass(slots=True)
class Report:
    """What agrees and what does not, in micros where it is money."""

    start_ms: int
    end_ms: int
    readable: bool = True  # the provider's list and bill could be read whole
    matched: int = 0
    matched_micros: int = 0
    adjusted: list[tuple[int, int]] = field(default_factory=list)  # attempt, by how much our cost was off
    refunds_seen: int = 0
    refunds_due: int = 0
    refunds_due_micros: int = 0
    unbilled: list[str] = field(default_factory=list)  # our predictions that the bill does not mention
    adopted: list[tuple[str, int]] = field(default_factory=list)  # prediction, job that wanted just this
    unknown: list[Prediction] = field(default_factory=list)  # listed, of our models, and nobody's: now noted
    billed_unknown: list[BillingRecord] = field(
        default_factory=list
    )  # billed, and neither known nor noted before
    in_doubt: bool = False
    balance_micros: int | None = None

    @property
    def agrees(self) -> bool:
        """Whether a person has nothing to look at."""
        return self.readable and not (self.unknown or self.billed_unknown or self.unbilled or self.in_doubt)


async def reconcile(
    database: Database,
    provider: Provider,
    clock: Clock,
    entropy: Entropy,
    *,
    base_url: str,
    timezone: str,
    start_ms: int,
    end_ms: int,
) -> Report:
    """Read the period from the provider, adopt or note what we do not know, and book refunds and differences.

    Tasks that nobody knows are adopted by a pending job that would send exactly the same, else noted as not ours;
    after that the stop for unknown tasks is lifted. Running it again changes nothing more.
    """
    report = Report(start_ms, end_ms)
    listing = await list_all(provider, clock, after_ms=start_ms, before_ms=end_ms)
    bill = await bill_all(
        provider, clock, start_ms=start_ms - WINDOW_MARGIN_MS, end_ms=end_ms + WINDOW_MARGIN_MS
    )
    balance = await provider.balance()
    report.balance_micros = balance.micros if isinstance(balance, Balance) else None
    report.readable = listing is not None and listing.complete and bill is not None and bill.complete
    if listing is None or not listing.complete:
        return report
    with database.write() as tx:
        report.in_doubt = unsettled(tx)
        if (
            not report.in_doubt
        ):  # a lost reply may explain an unknown task: those are resolved first, by a worker
            _take_in(tx, report, listing.predictions.values(), entropy, base_url, timezone)
            pauses.end(
                tx, "account", "", "unknown_tasks"
            )  # the list is enough: not every key may read the bill
        if bill is not None and bill.complete:
            _book(tx, report, bill.records)
    return report


def _take_in(
    tx: Tx, report: Report, listed: Iterable[Prediction], entropy: Entropy, base_url: str, timezone: str
) -> None:
    """Adopt or note every listed task of our models that nobody holds."""
    models = models_in_use(tx)
    mine = [item for item in listed if item.model is None or item.model in models]
    unknown = foreign.unknown(tx, [item.id for item in mine])
    gap = {item.id: item for item in mine if item.id in unknown}
    if any(item.inputs is not None for item in gap.values()):
        _adopt(tx, report, gap, entropy, base_url, timezone)
    for item in gap.values():
        foreign.note(
            tx, item.id, item.model, item.created_at_ms, "listed by reconcile; no job of ours wants it"
        )
        report.unknown.append(item)


def _adopt(
    tx: Tx, report: Report, gap: dict[str, Prediction], entropy: Entropy, base_url: str, timezone: str
) -> None:
    """Move from `gap` to the report what a pending job would send exactly alike."""
    for job in list(orphans.pending_jobs(tx, base_url)):
        if not gap:
            return
        if job.inputs is None:
            continue
        digest = inputs_digest(job.inputs, job.inputs)
        match = next(
            (
                item
                for item in gap.values()
                if item.model == job.model
                and item.inputs is not None
                and inputs_digest(item.inputs, job.inputs) == digest
            ),
            None,
        )
        if match is not None and orphans.adopt(
            tx, job.job_id, match.id, match.status_text, token=entropy.token(), timezone=timezone
        ):
            report.adopted.append((match.id, job.job_id))
            del gap[match.id]


def _book(tx: Tx, report: Report, records: Sequence[BillingRecord]) -> None:
    """Match the bill with our attempts, line by line."""
    deducted: dict[str, int] = {}
    refunded: dict[str, int] = {}
    for record in records:
        side = refunded if record.kind == "refund" else deducted
        side[record.prediction_id] = side.get(record.prediction_id, 0) + record.micros
    known = owners(tx, [*deducted, *refunded])
    for row in sorted(known.values(), key=lambda ours: ours.attempt_id):
        line = BillLine(
            row.attempt_id, deducted.get(row.prediction_id, 0), refunded.get(row.prediction_id, 0)
        )
        (booked,) = bills.record(tx, [line])
        report.matched += 1
        report.matched_micros += line.deducted_micros - line.refunded_micros
        report.refunds_seen += int(booked.refund_seen)
        if booked.adjusted_micros:
            report.adjusted.append((row.attempt_id, booked.adjusted_micros))
    strangers = foreign.unknown(
        tx, [record.prediction_id for record in records if record.prediction_id not in known]
    )
    report.billed_unknown = [
        record for record in records if record.prediction_id in strangers and record.kind != "refund"
    ]
    ours = accepted_between(tx, report.start_ms, report.end_ms)
    _count_open(report, ours, deducted)


def _count_open(report: Report, ours: Sequence[Ours], deducted: dict[str, int]) -> None:
    for row in ours:
        if row.refund_due:
            report.refunds_due += 1
            report.refunds_due_micros += row.price_micros
        if row.prediction_id not in deducted:
            report.unbilled.append(row.prediction_id)
