"""`orchestrator serve`: receive the provider's webhooks."""

import asyncio
from contextlib import nullcontext
from functools import partial

import click

from orchestrator.actions.setup.open_database import Use
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import command as declare
from orchestrator.cli.commands.review import run_review, served_review
from orchestrator.cli.context import opened
from orchestrator.cli.signature import signature_of
from orchestrator.core.errors import DatabaseError, ExitCode, UsageError
from orchestrator.settings import webhook_secrets
from orchestrator.settings.urls import split_listen
from orchestrator.web import Receiver, make_site, run_blocking
from orchestrator.web.review.access import Access


@declare("serve", short_help="Receive the provider's webhooks; with --review serve the pictures too.")
@click.option(
    "--review", is_flag=True, help="Serve the review too, on this machine alone, and print its link."
)
@click.option("--review-port", type=click.IntRange(0, 65535), default=0, help="Where; 0 takes a free port.")
def command(review_port: int, *, review: bool) -> ExitCode:
    """Listen at webhook.listen for the provider's webhooks, at the path of webhook.url, and answer at
    /health.

    What arrives is verified and recorded; workers act on it. Put a proxy in front that ends TLS and passes
    the path on as it is. With --review, what `orchestrator review` serves is served beside it, on a port of
    its own that no proxy should pass on. Ctrl-C ends it.
    """
    with opened(use=Use.MAKE) as app:
        webhook = app.settings.webhook
        access = Access(app.entropy, signature_of("review", None))
        if webhook.url is None and review:
            run_review(app, access, port=review_port)
            return ExitCode.DONE
        if webhook.url is None:
            raise UsageError(
                "There is nothing to serve: webhook.url is not set. See docs/operations.md. For the pictures "
                "alone: orchestrator review"
            )
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
        links: list[str] = []
        ready = partial(_announce, webhook.url, links)
        beside = partial(served_review, app, access, review_port, links=links) if review else nullcontext
        run_blocking(site, host=host, port=int(port), ready=ready, beside=beside)
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


def _announce(public: str, links: list[str], url: str) -> None:
    if out.as_json():
        out.document({"url": url, "webhook": public, **({"review": links[0]} if links else {})})
        return
    out.answer(f"Listening at {url} for webhooks to {public}. Ctrl-C ends it.")
    for link in links:
        out.answer(f"Open  {link}\nThe link works once.")
