"""`orchestrator workers`: who works on this database, and asking one to finish."""

from typing import Any

import click

from orchestrator.actions.operator.pausing import drain_worker
from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX, group
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.words import duration, rfc3339, safe, table
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode
from orchestrator.store.views.registry import CrewRow, crew


@group("workers", short_help="List workers, and ask one to finish.")
def command() -> None:
    """Who works on this database, on whichever host, and asking one of them to finish."""


@command.command("list")
@SANDBOX
def list_workers() -> ExitCode:
    """Every worker of the last seven days: state, attempts, submissions of the last minute. With --json one
    object a line.

    Running; key_refused (the provider refuses its key), no_credit (its account cannot pay), storage (its
    output folder takes no files) or list_unreadable (it cannot read the provider's list): it submits nothing,
    the others go on; draining (finishing what it has); stopped; or lost: silent for longer than its lease, so
    others take over its work. Times are by the database's clock.
    """
    with opened(use=Use.LOOK) as app, app.database.read() as tx:
        rows, now = crew(tx), tx.now
    if out.as_json():
        for row in rows:
            out.line(_document(row, now))
    elif not rows:
        out.answer("No worker has been here yet. Start one with: orchestrator work")
    else:
        header = ["worker", "pid", "version", "state", "for", "seen", "attempts", "submits/min"]
        out.answer(table(header, [_row(row, now) for row in rows], right=frozenset({1, 7})))
        for row in rows:
            if row.stopped_by:
                out.answer(f"stopped  worker {safe(row.id)}: {safe(row.stopped_by)}")
    return ExitCode.DONE


@command.command("drain")
@click.argument("worker_id", metavar="ID")
@why_option
@SANDBOX
def drain(worker_id: str, why: str | None) -> ExitCode:
    """Ask worker ID to finish what it has and to leave with exit code 0, wherever it runs.

    From this moment it claims nothing more. It is to it as Ctrl-C once; what is in flight is collected.
    """
    with opened() as app, app.database.write() as tx:
        changed = drain_worker(tx, worker_id, signature_of("workers drain", why))
    if out.as_json():
        out.document({"worker": worker_id, "changed": changed})
    else:
        told = "finishes what it has, then leaves" if changed else "is finishing already, or has left"
        out.answer(f"Worker {safe(worker_id)} {told}.")
    out.next_steps([("orchestrator workers list", "shows how far it is")])
    return ExitCode.DONE


def _document(row: CrewRow, now: int) -> dict[str, Any]:
    return {
        "id": row.id,
        "host": row.host,
        "pid": row.pid,
        "version": row.version,
        "state": row.state,
        "since": rfc3339(row.since),
        "last_seen": rfc3339(row.seen_at),
        "seconds_since_seen": round(max(0, now - row.seen_at) / 1000, 3),
        "attempts": row.attempts,
        "submits_last_minute": row.submits,
        "stopped_by": row.stopped_by,
    }


def _row(row: CrewRow, now: int) -> list[str]:
    held = ", ".join(f"{number:,} {state}" for state, number in row.attempts.items())
    since, seen = (duration(max(0, now - at) / 1000) for at in (row.since, row.seen_at))
    name = safe(row.id, 60)  # it begins with the host
    return [name, str(row.pid), safe(row.version), row.state, since, f"{seen} ago", held, f"{row.submits:,}"]
