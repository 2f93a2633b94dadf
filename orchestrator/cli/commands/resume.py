"""`orchestrator resume`: the end of `orchestrator pause`, and of a model's stop for its price."""

import click

from orchestrator.actions.operator.accept_price import accept_price
from orchestrator.actions.operator.pausing import resume_account
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.words import count, safe, unit_price
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode
from orchestrator.core.money import format_usd
from orchestrator.store.account import pauses


@declare("resume", short_help="Go on after `pause`, or accept a dearer price.")
@click.option(
    "--model", metavar="MODEL", help="Accept the present price of MODEL for all its jobs, and go on buying."
)
@why_option
@SANDBOX
def command(model: str | None, why: str | None) -> ExitCode:
    """End what `orchestrator pause` began. Other stops stay, such as a refused key or a paused campaign.

    With --model, accept the price of a model that has stopped because it became dearer than planned: what
    waits is counted at that price from now on, under the same caps.
    """
    if model is not None:
        return _accept(model, why)
    with opened() as app, app.database.write() as tx:
        changed = resume_account(tx, signature_of("resume", why))
        standing = [pause for pause in pauses.in_force(tx) if pause.scope == "account"]
    if out.as_json():
        out.document({"changed": changed, "still_stopped": [pause.reason for pause in standing]})
        return ExitCode.DONE
    out.answer("Resumed." if changed else "It was not paused.")
    for pause in standing:
        out.answer(f"Still stopped: {pause.reason}: {safe(pause.message)}")
    return ExitCode.DONE


def _accept(model: str, why: str | None) -> ExitCode:
    with opened() as app, app.database.write() as tx:
        done = accept_price(tx, model, signature_of("resume --model", why))
    if out.as_json():
        prices = [
            {"old_usd": format_usd(each.old_micros), "new_usd": format_usd(each.new_micros)}
            for each in done.prices
        ]
        out.document({"model": model, "changed": done.changed, "accepted": prices})
        return ExitCode.DONE
    for each in done.prices:
        out.answer(
            f"Accepted: a job of {safe(model)} at {unit_price(each.new_micros)} instead of "
            f"{unit_price(each.old_micros)} ({count(each.lanes, 'run')})."
        )
    if not done.prices:
        word = "goes on; its price is asked for again" if done.changed else "was not stopped for its price"
        out.answer(f"{safe(model)} {word}.")
    out.next_steps([("orchestrator work --drain", "goes on with what waits")])
    return ExitCode.DONE
