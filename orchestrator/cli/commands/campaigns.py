"""`orchestrator campaigns`: list, pause, resume, weigh."""

import click

from orchestrator.actions.operator import pausing
from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX, group
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.documents import campaign_document
from orchestrator.cli.rendering.words import safe, table, usd
from orchestrator.cli.signature import WHY_HELP, signature_of, why_option
from orchestrator.core.errors import ExitCode, NotFoundError
from orchestrator.store.db.database import Tx
from orchestrator.store.views import owners
from orchestrator.store.views.happening_names import nothing
from orchestrator.store.views.owners import CampaignRow, campaign_names


@group("campaigns", short_help="List, pause, resume and weigh campaigns.")
def command() -> None:
    """List, pause, resume and weigh campaigns: the named owners of spend."""


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
def resume(name: str, why: str | None) -> ExitCode:
    """Let campaign NAME go on."""
    with opened() as app, app.database.write() as tx:
        _known(tx, name)
        changed = pausing.resume_campaign(tx, name, signature_of("campaigns resume", why))
    _tell(name, changed=changed, done="resumed", already="was not paused")
    return ExitCode.DONE


@command.command("weight")
@click.argument("name")
@click.argument("weight", type=int)
@why_option
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
    return [
        safe(item.name, 40),
        str(item.weight),
        str(item.runs),
        *states,
        usd(item.spent_micros),
        usd(item.held_micros),
        paused,
    ]
