"""What `budget audit` found, and the caps that were passed: also what `reconcile` says of those."""

from collections.abc import Sequence

from orchestrator.cli.rendering.documents import Json, budget_document
from orchestrator.cli.rendering.words import count, percent, usd
from orchestrator.core.money import format_usd
from orchestrator.store.money.audit import Audit
from orchestrator.store.money.caps import Cap


def passed_text(cap: Cap) -> str:
    """`the cap of campaign sale ($0.06) was passed by $0.024: 140 %`."""
    return f"{cap.words} {cap.standing}: {percent(cap.counted_micros, cap.cap_micros)}"


def difference_text(tasks: int, micros: int) -> str:
    """How the bill of some tasks differs from what was held for them."""
    how = f"{usd(abs(micros))} {'more' if micros > 0 else 'less'}" if micros else "otherwise"
    return f"{count(tasks, 'task')} {'was' if tasks == 1 else 'were'} billed {how} than was held"


def text(found: Audit, passed: Sequence[Cap]) -> str:
    """Each difference, each cap that was passed, and whether the books agree."""
    lines = [
        f"{item.what}: the ledger says {item.expected}, found {item.found}" for item in found.differences
    ]
    lines += [passed_text(cap) for cap in passed]
    checked = (
        f"{count(found.entries, 'ledger entry', 'ledger entries')}, {count(found.balances, 'balance')}, "
        f"{count(found.attempts, 'attempt')}"
    )
    if found.differences:
        lines.append(f"{count(len(found.differences), 'difference')} in {checked}.")
    elif found.unlike:
        said = difference_text(found.unlike, found.unlike_micros)
        lines.append(f"Every sum is right: {checked}. {said}: see orchestrator reconcile.")
    elif passed:
        lines.append(f"Every sum is right: {checked}.")
    else:
        lines.append(f"The books agree: {checked}.")
    return "\n".join(lines)


def document(found: Audit, passed: Sequence[Cap]) -> Json:
    """The same as JSON."""
    return {
        "entries": found.entries,
        "balances": found.balances,
        "attempts": found.attempts,
        "differences": [
            {"what": item.what, "expected": item.expected, "found": item.found} for item in found.differences
        ],
        "passed": [budget_document(cap) for cap in passed],
        "billed_unlike": {"tasks": found.unlike, "usd": format_usd(found.unlike_micros)},
    }
