"""Tasks that are far older than their model's, as a person asks the provider about them."""

from collections.abc import Sequence

from orchestrator.cli.rendering.words import count, rfc3339, safe, table, usd
from orchestrator.store.views.trouble import OverdueRow


def overdue_text(rows: Sequence[OverdueRow]) -> list[str]:
    """A table of them, and what they hold."""
    header = ["job", "run", "attempt", "task", "accepted", "held", "latest answer"]
    lines = [
        [
            str(row.job_id),
            safe(f"{row.campaign}/{row.name}/{row.run}", 36),
            str(row.attempt_id),
            safe(row.prediction_id),
            rfc3339(row.accepted_at) or "",
            usd(row.price_micros),
            safe(row.trouble or "", 60),
        ]
        for row in rows
    ]
    held = usd(sum(row.price_micros for row in rows))
    return [
        table(header, lines, right=frozenset({0, 2, 5})),
        (
            f"\n{count(len(rows), 'task')} far older than the model's: ask the provider. {held} held. What "
            "still ends is collected as usual."
        ),
    ]
