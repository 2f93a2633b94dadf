"""`orchestrator resume`: the end of `orchestrator pause`."""

from orchestrator.actions.operator.pausing import resume_account
from orchestrator.cli import out
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.words import safe
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode
from orchestrator.store.account import pauses


@declare("resume", short_help="Go on after `pause`.")
@why_option
def command(why: str | None) -> ExitCode:
    """End what `orchestrator pause` began. Other stops stay, such as a refused key or a paused campaign."""
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
