"""`orchestrator review`: look at the pictures in the browser, judge and redo them."""

import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import click
from aiohttp import web

from orchestrator.actions.choosing.verdict_file import check_file, read_file, record_file
from orchestrator.actions.setup.open_database import Use
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.asking import pricing
from orchestrator.cli.base import SANDBOX, group
from orchestrator.cli.context import opened
from orchestrator.cli.moving import move, tell_moved
from orchestrator.cli.rendering.jobs.verdict_text import given_document, given_text
from orchestrator.cli.rendering.words import count, safe
from orchestrator.cli.selecting import ending
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.web.review.access import Access
from orchestrator.web.review.site import make_review
from orchestrator.web.server import run_blocking, serve

LOOPBACK = "127.0.0.1"
FILE_BYTES_MAX = 32 * 1024 * 1024


@group("review", short_help="Accept, reject and redo pictures, in the browser.", invoke_without_command=True)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Listen there; 0 takes a free one.")
@click.option("--open", "open_it", is_flag=True, help="Open the browser.")
@SANDBOX
@click.pass_context
def command(ctx: click.Context, port: int, *, open_it: bool) -> ExitCode | None:
    """Serve the pictures to browsers on this machine, by product, and take verdicts and wishes for other
    tries. Spends nothing: `run` and `work` make what was asked for.

    Prints a link that works once; the page makes further ones. Live while a run goes on. Ctrl-C ends it.
    """
    if ctx.invoked_subcommand is not None:
        return None
    with opened(use=Use.CHANGE) as app:
        access = Access(app.entropy, signature_of("review", None))
        run_review(app, access, port=port, open_it=open_it)
    return ExitCode.DONE


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--skip", is_flag=True, help="Leave out the entries that are off, and take the others.")
@why_option
@SANDBOX
def take(file: Path, *, skip: bool, why: str | None) -> ExitCode:
    """Record the verdicts that were given in a report, from the FILE that its page has saved.

    Everything is checked first: without --skip, one entry that is off keeps all of them from being taken.
    """
    said = read_file(_text(file))
    with opened(use=Use.CHANGE) as app:
        checked = check_file(app.database, said)
        for problem in checked.problems:
            out.warn(safe(problem))
        if checked.problems and not skip:
            raise UsageError(
                f"{count(len(checked.problems), 'problem')}; nothing was changed. --skip takes the "
                f"{count(len(checked.jobs), 'verdict')} that can be taken."
            )
        signed = signature_of("review import", why)
        given = record_file(app.database, checked, signed)
        moved = move(app, [item.job_id for item in given.changed])
    if out.as_json():
        out.document(given_document(given))
    else:
        out.answer("\n".join(given_text(given, signed, "import")))
        tell_moved(moved)
    return ending(bool(given.refused))


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise UsageError(f"{file} is too large to be a file of verdicts. Nothing was changed.")
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}. Nothing was changed.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no file of verdicts: it is no UTF-8. Nothing was changed.") from None


def run_review(app: App, access: Access, *, port: int, open_it: bool = False) -> None:
    """Serve the review until it is told to stop."""
    site = partial(review_site, app, access)
    ready = partial(_announce, access, open_it=open_it)
    run_blocking(site, host=LOOPBACK, port=port, ready=ready, connection_seconds=None)


@asynccontextmanager
async def served_review(app: App, access: Access, port: int, links: list[str]) -> AsyncIterator[None]:
    """The review beside another server, in the running loop; its link is added to `links`."""
    async with serve(review_site(app, access), LOOPBACK, port, connection_seconds=None) as url:
        links.append(url + access.link())
        yield


def review_site(app: App, access: Access) -> web.Application:
    """The application on this program's database and pictures."""
    return make_review(
        app.database,
        app.output_root,
        access,
        pricing=lambda: pricing(app),
        timezone=app.settings.budgets.timezone,
        move=partial(move, app),
    )


def _announce(access: Access, url: str, *, open_it: bool) -> None:
    link = url + access.link()
    if out.as_json():
        out.document({"url": url, "link": link})
    else:
        out.answer(f"Open  {link}\nThe link works once. Ctrl-C ends it.")
    if open_it:
        webbrowser.open(link)
