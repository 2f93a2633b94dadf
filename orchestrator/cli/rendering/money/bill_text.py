"""What `reconcile` says of the bill: line by line, then what a person should look at."""

from orchestrator.actions.reconciling.reconciliation import Reconciliation, UnlikeBill
from orchestrator.cli.rendering.documents import Json, budget_document
from orchestrator.cli.rendering.money.audit_text import difference_text, passed_text
from orchestrator.cli.rendering.words import count, safe, usd
from orchestrator.core.bill_size import Basis, Size
from orchestrator.core.money import format_usd
from orchestrator.store.money.bill_lines import surplus_text


def single_lines(report: Reconciliation) -> list[str]:
    """What is told of each task."""
    return [
        *(f"adjusted     attempt {a} by {usd(micros)}" for a, micros in report.adjusted),
        *(f"surplus      {surplus_text(safe(task), micros)}" for task, micros in report.surplus),
        *(
            f"set aside    the sums of task {safe(task)} cannot be right; not booked"
            for task in report.set_aside
        ),
    ]


def summary_lines(report: Reconciliation) -> list[str]:
    """What is told once."""
    due = usd(report.refunds_due_micros)
    lines = [
        f"refunds      {report.refunds_seen} seen now, {report.refunds_due} due ({due})",
    ]
    if report.other_charges:
        records = count(report.other_charges, "record")
        lines.append(
            f"others       other charges on this account: {usd(report.other_charges_micros)} in {records}"
        )
    if report.skipped:
        entries = count(report.skipped, "entry", "entries")
        lines.append(f"skipped      {entries} of the list with an id that no task can have: not ours")
    lines += [f"unlike       {unlike_text(unlike, tasks, report.basis)}" for unlike, tasks in _unlike(report)]
    lines += [f"passed       {passed_text(cap)}" for cap in report.passed]
    if report.accepted:
        by_balance = "; where its size is implausible, what was held counts, since the balance fell by that"
        lines.append(
            f"accepted     the bill of {count(report.accepted, 'task')}, as you say"
            + (by_balance if report.basis is Basis.HELD else "")
        )
    lines += [f"resumed      model {safe(model)}" for model in report.resumed]
    return lines


def unlike_text(unlike: UnlikeBill, tasks: int, basis: Basis) -> str:
    """One line about tasks that were billed unlike they were held, and what counts meanwhile."""
    were = f"{count(tasks, 'task')} {'was' if tasks == 1 else 'were'} billed"
    sums = f"({usd(unlike.billed_micros)}, held {usd(unlike.held_micros)})"
    share = unlike.billed_micros * 100 / unlike.held_micros
    times = f"{share:.3g} % of" if share < 100 else f"{share / 100:.3g} times"  # noqa: PLR2004 - per cent
    if unlike.size is Size.USUAL:
        return f"{were} {times} what was held {sums}: the price has risen; it is booked"
    counts = "what was held counts" if _as_held(unlike, basis) else "the bill counts"
    shown = {
        Basis.HELD: "the balance fell by what was held",
        Basis.BILLED: "the balance fell by what was billed",
        Basis.UNKNOWN: "the balance does not tell",
    }[basis]
    return f"{were} at {times} their price {sums}: a change of unit? {shown}; until you agree, {counts}"


def bill_agrees(report: Reconciliation) -> bool:
    """Whether a person has nothing to say about the bill."""
    return not (report.unlike or report.surplus)


def conclusion(report: Reconciliation) -> str:
    """Never that all agrees where the bill is not what was held."""
    if not report.agrees:
        return "Somebody should look at the lines above."
    if report.differing:
        follow = "what was agreed to counts" if report.counted_as_agreed else "the books follow the bill"
        return f"{difference_text(report.differing, report.differing_micros)}: {follow}."
    if report.strangers:
        return f"All agrees; {count(report.strangers, 'task')} of other people, which no job wants."
    return "All agrees."


def bill_document(report: Reconciliation) -> Json:
    """The same as JSON."""
    return {
        "unlike": [
            {
                "model": unlike.model,
                "tasks": tasks,
                "held_usd": format_usd(unlike.held_micros),
                "billed_usd": format_usd(unlike.billed_micros),
                "implausible": unlike.size is not Size.USUAL,
                "counts": "held" if _as_held(unlike, report.basis) else "billed",
            }
            for unlike, tasks in _unlike(report)
        ],
        "balance_shows": report.basis.value,
        "differing": {"tasks": report.differing, "usd": format_usd(report.differing_micros)},
        "accepted": report.accepted,
        "resumed": report.resumed,
        "passed": [budget_document(cap) for cap in report.passed],
        "other_charges": {
            "records": report.other_charges,
            "usd": format_usd(report.other_charges_micros),
        },
        "skipped": report.skipped,
    }


def _as_held(unlike: UnlikeBill, basis: Basis) -> bool:
    return unlike.size is Size.SMALL or (unlike.size is Size.LARGE and basis is Basis.HELD)


def _unlike(report: Reconciliation) -> list[tuple[UnlikeBill, int]]:
    return sorted(report.unlike.items(), key=lambda item: (item[0].model, item[0].billed_micros))
