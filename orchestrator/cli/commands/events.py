"""`orchestrator events`: what happened, and what was decided by whom."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

import click

from orchestrator.actions.setup.open_database import Use
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import ROW_ID, SANDBOX
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.jobs import happening_text
from orchestrator.core.errors import DatabaseError, ExitCode, UsageError
from orchestrator.core.moments import MomentError, parse_since
from orchestrator.store.views.happened.happening_names import (
    named_campaign,
    named_job,
    named_kinds,
    named_runs,
)
from orchestrator.store.views.happened.happenings import (
    Follower,
    Happening,
    HappeningFilter,
    happenings,
    newest,
)

SHOWN = 100
FOLLOW_SECONDS = 1.0


@declare("events", short_help="What happened, and what was decided by whom.")
@click.option("--since", metavar="WHEN", help="Only later ones: 2h, 7d, 2026-11-28 or 2026-11-28T09:00:00Z.")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only of this kind; may repeat.")
@click.option("--campaign", metavar="NAME", help="Only about this campaign, its runs and its jobs.")
@click.option("--run", metavar="KEY", help="Only about this run key, manifest name or campaign/name/key.")
@click.option("--job", type=ROW_ID, metavar="ID", help="Only about this job.")
@click.option("--acts", is_flag=True, help="Only what somebody decided.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help=f"The newest N (a table: {SHOWN}).")
@click.option("--follow", is_flag=True, help="Go on with what is recorded from now on, until Ctrl-C.")
@SANDBOX
def command(*, limit: int | None, follow: bool, **words: Any) -> ExitCode:
    """Recorded events and the acts of operators, oldest first: pauses, caps and their thresholds, lost
    workers; and what was decided, by whom, where, by which command, and why.

    With --json one object a line, all of them. An event that says the same as an act is left out. The kinds
    of events are listed in docs/operations.md; the kind of an act is its command, such as "budget set".
    """
    with opened(use=Use.LOOK) as app:
        wanted = _wanted(app, words)
        following = Follower(app.database.read, wanted)
        most = limit or (None if out.as_json() or wanted.since is not None else SHOWN)
        read = app.database.read
        shown = _show(
            following.seen(happenings(read, wanted) if most is None else newest(read, wanted, most))
        )
        if shown == most == SHOWN and limit is None:
            out.note(f"\nThe newest {SHOWN}; --limit N, --since WHEN or --json show more")
        if follow:
            asyncio.run(_follow(app, following))
        elif not shown and not out.as_json():
            out.answer("Nothing that matches is recorded.")
    return ExitCode.DONE


async def _follow(app: App, following: Follower) -> None:
    """Show what is recorded from now on; a database that is away for a while is asked again."""
    while True:
        try:
            _show(following.news())
        except DatabaseError as error:
            if not error.transient:
                raise
        await app.clock.sleep(FOLLOW_SECONDS)


def _show(items: Iterable[Happening]) -> int:
    """Show them as they come; returns how many there were."""
    number = 0

    def counted() -> Iterator[Happening]:
        nonlocal number
        for item in items:
            number += 1
            yield item

    if out.as_json():
        for item in counted():
            out.line(happening_text.document(item))
    else:
        for line in happening_text.lines(counted()):
            out.answer(line)
    return number


def _wanted(app: App, words: dict[str, Any]) -> HappeningFilter:
    with app.database.read() as tx:
        since = words["since"]
        try:
            moment = None if since is None else parse_since(since, tx.now, app.settings.budgets.timezone)
        except MomentError as error:
            raise UsageError(f"--since: {error}") from None
        return HappeningFilter(
            since=moment,
            kinds=named_kinds(tx, words["kinds"]),
            acts_only=words["acts"],
            campaign_ids=None if words["campaign"] is None else named_campaign(tx, words["campaign"]),
            run_ids=None if words["run"] is None else named_runs(tx, words["run"]),
            job_id=None if words["job"] is None else named_job(tx, words["job"]),
        )
