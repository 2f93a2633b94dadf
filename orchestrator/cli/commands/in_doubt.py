"""`orchestrator in-doubt`: attempts whose paid outcome is unknown."""

from orchestrator.cli import out
from orchestrator.cli.base import group
from orchestrator.cli.context import opened
from orchestrator.cli.documents import in_doubt_document
from orchestrator.cli.words import count, rfc3339, safe, table, usd
from orchestrator.core.errors import ExitCode
from orchestrator.store import views


@group("in-doubt", short_help="Attempts whose paid outcome is unknown.")
def command() -> None:
    """Attempts whose reply was lost: the provider may have accepted them, so they are never sent again by themselves."""


@command.command("list")
def list_in_doubt() -> ExitCode:
    """Every attempt in doubt, oldest first. With --json one object a line. Exits with 5 when there is any."""
    with opened() as app, app.database.read() as tx:
        rows = views.in_doubt(tx)
    if out.as_json():
        for item in rows:
            out.line(in_doubt_document(item))
    elif not rows:
        out.answer("Nothing is in doubt.")
    else:
        header = ["job", "run", "attempt", "sent", "held", "what happened"]
        lines = [
            [
                str(item.job_id),
                safe(f"{item.campaign}/{item.name}/{item.run}", 36),
                str(item.number),
                rfc3339(item.submitted_at) or "",
                usd(item.price_micros),
                safe(item.message or "", 60),
            ]
            for item in rows
        ]
        out.answer(table(header, lines, right=frozenset({0, 2, 4})))
        held = usd(sum(item.price_micros for item in rows))
        out.note(
            f"\n{count(len(rows), 'attempt')} in doubt, {held} held. They count against the caps until resolved."
        )
        out.next_steps([(f"orchestrator jobs show {rows[0].job_id}", "shows the whole story of one job")])
    return ExitCode.OPERATOR if rows else ExitCode.DONE
