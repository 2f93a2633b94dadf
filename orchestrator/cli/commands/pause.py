"""`orchestrator pause`: the whole account stops spending."""

import click

from orchestrator.actions.operator.pausing import pause_account
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.signature import WHY_HELP, signature_of
from orchestrator.core.errors import ExitCode


@declare("pause", short_help="Stop spending everywhere, until `resume`.")
@click.option("--why", "--because", metavar="TEXT", help=WHY_HELP)
@SANDBOX
def command(why: str | None) -> ExitCode:
    """Submit nothing more, on any worker of this database. What the provider has accepted is still collected.

    When this command returns, no request leaves whose intent was not recorded before. One campaign alone is
    paused by `orchestrator campaigns pause`.
    """
    with opened() as app, app.database.write() as tx:
        changed = pause_account(tx, signature_of("pause", why))
    if out.as_json():
        out.document({"changed": changed})
    else:
        out.answer(
            "Paused: nothing more is submitted; what is in flight is collected."
            if changed
            else "It was paused already; the reason was updated."
        )
    out.next_steps([("orchestrator resume", "lets it go on")])
    return ExitCode.DONE
