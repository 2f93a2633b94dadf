"""`orchestrator jobs`: list, show, retry, cancel, adopt; their order is in `job_order`."""

import asyncio
import shlex
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from orchestrator.actions.setup.open_database import Use
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import NO_REHEARSAL, ROW_ID, SANDBOX, group
from orchestrator.cli.commands import job_order
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.documents import detail_document, job_document
from orchestrator.cli.rendering.jobs.job_text import detail_text, jobs_table, left_text
from orchestrator.cli.rendering.words import count, safe, usd
from orchestrator.cli.selecting import ending, filters, need_some, wanted_jobs
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.core.moments import MomentError, parse_since
from orchestrator.store.views.jobs import jobs
from orchestrator.store.views.jobs.job_names import require_named
from orchestrator.store.views.jobs.walk import count_up_to

if TYPE_CHECKING:  # a listing need not load what changes or explains jobs
    from orchestrator.actions.operator.change_jobs import Changed
    from orchestrator.store.account.acts import Signature

TABLE_ROWS = 50
COUNTED_MAX = 10_000  # counting a million would take longer than listing some


@group("jobs", short_help="List, show, order, retry and cancel jobs.")
def command() -> None:
    """List, show, retry and cancel jobs; put some ahead, hold and release them."""


@command.command("list")
@filters
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help=f"At most N (a table: {TABLE_ROWS}).")
@click.option("--since", metavar="WHEN", help="Only jobs that ended since then: 2h, 7d, 2026-11-28.")
@click.option("--until", metavar="WHEN", help="And before then.")
@SANDBOX
def list_jobs(limit: int | None, since: str | None, until: str | None, **words: Any) -> ExitCode:
    """List jobs, oldest first. With --json one object a line, every job. A job that is not over counts as of
    when it was recorded.
    """
    from orchestrator.actions.operator.explain import WaitReasons

    wanted = wanted_jobs(words)
    with opened(use=Use.LOOK) as app:
        with app.database.read() as tx:
            zone = app.settings.budgets.timezone
            wanted = replace(wanted, since=_moment(since, tx.now, zone), until=_moment(until, tx.now, zone))
            if wanted.since is not None and wanted.until is not None and wanted.since >= wanted.until:
                raise UsageError(
                    f"--since {since} is not before --until {until}: no moment lies between. Say the earlier "
                    f"one first: orchestrator jobs list --since {shlex.quote(str(until))} --until "
                    f"{shlex.quote(str(since))}"
                )
            require_named(tx, wanted)
        after, left = 0, limit or (None if out.as_json() else TABLE_ROWS)
        rows: list[jobs.JobRow] = []
        waiting = WaitReasons(app.settings.budgets.timezone)
        while left is None or left > 0:
            with app.database.read() as tx:
                page = jobs.list_jobs(tx, wanted, after_id=after, limit=min(left or 500, 500))
                whys = [waiting.of(tx, job) for job in page] if out.as_json() else [None] * len(page)
            for job, why in zip(page, whys, strict=True):
                out.line(job_document(job, why)) if out.as_json() else rows.append(job)
            if not page:
                break
            after = page[-1].id
            left = None if left is None else left - len(page)
        if out.as_json():
            return ExitCode.DONE
        with app.database.read() as tx:
            total = count_up_to(tx, wanted, COUNTED_MAX)
    if not rows:
        out.answer("No jobs match.")
        return ExitCode.DONE
    out.answer(jobs_table(rows, out.columns()))
    if total > len(rows):
        many = f"{total:,}" if total <= COUNTED_MAX else f"more than {COUNTED_MAX:,}"
        out.note(f"{len(rows):,} of {many} jobs; --limit N or --json show more")
    out.next_steps([(f"orchestrator jobs show {rows[0].id}", "shows the whole story of one job")])
    return ExitCode.DONE


def _moment(text: str | None, now: int, timezone: str) -> int | None:
    try:
        return None if text is None else parse_since(text, now, timezone)
    except MomentError as error:
        raise UsageError(f"{error}.") from None


@command.command("show")
@click.argument("job_id", type=ROW_ID, metavar="ID")
@SANDBOX
def show(job_id: int) -> ExitCode:
    """The timeline of one job: every attempt, its times and money, and why it is not running now."""
    from orchestrator.actions.operator.explain import why
    from orchestrator.store.views.jobs.detail import job_detail

    with opened(use=Use.LOOK) as app:
        with app.database.read() as tx:
            detail = job_detail(tx, job_id, app.settings.budgets.timezone)
        if out.as_json():
            out.document(detail_document(detail, why(detail)))
        else:
            out.answer(detail_text(detail, why(detail), app.output_root))
    return ExitCode.DONE


@command.command("retry")
@click.argument("ids", nargs=-1, type=ROW_ID, metavar="[ID]...")
@filters
@click.option("--dry-run", is_flag=True, help="Say how many and what they cost; change nothing.")
@why_option
@SANDBOX
def retry(ids: tuple[int, ...], *, dry_run: bool, why: str | None, **words: Any) -> ExitCode:
    """Queue failed or cancelled jobs again, by ID or by filter. Spends nothing until a worker runs.

    A job that is named by its ID and cannot be queued is said with the reason, the others are done, and the
    exit code is 2.
    """
    from orchestrator.actions.operator.change_jobs import retry_jobs

    wanted = wanted_jobs(words, ids)
    need_some(wanted, "jobs retry", "--state failed")
    with opened() as app:
        changed = retry_jobs(app.database, wanted, signature_of("jobs retry", why), dry_run=dry_run)
    if out.as_json():
        out.document(_changed_document(changed, dry_run=dry_run))
        return ending(changed.refused)
    cost = f"one attempt at each costs {usd(changed.cost_micros)} together"
    if dry_run:
        left = left_text(changed.left, "retry")
        out.answer(f"Would queue {count(changed.matched, 'job')} again; {cost}. Nothing was changed.{left}")
        return ending(changed.refused)
    out.answer(f"Queued {count(len(changed.moved), 'job')} again; {cost}.{left_text(changed.left, 'retry')}")
    if changed.moved:
        out.next_steps([("orchestrator work --drain", "submits them")])
    return ending(changed.refused)


@command.command("cancel")
@click.argument("ids", nargs=-1, type=ROW_ID, metavar="[ID]...")
@filters
@click.option("--dry-run", is_flag=True, help="Say how many; change nothing.")
@why_option
@SANDBOX
def cancel(ids: tuple[int, ...], *, dry_run: bool, why: str | None, **words: Any) -> ExitCode:
    """Take waiting jobs out of the queue, by ID or by filter.

    A task that the provider has accepted cannot be called back: such a job keeps its pictures, and is
    cancelled only if its attempt ends without them. A job that is named by its ID and is over is said, the
    others are done, and the exit code is 2.
    """
    from orchestrator.actions.operator.change_jobs import cancel_jobs

    wanted = wanted_jobs(words, ids)
    need_some(wanted, "jobs cancel", "--state pending --campaign NAME")
    with opened() as app:
        changed = cancel_jobs(app.database, wanted, signature_of("jobs cancel", why), dry_run=dry_run)
    if out.as_json():
        out.document(_changed_document(changed, dry_run=dry_run))
    elif dry_run:
        left = left_text(changed.left, "cancel")
        out.answer(f"Would cancel {count(changed.matched, 'job')}. Nothing was changed.{left}")
    else:
        later = (
            f", {len(changed.after_attempt):,} more when their attempt has ended"
            if changed.after_attempt
            else ""
        )
        out.answer(f"Cancelled {count(len(changed.moved), 'job')}{later}.{left_text(changed.left, 'cancel')}")
    return ending(changed.refused)


@command.command("adopt")
@click.argument("job_id", type=ROW_ID, metavar="JOB")
@click.argument("prediction_id", metavar="TASK")
@why_option
@NO_REHEARSAL
def adopt(job_id: int, prediction_id: str, why: str | None) -> ExitCode:
    """Give the waiting JOB a TASK of the provider that another copy of this database bought for it. Buys
    nothing.

    A worker collects its pictures. Its price counts as held, then as spent. `orchestrator reconcile` lists
    such tasks.
    """
    with opened() as app:
        asyncio.run(_adopt(app, job_id, prediction_id, signed=signature_of("jobs adopt", why)))
    if out.as_json():
        out.document({"job": job_id, "adopted": prediction_id})
    else:
        out.answer(f"Job {job_id} has task {safe(prediction_id)} now; a worker collects its pictures.")
    out.next_steps([("orchestrator reconcile", "takes in the rest")])
    return ExitCode.DONE


async def _adopt(app: App, job_id: int, prediction_id: str, *, signed: "Signature") -> None:
    from orchestrator.actions.operator.assign_task import assign_task

    async with aclosing(app.provider()) as provider:
        await assign_task(
            database=app.database,
            provider=provider,
            entropy=app.entropy,
            signed=signed,
            job_id=job_id,
            prediction_id=prediction_id,
            timezone=app.settings.budgets.timezone,
        )


for each in (job_order.prioritise, job_order.hold, job_order.release):
    command.add_command(each)


def _changed_document(changed: "Changed", *, dry_run: bool) -> dict[str, Any]:
    from orchestrator.core.money import format_usd

    return {
        "dry_run": dry_run,
        "matched": changed.matched,
        "cost_usd": format_usd(changed.cost_micros),
        "changed": len(changed.moved),
        "after_attempt": len(changed.after_attempt),
        "left": [{"id": job_id, "state": state.value} for job_id, state in changed.left.items()],
    }
