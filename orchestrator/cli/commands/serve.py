"""`orchestrator serve`: receive the provider's webhooks."""

import asyncio
from functools import partial

from orchestrator.actions.setup.open_database import Use
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.core.errors import DatabaseError, ExitCode, UsageError
from orchestrator.settings import webhook_secrets
from orchestrator.settings.urls import split_listen
from orchestrator.web import Receiver, make_site, run_blocking


@declare("serve", short_help="Receive the provider's webhooks.")
def command() -> ExitCode:
    """Listen at webhook.listen for the provider's webhooks, at the path of webhook.url, and answer at
    /health.

    What arrives is verified and recorded; workers act on it. Put a proxy in front that ends TLS and passes
    the path on as it is. Ctrl-C ends it.
    """
    with opened(use=Use.MAKE) as app:
        webhook = app.settings.webhook
        if webhook.url is None:
            raise UsageError("There is nothing to serve: webhook.url is not set. See docs/operations.md.")
        secrets = webhook_secrets(app.settings, app.env)
        if not secrets:
            raise UsageError(
                f"There is no webhook secret. Set {webhook.secret_env} to what the provider answers to "
                "GET /api/v3/webhook/secret, or name a file in webhook.secret_file."
            )
        database = app.database
        receiver = Receiver(app.writer(), app.clock, secrets, in_place=lambda: database.in_place)
        host, port = split_listen(webhook.listen)
        site = partial(make_site, receiver, webhook.url, partial(_is_well, app))
        run_blocking(site, host=host, port=int(port), ready=partial(_announce, webhook.url))
    return ExitCode.DONE


async def _is_well(app: App) -> bool:
    """Whether the database can be read, and is the one that was opened."""

    def look() -> bool:
        app.database.require_in_place()
        with app.database.read() as tx:
            return tx.now > 0

    try:
        return await asyncio.to_thread(look)
    except DatabaseError:
        return False


def _announce(public: str, url: str) -> None:
    if out.as_json():
        out.document({"url": url, "webhook": public})
    else:
        out.answer(f"Listening at {url} for webhooks to {public}. Ctrl-C ends it.")
