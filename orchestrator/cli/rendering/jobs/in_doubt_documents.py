"""The JSON documents of `in-doubt list`."""

from typing import Any

from orchestrator.cli.rendering.words import rfc3339
from orchestrator.core.money import format_usd
from orchestrator.store.views.trouble import InDoubtRow, OverdueRow


def in_doubt_document(row: InDoubtRow) -> dict[str, Any]:
    """One line of `in-doubt list --json`."""
    return {
        "state": "in_doubt",
        "attempt": row.attempt_id,
        "job": row.job_id,
        "campaign": row.campaign,
        "name": row.name,
        "run": row.run,
        "number": row.number,
        "submitted_at": rfc3339(row.submitted_at),
        "held_usd": format_usd(row.price_micros),
        "message": row.message,
        "needs_person": row.needs_person,
    }


def overdue_document(row: OverdueRow) -> dict[str, Any]:
    """One line of `in-doubt list --json` about a task that is far older than its model's."""
    return {
        "state": "overdue",
        "attempt": row.attempt_id,
        "job": row.job_id,
        "campaign": row.campaign,
        "name": row.name,
        "run": row.run,
        "number": row.number,
        "prediction_id": row.prediction_id,
        "accepted_at": rfc3339(row.accepted_at),
        "overdue_at": rfc3339(row.overdue_at),
        "held_usd": format_usd(row.price_micros),
        "message": row.trouble,
    }
