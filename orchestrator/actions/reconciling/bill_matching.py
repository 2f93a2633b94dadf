"""The provider's bill of a period, booked line by line; what looks wrong is kept for a person to agree to."""

from collections.abc import Container, Sequence

from orchestrator.actions.reconciling.reconciliation import Period, Reconciliation, UnlikeBill
from orchestrator.core.bill_size import Basis, Size, size_of
from orchestrator.core.money import MICROS_MAX, format_usd
from orchestrator.core.provider_facts import BILL_MARGIN_MS
from orchestrator.ports.paging import Bill, Billed
from orchestrator.store.account import acts
from orchestrator.store.account.acts import Change, Signature
from orchestrator.store.attempts import predictions
from orchestrator.store.attempts.predictions import Ours, accepted_between, owners
from orchestrator.store.db.database import Tx
from orchestrator.store.money import balance_mark, bills, price_lessons
from orchestrator.store.money.bill_lines import BillLine
from orchestrator.store.money.price_lessons import Charged


def book(tx: Tx, report: Reconciliation, bill: Bill, period: Period, accept: Signature | None) -> None:
    """Match the bill with our attempts; `accept` is a person's word that it is right as it is."""
    records, sums = bill.records, bill.by_prediction()
    known = owners(tx, list(sums))
    rows = sorted(known.values(), key=lambda ours: ours.attempt_id)
    report.other_charges, report.other_charges_micros = len(bill.others), bill.others_micros
    report.basis = _basis(tx, report, bill, rows)
    if accept is not None:
        _accept(tx=tx, report=report, rows=rows, sums=sums, period=period, accept=accept)
        known = owners(tx, list(sums))
        rows = [known[row.prediction_id] for row in rows]
    for row in rows:
        _book_one(tx=tx, report=report, ours=row, billed=sums[row.prediction_id], period=period)
    strangers = predictions.unknown(
        tx, [record.prediction_id for record in records if record.prediction_id not in known]
    )
    report.billed_unknown = [
        record for record in records if record.prediction_id in strangers and record.kind != "refund"
    ]
    ours = accepted_between(tx, report.start_ms, report.end_ms)
    _count_open(report, ours, {record.prediction_id for record in records if record.kind != "refund"})


def _basis(tx: Tx, report: Reconciliation, bill: Bill, rows: Sequence[Ours]) -> Basis:
    """What the balance shows, where some charge is implausible and all of the bill since its mark was
    read.
    """
    sums, mark = bill.by_prediction(), balance_mark.read(tx)
    odd = any(
        size_of(sums[row.prediction_id].deducted_micros, row.price_micros) is not Size.USUAL for row in rows
    )
    if not odd or mark is None or report.balance_micros is None:
        return Basis.UNKNOWN
    if mark.at < report.start_ms - BILL_MARGIN_MS:
        return Basis.UNKNOWN
    return balance_mark.basis(tx, bill.records, report.balance_micros)


def _book_one(tx: Tx, report: Reconciliation, ours: Ours, billed: Billed, period: Period) -> None:
    line = BillLine(ours.attempt_id, *billed, basis=report.basis)
    (booked,) = bills.book_lines(tx, [line])
    if booked.set_aside:
        report.set_aside.append(ours.prediction_id)
        return
    if billed.deducted_micros <= MICROS_MAX:
        price_lessons.heed(tx, [Charged(ours.attempt_id, billed.deducted_micros, period.drift_percent)])
    report.matched += 1
    report.matched_micros += max(0, billed.deducted_micros - billed.refunded_micros)
    report.refunds_seen += int(booked.refund_seen)
    if booked.adjusted_micros:
        report.adjusted.append((ours.attempt_id, booked.adjusted_micros))
    if booked.surplus_micros:
        report.surplus.append((ours.prediction_id, booked.surplus_micros))
    if billed.deducted_micros not in {0, ours.price_micros}:
        report.differing += 1
        report.differing_micros += billed.deducted_micros - ours.price_micros
    if (unlike := _unlike(ours, billed, period)) is not None:
        report.unlike[unlike] += 1


def _unlike(ours: Ours, billed: Billed, period: Period) -> UnlikeBill | None:
    """What a person should look at in a charge; None when it is as expected, or agreed to."""
    charged, held = billed.deducted_micros, ours.price_micros
    size = size_of(charged, held)
    if charged == ours.agreed_billed_micros or charged > MICROS_MAX:
        return None
    if size is Size.USUAL and not price_lessons.is_dearer(charged, held, period.drift_percent):
        return None
    return UnlikeBill(ours.model, held, charged, size)


def _accept(
    tx: Tx,
    report: Reconciliation,
    rows: Sequence[Ours],
    sums: dict[str, Billed],
    period: Period,
    accept: Signature,
) -> None:
    """Agree to every charge and refund of an ended attempt that looks wrong, and let its model go on."""
    agreed: dict[UnlikeBill, int] = {}
    models = set(price_lessons.paused_models(tx))
    for row in rows:
        billed = sums[row.prediction_id]
        unlike = _unlike(row, billed, period)
        surplus = billed.refunded_micros > billed.deducted_micros
        new_surplus = surplus and billed.refunded_micros != row.agreed_refunded_micros
        if not row.ended or max(billed) > MICROS_MAX or not (unlike or new_surplus):
            continue
        deducted, refunded = billed
        bills.agree(tx, row.attempt_id, billed_micros=deducted, refunded_micros=refunded)
        report.accepted += 1
        if unlike is not None:
            models.add(unlike.model)
            agreed[unlike] = agreed.get(unlike, 0) + 1
        if new_surplus:
            change = Change(f"surplus refund of task {row.prediction_id}", None, _usd(refunded - deducted))
            acts.record(tx, accept, change)
    for unlike, tasks in agreed.items():
        subject = f"bill of {tasks} task(s) of {unlike.model}"
        acts.record(tx, accept, Change(subject, _usd(unlike.held_micros), _usd(unlike.billed_micros)))
    for model in sorted(models):
        if price_lessons.agree(tx, model):
            report.resumed.append(model)
            acts.record(tx, accept, Change(f"pause of model {model}", price_lessons.BILL_DRIFT, None))


def _usd(micros: int) -> str:
    return f"${format_usd(micros)}"


def _count_open(report: Reconciliation, ours: Sequence[Ours], charged: Container[str]) -> None:
    for row in ours:
        if row.refund_due:
            report.refunds_due += 1
            report.refunds_due_micros += row.price_micros
        if row.prediction_id not in charged:
            report.unbilled.append(row.prediction_id)
