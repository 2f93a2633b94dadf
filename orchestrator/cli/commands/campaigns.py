"""`orchestrator campaigns`: list, pause, resume, weigh, close."""

import shlex

import click

from orchestrator.actions.operator import pausing
from orchestrator.actions.operator.closing import close_campaign, reopen_campaign
from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX, group
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.documents import campaign_document
from orchestrator.cli.rendering.words import count, safe, table, usd
from orchestrator.cli.signature import WHY_HELP, signature_of, why_option
from orchestrator.core.errors import ExitCode, NotFoundError
from orchestrator.store.db.database import Tx
from orchestrator.store.runs.campaigns import refuse_closed
from orchestrator.store.views.happened.happening_names import nothing
from orchestrator.store.views.runs import owners
from orchestrator.store.views.runs.owners import CampaignRow, campaign_names


@group("campaigns", short_help="List, pause, resume, weigh and close campaigns.")
def command() -> None:
    """List, pause, resume, weigh and close campaigns: the named owners of spend."""


@command.command("list")
@SANDBOX
def list_campaigns() -> ExitCode:
    """Every campaign with its jobs and money. With --json one object a line."""
    with opened(use=Use.LOOK) as app, app.database.read() as tx:
        rows = owners.campaigns(tx)
    if out.as_json():
        for item in rows:
            out.line(campaign_document(item))
    elif not rows:
        out.answer("No campaigns yet. They begin with the first: orchestrator apply MANIFEST")
    else:
        header = ["campaign", "weight", "runs", "waiting", "running", "done", "failed", "spent", "held", ""]
        out.answer(table(header, [_row(item) for item in rows], right=frozenset(range(1, 9))))
    return ExitCode.DONE


@command.command("pause")
@click.argument("name")
@click.option("--why", "--because", metavar="TEXT", help=WHY_HELP)
@SANDBOX
def pause(name: str, why: str | None) -> ExitCode:
    """Submit nothing more of campaign NAME. What the provider has accepted is still collected."""
    with opened() as app, app.database.write() as tx:
        _known(tx, name)
        changed = pausing.pause_campaign(tx, name, signature_of("campaigns pause", why))
    _tell(name, changed=changed, done="paused", already="was paused already; the reason was updated")
    out.next_steps([(f"orchestrator campaigns resume {name}", "lets it go on")])
    return ExitCode.DONE


@command.command("resume")
@click.argument("name")
@why_option
@SANDBOX
def resume(name: str, why: str | None) -> ExitCode:
    """Let campaign NAME go on."""
    with opened() as app, app.database.write() as tx:
        _known(tx, name)
        refuse_closed(tx, [name])
        changed = pausing.resume_campaign(tx, name, signature_of("campaigns resume", why))
    _tell(name, changed=changed, done="resumed", already="was not paused")
    return ExitCode.DONE


@command.command("close")
@click.argument("name")
@why_option
@SANDBOX
def close(name: str, why: str | None) -> ExitCode:
    """Buy nothing more for campaign NAME: what waits is cancelled, what the provider has accepted is
    collected, and no manifest is applied to it until it is opened again.
    """
    with opened() as app:
        with app.database.read() as tx:
            _known(tx, name)
        answer = close_campaign(app.database, name, signature_of("campaigns close", why))
    if out.as_json():
        out.document(
            {
                "campaign": name,
                "changed": answer.changed,
                "cancelled": answer.cancelled,
                "after_attempt": answer.after_attempt,
            }
        )
    else:
        running = (
            f"; {count(answer.after_attempt, 'job')} under way is collected" if answer.after_attempt else ""
        )
        done = f"closed: {count(answer.cancelled, 'waiting job')} cancelled{running}"
        out.answer(f"Campaign {safe(name)} {done if answer.changed else 'was closed already'}.")
    out.next_steps([(f"orchestrator campaigns reopen {shlex.quote(name)}", "takes jobs for it again")])
    return ExitCode.DONE


@command.command("reopen")
@click.argument("name")
@why_option
@SANDBOX
def reopen(name: str, why: str | None) -> ExitCode:
    """Take jobs for a closed campaign NAME again. What was cancelled when it was closed stays so."""
    with opened() as app, app.database.write() as tx:
        _known(tx, name)
        changed = reopen_campaign(tx, name, signature_of("campaigns reopen", why))
    _tell(name, changed=changed, done="is open again", already="was not closed")
    if changed:
        again = f"orchestrator jobs retry --state cancelled --campaign {shlex.quote(name)} --dry-run"
        out.next_steps([(again, "says what the cancelled jobs would cost")])
    return ExitCode.DONE


@command.command("weight")
@click.argument("name")
@click.argument("weight", type=int)
@why_option
@SANDBOX
def weigh(name: str, weight: int, why: str | None) -> ExitCode:
    """Give campaign NAME so many turns for each turn of a campaign of weight 1. Campaigns begin with weight
    1.

    Weights count among campaigns of equal priority that have work at the same time. It holds from the next
    claim on.
    """
    with opened() as app, app.database.write() as tx:
        _known(tx, name)
        changed = pausing.weigh_campaign(
            tx=tx, name=name, weight=weight, signed=signature_of("campaigns weight", why)
        )
    _tell(name, changed=changed, done=f"has weight {weight}", already=f"had weight {weight} already")
    return ExitCode.DONE


def _tell(name: str, *, changed: bool, done: str, already: str) -> None:
    if out.as_json():
        out.document({"campaign": name, "changed": changed})
    else:
        out.answer(f"Campaign {safe(name)} {done if changed else already}.")


def _known(tx: Tx, name: str) -> None:
    names = campaign_names(tx)
    if name not in names:
        raise NotFoundError(nothing("campaign", name, names))


def _row(item: CampaignRow) -> list[str]:
    states = [f"{item.jobs[state]:,}" for state in ("pending", "running", "succeeded", "failed")]
    paused = f"paused: {safe(item.paused, 40)}" if item.paused else ""
    paused = "closed" if item.closed_at is not None else paused
    return [
        safe(item.name, 40),
        str(item.weight),
        str(item.runs),
        *states,
        usd(item.spent_micros),
        usd(item.held_micros),
        paused,
    ]
