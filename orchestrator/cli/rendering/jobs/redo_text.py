"""What came of asking for other tries, in words and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from orchestrator.cli.rendering.jobs.verdict_text import refused_text
from orchestrator.cli.rendering.words import count, usd
from orchestrator.core.money import format_usd

if TYPE_CHECKING:
    from orchestrator.actions.choosing.redo import AnotherTry, Redone

SHOWN_MAX: Final = 20
NEXT: Final = "orchestrator work --drain"


def redone_text(redone: Redone, *, dry_run: bool) -> list[str]:
    """How many and what they cost, each new job, what was passed over and what refused."""
    new = [item for item in redone.tries if item.created]
    price = "live price" if redone.prices_are_live else "the live price is asked before anything is bought"
    cost = f"{usd(redone.cost_micros)} when they are made ({price})" if new else ""
    if not new:
        lines = ["No other try was asked for. Nothing was changed."]
    elif dry_run:
        lines = [f"Would ask for another try of {count(len(new), 'job')}: {cost}. Nothing was changed."]
    else:
        lines = [f"Asked for another try of {count(len(new), 'job')}: {cost}. Nothing is spent yet."]
        lines += [_line(item) for item in new[:SHOWN_MAX]]
        if len(new) > SHOWN_MAX:
            lines.append(f"  and {count(len(new) - SHOWN_MAX, 'more job')} (see --json)")
    again = [item for item in redone.tries if not item.created]
    lines += [f"  job {item.job_id} is the try that this request made of job {item.of}" for item in again]
    if redone.passed_over:
        lines.append(f"  {count(redone.passed_over, 'job')} passed over: another try is there already")
    return [*lines, *refused_text(redone.refused, "redone")]


def _line(item: AnotherTry) -> str:
    return f"  job {item.job_id} is another try of job {item.of}, {usd(item.price_micros)}"


def redone_document(redone: Redone, *, dry_run: bool) -> dict[str, Any]:
    """Every new job with its price; `spends` is about the next command."""
    made = any(item.created for item in redone.tries) and not dry_run
    return {
        "dry_run": dry_run,
        "jobs": [
            {
                "id": item.job_id or None,
                "redo_of": item.of,
                "created": item.created and not dry_run,
                "images": item.images,
                "price_usd": format_usd(item.price_micros),
                "list_usd": format_usd(item.list_micros),
            }
            for item in redone.tries
        ],
        "cost_usd": format_usd(redone.cost_micros),
        "passed_over": redone.passed_over,
        "refused": [{"id": item.job_id, "why": item.why} for item in redone.refused],
        "warnings": redone.warnings,
        "next_command": NEXT if made else None,
        "spends": made,
    }
