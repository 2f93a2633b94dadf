"""`orchestrator ledger`: every movement of money, for a spreadsheet or another program."""

from dataclasses import asdict
from typing import Any

import click

from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX, group
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.words import count, usd
from orchestrator.cli.selecting import need_period
from orchestrator.core import spreadsheet
from orchestrator.core.errors import ExitCode, OperatorNeededError
from orchestrator.core.moments import iso_time
from orchestrator.core.money import format_usd
from orchestrator.core.spreadsheet import Amount
from orchestrator.store.views.happened.happening_names import named_campaign, named_runs
from orchestrator.store.views.money.ledger_lines import (
    LedgerFilter,
    LedgerLine,
    LedgerSums,
    movements,
    standing,
    sums,
)

COLUMNS = (
    "id",
    "at",
    "day",
    "kind",
    "campaign",
    "manifest",
    "run",
    "job",
    "attempt",
    "prediction_id",
    "held_usd",
    "spent_usd",
    "refund_due_usd",
    "note",
)


@group("ledger", short_help="Every movement of money, as a table.")
def command() -> None:
    """The ledger: every movement of money, which is only ever added to."""


@command.command("export")
@click.option(
    "--period", metavar="YYYY-MM[-DD]", help="Only what counts in this month or on this day of the caps."
)
@click.option("--campaign", metavar="NAME", help="Only of this campaign.")
@click.option("--run", metavar="KEY", help="Only of this run key, manifest name or campaign/name/key.")
@SANDBOX
def export(*, period: str | None, campaign: str | None, run: str | None) -> ExitCode:
    """Write the movements as CSV to stdout, oldest first; with --json one object a line. Times are UTC, days
    those of the caps, amounts in US dollars with six digits.

    Compares the sum of an account's movements with the balance that caps are held against, and exits with 5
    when they differ.
    """
    if period is not None:
        need_period(period)
    with opened(use=Use.LOOK) as app, app.database.read() as tx:
        wanted = LedgerFilter(
            period=period or "",
            campaign_ids=None if campaign is None else named_campaign(tx, campaign),
            run_ids=None if run is None else named_runs(tx, run),
        )
        total = sums(tx, wanted)
        stands = standing(tx, wanted.period) if campaign is None and run is None else None
        if not out.as_json():
            click.echo(spreadsheet.MARK + spreadsheet.row(COLUMNS), nl=False)
        for each in movements(tx, wanted):
            out.line(_document(each)) if out.as_json() else click.echo(_line(each), nl=False)
    out.note(_said(total))
    if stands is not None and (stands.held, stands.spent, stands.refund_due) != (
        total.held,
        total.spent,
        total.refund_due,
    ):
        raise OperatorNeededError(
            f"The balance says {_amounts(stands)}; the movements come to {_amounts(total)}. See: "
            "orchestrator budget audit"
        )
    return ExitCode.DONE


def _line(each: LedgerLine) -> str:
    told = (each.id, iso_time(each.at), each.day, each.kind, each.campaign, each.name, each.run)
    whose = (each.job_id or "", each.attempt_id or "", each.prediction_id or "")
    amounts = (Amount(each.held), Amount(each.spent), Amount(each.refund_due))
    return spreadsheet.row([*told, *whose, *amounts, each.note])


def _document(each: LedgerLine) -> dict[str, Any]:
    said = asdict(each)
    renamed = {"name": "manifest", "job_id": "job", "attempt_id": "attempt"}
    found = {renamed.get(name, name): value for name, value in said.items()}
    for name in ("held", "spent", "refund_due"):
        found[f"{name}_usd"] = format_usd(found.pop(name))
    return found | {"at": iso_time(each.at)}


def _said(total: LedgerSums) -> str:
    return f"{count(total.movements, 'movement')}: {_amounts(total)}"


def _amounts(total: LedgerSums) -> str:
    return f"spent {usd(total.spent)}, held {usd(total.held)}, refunds due {usd(total.refund_due)}"
