"""`orchestrator budget move`: from the cap of one run to that of another."""

import click

from orchestrator.actions.operator.moving_money import move_money
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.words import safe, usd
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.core.money import MoneyError, format_usd, parse_usd


@declare("move", short_help="Move money from one run's cap to another's.")
@click.argument("amount", metavar="USD")
@click.option("--from", "source", required=True, metavar="RUN", help="Whose cap gets smaller.")
@click.option("--to", "target", required=True, metavar="RUN", help="Whose cap gets larger.")
@why_option
@SANDBOX
def move(amount: str, source: str, target: str, why: str | None) -> ExitCode:
    """Move USD from the cap of one run to that of another run of its campaign, both at once or not at all.
    RUN is a manifest's name, a run key or campaign/name/run.

    What is spent or held under a cap stays under it. The sum of both caps is what it was.
    """
    try:
        micros = parse_usd(amount.removeprefix("$"))
    except MoneyError as error:
        raise UsageError(f"{error}.") from None
    signed = signature_of("budget move", why)
    with opened() as app, app.database.write() as tx:
        moved = move_money(tx, micros, source=_run(source), target=_run(target), signed=signed)
    sides = ((moved.source, moved.source_micros), (moved.target, moved.target_micros))
    if out.as_json():
        out.document({"caps": [{"run": run, "cap_usd": format_usd(cap)} for run, cap in sides]})
        return ExitCode.DONE
    for run, cap in sides:
        out.answer(f"The cap of run {safe(run)} is {usd(cap)} now.")
    out.next_steps([("orchestrator budget show", "shows every cap")])
    return ExitCode.DONE


def _run(text: str) -> str:
    """The run, also where it is written as `budget set` has it."""
    return text.removeprefix("run:")
