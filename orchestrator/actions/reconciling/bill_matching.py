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
from orchestrator.store.money import balance_mark, bill_entries, bills, price_lessons
from orchestrator.store.money.bill_lines import BillLine
from orchestrator.store.money.price_lessons import Charged


def book(tx: Tx, report: Reconciliation, bill: Bill, period: Period) -> None:
    """Match the bill with our attempts, and book what differs."""
    records, sums = bill.records, bill.by_prediction()
    known = owners(tx, list(sums))
    rows = sorted(known.values(), key=lambda ours: ours.attempt_id)
    report.other_charges, report.other_charges_micros = len(bill.others), bill.others_micros
    report.basis = _basis(tx=tx, report=report, bill=bill, rows=rows)
    times = bill.times()
    for row in rows:
        line = BillLine(
            row.attempt_id, *sums[row.prediction_id], basis=report.basis, times=times[row.prediction_id]
        )
        _book_one(tx=tx, report=report, ours=row, line=line, period=period)
    bill_entries.note_others(tx, bill, known)
    strangers = predictions.unknown(
        tx, [record.prediction_id for record in records if record.prediction_id not in known]
    )
    report.billed_unknown = [
        record for record in records if record.prediction_id in strangers and record.kind != "refund"
    ]
    ours = accepted_between(tx, report.start_ms, report.end_ms)
    _count_open(report, ours, {record.prediction_id for record in records if record.kind != "refund"})


def heed(tx: Tx, bill: Bill, period: Period) -> None:
    """Learn the prices that the bill shows, where they are not what was held."""
    sums = bill.by_prediction()
    for row in owners(tx, list(sums)).values():
        micros = sums[row.prediction_id].deducted_micros
        if micros not in {row.price_micros, row.agreed_billed_micros} and micros <= MICROS_MAX:
            price_lessons.heed(tx, [Charged(row.attempt_id, micros, period.drift_percent)])


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


def _book_one(tx: Tx, report: Reconciliation, ours: Ours, line: BillLine, period: Period) -> None:
    (booked,) = bills.book_lines(tx, [line])
    billed = Billed(line.deducted_micros, line.refunded_micros)
    if booked.set_aside:
        report.set_aside.append(ours.prediction_id)
        return
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
        by_hold = ours.agreed_billed_micros == billed.deducted_micros != ours.agreed_charge_micros
        report.counted_as_agreed += int(by_hold)
    if (unlike := _unlike(ours, billed, period)) is not None:
        report.unlike[unlike] += 1


def _unlike(ours: Ours, billed: Billed, period: Period) -> UnlikeBill | None:
    """What a person should look at in a charge; None when it is as expected, or agreed to."""
    charged, held = billed.deducted_micros, ours.price_micros
    size = size_of(charged, held)
    if charged == ours.agreed_billed_micros or charged > MICROS_MAX:
        return None
    agreed = max(held, ours.planned_micros)
    if size is Size.USUAL and not price_lessons.is_dearer(charged, agreed, period.drift_percent):
        return None
    return UnlikeBill(model=ours.model, held_micros=held, billed_micros=charged, size=size)


def accept(tx: Tx, report: Reconciliation, bill: Bill, period: Period, signed: Signature) -> None:
    """A person's word that the bill is as it should be: agree to every charge and refund of an ended attempt
    that looks wrong, and let the models go on that were stopped for it.

    Where the balance shows that what was held has left the account, that is what counts, and the bill is no
    price.
    """
    sums = bill.by_prediction()
    rows = [row for row in owners(tx, list(sums)).values() if row.ended]
    report.basis = _basis(tx=tx, report=report, bill=bill, rows=rows)
    odd = [(row, sums[row.prediction_id]) for row in rows if max(sums[row.prediction_id]) <= MICROS_MAX]
    groups: dict[UnlikeBill, list[Ours]] = {}
    for row, billed in odd:
        if (unlike := _unlike(row, billed, period)) is not None:
            groups.setdefault(unlike, []).append(row)
    for unlike, same in groups.items():  # prices are locked before attempts
        if unlike.size is Size.USUAL or report.basis is not Basis.HELD:
            price_lessons.learn(
                tx, same[-1].attempt_id, micros=unlike.billed_micros, percent=period.drift_percent
            )
    for model in sorted({unlike.model for unlike in groups} | set(price_lessons.stopped_models(tx))):
        if price_lessons.agree(tx, model):
            report.resumed.append(model)
    for unlike, same in groups.items():
        subject = f"bill of {len(same)} task(s) of {unlike.model}"
        acts.record(tx, signed, Change(subject, _usd(unlike.held_micros), _usd(unlike.billed_micros)))
    for row, billed in odd:
        _agree(
            tx, report, row, billed=billed, signed=signed, is_unlike=_unlike(row, billed, period) is not None
        )


def _agree(
    tx: Tx, report: Reconciliation, row: Ours, *, billed: Billed, signed: Signature, is_unlike: bool
) -> None:
    """Agree to one attempt's sums, where something is wrong with them."""
    deducted, refunded = billed
    surplus = refunded > (deducted or row.price_micros) and refunded != row.agreed_refunded_micros
    if not (surplus or is_unlike):
        return
    if surplus:
        subject = f"refund of task {row.prediction_id}, larger than its charge"
        acts.record(tx, signed, Change(subject, _usd(deducted), _usd(refunded)))
    by_hold = size_of(deducted, row.price_micros) is not Size.USUAL and report.basis is Basis.HELD
    line = BillLine(row.attempt_id, deducted, refunded)
    bills.agree(tx, line, charge_micros=row.price_micros if by_hold else deducted)
    report.accepted += 1


def _usd(micros: int) -> str:
    return f"${format_usd(micros)}"


def _count_open(report: Reconciliation, ours: Sequence[Ours], charged: Container[str]) -> None:
    for row in ours:
        if row.refund_due:
            report.refunds_due += 1
            report.refunds_due_micros += row.price_micros
        if row.prediction_id not in charged:
            report.unbilled.append(row.prediction_id)
