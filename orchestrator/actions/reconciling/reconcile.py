"""Compare our books with the provider's list, bill and balance for a period, and book what can be booked."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.actions.reconciling.matching import UnmatchedTask, match_tasks
from orchestrator.core.evidence import shown_as_sent
from orchestrator.core.provider_facts import BILL_MARGIN_MS
from orchestrator.ports import Balance, BillingRecord, Clock, Entropy, Prediction, Provider
from orchestrator.ports.paging import Bill, bill_all, list_all
from orchestrator.store.account import pauses
from orchestrator.store.attempts import leases, predictions, releases
from orchestrator.store.attempts.predictions import Ours, accepted_between, owners, sent_digests
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.doubts import adoption
from orchestrator.store.doubts.doubts import unsettled
from orchestrator.store.money import bills
from orchestrator.store.money.bills import BillLine
from orchestrator.store.runs.runs import models_in_use


@dataclass(slots=True)
class Reconciliation:
    """What agrees and what does not, in micros where it is money."""

    start_ms: int
    end_ms: int
    readable: bool = True  # the provider's list and bill could be read whole
    matched: int = 0
    matched_micros: int = 0
    adjusted: list[tuple[int, int]] = field(default_factory=list)  # attempt, by how much our cost was off
    surplus: list[tuple[str, int]] = field(default_factory=list)  # prediction, paid back beyond its charge
    set_aside: list[str] = field(
        default_factory=list
    )  # our predictions whose sums on the bill cannot be right
    refunds_seen: int = 0
    refunds_due: int = 0
    refunds_due_micros: int = 0
    unbilled: list[str] = field(default_factory=list)  # our predictions that the bill does not mention
    adopted: list[tuple[str, int]] = field(default_factory=list)  # prediction, job that wanted just this
    possible: list[UnmatchedTask] = field(default_factory=list)  # listed, and nobody has it: a person decides
    unknown: list[Prediction] = field(default_factory=list)  # not ours, as a person says: now noted
    billed_unknown: list[BillingRecord] = field(
        default_factory=list
    )  # billed, and neither known nor noted before
    in_doubt: bool = False
    balance_micros: int | None = None

    @property
    def agrees(self) -> bool:
        """Whether nothing needs a person."""
        return self.readable and not (
            self.possible
            or self.unknown
            or self.billed_unknown
            or self.unbilled
            or self.surplus
            or self.set_aside
            or self.in_doubt
        )


@dataclass(frozen=True, slots=True)
class Period:
    """What to compare, and how."""

    start_ms: int
    end_ms: int
    base_url: str  # of the provider, which hosts our inputs
    timezone: str  # of the budgets' days


Sidecars = Callable[[str], Mapping[str, Any] | None]
"""What is recorded with the picture planned for a path; see `ArtifactStore.sidecar`."""


async def reconcile(
    database: Database,
    provider: Provider,
    clock: Clock,
    entropy: Entropy,
    period: Period,
    *,
    sidecars: Sidecars,
    not_ours: bool = False,
) -> Reconciliation:
    """Read the period from the provider, adopt or note what we do not know, and book refunds and differences.

    Tasks that nobody knows are sorted out by the rules of `matching`. The stop for unknown tasks is lifted
    when none is left; `not_ours` is a person's word that what could not be given to a job is another
    program's. Running it again changes nothing more.
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
    _release(database)
    with database.read() as tx:
        models = models_in_use(tx)
        mine = [item for item in listing.predictions.values() if item.model is None or item.model in models]
        unknown = predictions.unknown(tx, [item.id for item in mine])
        jobs = list(adoption.pending_jobs(tx, period.base_url)) if unknown else []
    kept = _kept(jobs, unknown, sidecars)  # reads many files, so in no transaction
    with database.write() as tx:
        report.in_doubt = unsettled(tx)
        if not report.in_doubt:
            # A lost reply may explain an unknown task: those are resolved first, by a worker.
            _take_in(
                tx=tx,
                report=report,
                mine=mine,
                jobs=jobs,
                kept=kept,
                entropy=entropy,
                period=period,
                not_ours=not_ours,
            )
            if not report.possible:
                pauses.end(
                    tx=tx, scope="account", name="", reason="unknown_tasks"
                )  # not every key may read the bill
    if bill is not None and bill.complete:
        with database.write() as tx:  # of its own: the other holds what every claim waits for
            _book(tx, report, bill)
    return report


def _release(database: Database) -> None:
    """Let all that lost workers had claimed and not sent wait again: an unknown task may be what it
    wanted.
    """
    released = leases.RESCUE_MAX
    while released == leases.RESCUE_MAX:
        with database.write() as tx:
            released = releases.release_unsent(tx)


def _kept(jobs: Iterable[adoption.PendingJob], unknown: Container[str], sidecars: Sidecars) -> dict[int, str]:
    """For each pending job the unknown task whose picture, of just what the job asks for, is on disk."""
    kept: dict[int, str] = {}
    for job in jobs:
        said = sidecars(job.path) or {}
        asked = (said.get("model"), said.get("params"), said.get("local_images", {}))
        name = str(said.get("prediction_id"))
        if name in unknown and asked == (job.model, job.params, job.local_images):
            kept[job.job_id] = name
    return kept


def _take_in(
    tx: Tx,
    report: Reconciliation,
    mine: Sequence[Prediction],
    jobs: Sequence[adoption.PendingJob],
    kept: Mapping[int, str],
    entropy: Entropy,
    period: Period,
    *,
    not_ours: bool,
) -> None:
    """Adopt, note or hold every listed task of our models that nobody has; `jobs` waited a moment ago."""
    unknown = predictions.unknown(tx, [item.id for item in mine])
    if not unknown:
        return
    sent = sent_digests(tx, [item.id for item in mine if item.id not in unknown])
    trusted = shown_as_sent(
        ((item.inputs, sent[item.id]) for item in mine if item.id in sent),
        {tuple(sorted(job.params)) for job in jobs},
    )
    gap = [item for item in mine if item.id in unknown]
    found = match_tasks(gap, jobs, kept, inputs_trusted=trusted)
    if not_ours:
        for task in (possible.task for possible in found.possible):
            predictions.mark_foreign(
                tx=tx,
                prediction_id=task.id,
                model=task.model,
                created_at=task.created_at_ms,
                why="an operator said that it is not ours",
            )
            report.unknown.append(task)
    else:
        report.possible += found.possible
    for task, job_id in found.adopted:
        token = entropy.token()
        if adoption.assign(
            tx, job_id, task.id, status=task.status_text, token=token, timezone=period.timezone
        ):
            report.adopted.append((task.id, job_id))
        # claimed a moment ago, it may be bought again; what a person says of strangers does not mean this
        # task
        else:
            report.possible.append(UnmatchedTask(task, (job_id,)))


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
