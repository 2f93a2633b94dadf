"""`orchestrator report month` and `report close`: what a month cost, in two views that are never mixed."""

import click

from orchestrator.actions.reconciling.close_month import ClosingAnswer, close_month
from orchestrator.actions.reconciling.month_rows import dimension_of
from orchestrator.actions.reconciling.month_statement import MonthStatement, month_statement
from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.money import month_documents, month_text
from orchestrator.cli.rendering.words import safe
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.core.month import NoMonthError, parse_month

BOOKED, BILLED = "booked", "billed"


@declare("month", short_help="What a month cost: booked, billed, and the bridge between.")
@click.argument("month", metavar="YYYY-MM")
@click.option(
    "--by",
    default="campaign",
    show_default=True,
    metavar="WORDS",
    help="campaign, run, model, resolution, tag:NAME, axis:NAME; several with commas.",
)
@click.option("--csv", "as_csv", is_flag=True, help="One view as CSV on stdout, amounts with six digits.")
@click.option(
    "--view",
    type=click.Choice([BOOKED, BILLED]),
    help="Only this view: what caps saw, or what the provider billed (CSV: booked, where nothing is said).",
)
@SANDBOX
def month(month: str, by: str, view: str | None, *, as_csv: bool) -> ExitCode:
    """What a month cost, by the day on which a job was admitted in the caps' time zone (booked) and by the
    day of the provider's bill in UTC (billed), with a bridge from one to the other.

    A job's cost stands whole on one line. Exits with 1 where the lines are not the ledger to the last
    micro-dollar, and with 5 where a month that is over does not lead from one balance to the next.
    """
    names = [word.strip() for word in by.split(",") if word.strip()]
    for name in names:
        dimension_of(name)
    if not names:
        raise UsageError("--by is empty: name what to tell apart, such as --by campaign,tag:client")
    wanted = _month(month)
    with opened(use=Use.LOOK) as app, app.database.read() as tx:
        found = month_statement(tx, wanted, app.settings.budgets.timezone, by=names)
    if out.as_json():
        out.document(month_documents.statement_document(found))
    elif as_csv:
        lines = month_documents.billed_csv(found) if view == BILLED else month_documents.booked_csv(found)
        for line in lines:
            click.echo(line, nl=False)
    else:
        out.answer(month_text.text(found, view))
    return _code(found)


@declare("close", short_help="Freeze a month: what comes later stands in a later statement.")
@click.argument("month", metavar="YYYY-MM")
@why_option
@SANDBOX
def close(month: str, why: str | None) -> ExitCode:
    """Freeze a month that is over: the ledger's lines up to now are kept under a digest.

    What still moves of its jobs (a refund, a correction) stands as prior period in the statement of the month
    in which it comes. A month that is closed stays closed; closing it again checks that nothing was changed.
    """
    wanted = _month(month)
    signed = signature_of("report close", why)
    with opened() as app:
        zone = app.settings.budgets.timezone
        answer = close_month(app.database, wanted, zone, signed=signed)
    if out.as_json():
        out.document(month_documents.closing_document(answer))
    else:
        out.answer(month_text.closing_text(answer))
    _next(answer)
    return ExitCode.UNEXPECTED if answer.wrong else ExitCode.DONE


def _next(answer: ClosingAnswer) -> None:
    steps = [(f"orchestrator report month {answer.statement.month}", "shows its statement")]
    if answer.wrong:
        steps = [("orchestrator budget audit", "finds which sums differ")]
    out.next_steps(steps)


def _month(text: str) -> str:
    try:
        return parse_month(text)
    except NoMonthError as error:
        raise UsageError(f"{safe(str(error))}.") from None


def _code(found: MonthStatement) -> ExitCode:
    if found.wrong:
        return ExitCode.UNEXPECTED
    unexplained = found.equation.unexplained if found.equation else 0
    return ExitCode.OPERATOR if found.is_over and unexplained else ExitCode.DONE
