"""`orchestrator review`: look at the pictures in the browser, judge and redo them."""

import webbrowser
from functools import partial

import click
from aiohttp import web

from orchestrator.actions.setup.open_database import Use
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.asking import pricing
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.signature import signature_of
from orchestrator.core.errors import ExitCode
from orchestrator.web.review.access import Access
from orchestrator.web.review.site import make_review
from orchestrator.web.server import run_blocking

LOOPBACK = "127.0.0.1"


@declare("review", short_help="Accept, reject and redo pictures, in the browser.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Listen there; 0 takes a free one.")
@click.option("--open", "open_it", is_flag=True, help="Open the browser.")
@click.option("--sandbox", is_flag=True, help="Show the pictures of `run --sandbox`.")
def command(port: int, *, open_it: bool, sandbox: bool) -> ExitCode:
    """Serve the pictures to browsers on this machine, by product, and take verdicts and wishes for other
    tries. Spends nothing: `run` and `work` make what was asked for.

    Prints a link that works once; the page makes further ones. Live while a run goes on. Ctrl-C ends it.
    """
    with opened(use=Use.CHANGE, sandbox=sandbox) as app:
        access = Access(app.entropy, signature_of("review", None))
        site = partial(review_site, app, access)
        ready = partial(_announce, access, open_it=open_it)
        run_blocking(site, host=LOOPBACK, port=port, ready=ready, connection_seconds=None)
    return ExitCode.DONE


def review_site(app: App, access: Access) -> web.Application:
    """The application on this program's database and pictures."""
    return make_review(
        app.database,
        app.output_root,
        access,
        pricing=lambda: pricing(app),
        timezone=app.settings.budgets.timezone,
    )


def _announce(access: Access, url: str, *, open_it: bool) -> None:
    link = url + access.link()
    if out.as_json():
        out.document({"url": url, "link": link})
    else:
        out.answer(f"Open  {link}\nThe link works once. Ctrl-C ends it.")
    if open_it:
        webbrowser.open(link)
