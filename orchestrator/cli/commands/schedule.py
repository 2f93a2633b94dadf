"""`orchestrator schedule`: what is made by itself, night after night."""

from pathlib import Path
from typing import Final

import click

from orchestrator.actions.operator import scheduling
from orchestrator.actions.planning.walking.manifests import load_manifests
from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import MANIFESTS, SANDBOX, group
from orchestrator.cli.commands.schedule_ticks import DECIDING, LIST, NAME, WORK
from orchestrator.cli.context import opened
from orchestrator.cli.invocation import Step, next_fields
from orchestrator.cli.rendering.schedule_text import (
    history_table,
    schedule_document,
    schedule_lines,
    schedule_table,
    tick_document,
    upcoming,
)
from orchestrator.cli.rendering.words import safe
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.manifest import Manifest
from orchestrator.store.account import workers
from orchestrator.store.account.acts import Signature
from orchestrator.store.db.database import Tx
from orchestrator.store.schedules import schedules
from orchestrator.store.schedules.schedules import Put, Schedule
from orchestrator.store.schedules.ticks import newest
from orchestrator.store.views.runs.schedules import schedule_rows

HISTORY_SHOWN: Final = 20


@group("schedule", short_help="What is made by itself: add, list, pause, run now, backfill.")
def command() -> None:
    """Manifests that are made by themselves, tick by tick, as their `schedule:` says.

    A standing `orchestrator work` fires what is due. NAME is campaign/name, or the name alone.
    """


for deciding in DECIDING:
    command.add_command(deciding)


@command.command("add")
@MANIFESTS
@why_option
@SANDBOX
def add(manifests: tuple[Path, ...], why: str | None) -> ExitCode:
    """Let the `schedule:` of MANIFESTs count from now on. Spends nothing by itself.

    Again after an edit: ticks that have fired stay as they were. The manifest and its tables are read anew
    for each tick.
    """
    signed = signature_of("schedule add", why)
    with opened(use=Use.MAKE) as app:
        loaded = load_manifests(manifests, app.settings, app.clock.now_ms())
        _refuse_unscheduled(loaded)
        for manifest in loaded:
            manifest.check()
        with app.database.write() as tx:
            puts = [_put(tx, manifest, signed) for manifest in loaded]
            now, attended = tx.now, workers.any_alive(tx)
    steps = [LIST] if attended else [WORK, LIST]
    if out.as_json():
        document = [{**_put_document(put), "upcoming": upcoming(put.schedule, now, 3)} for put in puts]
        out.document({"schedules": document, **next_fields(steps)})
        return ExitCode.DONE
    for put in puts:
        out.answer(_put_text(put, now))
    if not attended:
        out.warn("no worker runs now: nothing fires until one does")
    out.next_steps(steps)
    return ExitCode.DONE


@command.command("remove")
@NAME
@why_option
@SANDBOX
def remove(name: str, why: str | None) -> ExitCode:
    """Let schedule NAME fire no more. What has begun goes on; its ticks, runs and pictures stay."""
    with opened() as app, app.database.write() as tx:
        schedule = schedules.find(tx, name)
        scheduling.remove_schedule(tx, schedule, signature_of("schedule remove", why))
    _changed(schedule, "is removed", changed=True)
    return ExitCode.DONE


@command.command("list")
@SANDBOX
def list_schedules() -> ExitCode:
    """Every schedule with its next and its last tick, and what waits. With --json one object a line."""
    with opened(use=Use.LOOK) as app, app.database.read() as tx:
        rows, now = schedule_rows(tx), tx.now
    if out.as_json():
        for row in rows:
            out.line(schedule_document(row, now))
    elif not rows:
        out.answer(
            "No schedules yet. A manifest with `schedule:` becomes one: orchestrator schedule add MANIFEST"
        )
    else:
        out.answer(schedule_table(rows, now))
    return ExitCode.DONE


@command.command("show")
@NAME
@SANDBOX
def show(name: str) -> ExitCode:
    """One schedule: when it fires, how its last tick ended, what waits."""
    with opened(use=Use.LOOK) as app, app.database.read() as tx:
        (row,) = schedule_rows(tx, [schedules.find(tx, name)])
        now = tx.now
    steps: list[Step] = [(f"orchestrator schedule history {row.schedule.name}", "shows its ticks")]
    if row.waiting:
        steps.insert(0, (f"orchestrator schedule approve {row.schedule.name}", "lets what waits go on"))
    if out.as_json():
        out.document({**schedule_document(row, now), **next_fields(steps)})
        return ExitCode.DONE
    out.answer("\n".join(schedule_lines(row, now)))
    out.next_steps(steps)
    return ExitCode.DONE


@command.command("history")
@NAME
@click.option("--limit", type=click.IntRange(min=1), default=HISTORY_SHOWN, help="The newest N.")
@SANDBOX
def history(name: str, limit: int) -> ExitCode:
    """The ticks of schedule NAME, newest first. With --json one object a line, with whole messages."""
    with opened(use=Use.LOOK) as app, app.database.read() as tx:
        found = newest(tx, schedules.find(tx, name).id, limit)
    if out.as_json():
        for tick in found:
            out.line(tick_document(tick))
    else:
        out.answer(history_table(found) if found else "No tick has fired yet.")
    return ExitCode.DONE


@command.command("pause")
@NAME
@why_option
@SANDBOX
def pause(name: str, why: str | None) -> ExitCode:
    """Fire nothing more of schedule NAME. What has begun goes on."""
    with opened() as app, app.database.write() as tx:
        schedule = schedules.find(tx, name)
        changed = scheduling.pause_schedule(tx, schedule, signature_of("schedule pause", why))
    _changed(schedule, "is paused" if changed else "was paused already", changed=changed)
    return ExitCode.DONE


@command.command("resume")
@NAME
@why_option
@SANDBOX
def resume(name: str, why: str | None) -> ExitCode:
    """Fire schedule NAME again, from its next tick on; what the pause left out is not made."""
    with opened() as app, app.database.write() as tx:
        schedule = schedules.find(tx, name)
        changed = scheduling.resume_schedule(tx, schedule, signature_of("schedule resume", why))
    _changed(schedule, "fires again" if changed else "was not paused", changed=changed)
    return ExitCode.DONE


def _put(tx: Tx, manifest: Manifest, signed: Signature) -> Put:
    assert manifest.schedule is not None
    return scheduling.add_schedule(
        tx,
        f"{manifest.spec.campaign}/{manifest.spec.name}",
        manifest.schedule,
        manifest_path=manifest.spec.manifest_path,
        signed=signed,
    )


def _refuse_unscheduled(loaded: list[Manifest]) -> None:
    without = [str(manifest.path) for manifest in loaded if manifest.schedule is None]
    if without:
        raise UsageError(
            f"{', '.join(without)}: there is no schedule: in it. Add one, such as: schedule: "
            '{cron: "30 2 * * *", timezone: Europe/Vienna}. Nothing was changed.'
        )


def _put_text(put: Put, now: int) -> str:
    words = put.schedule.words
    what = "is new" if put.before is None else "is changed" if put.changed else "is as it was"
    coming = ", ".join(upcoming(put.schedule, now, 3))
    paused = "  It is paused." if put.schedule.paused_at is not None else ""
    moved = (
        f"  Its manifest was {safe(put.before.manifest_path)}."
        if put.before and put.before.manifest_path != put.schedule.manifest_path
        else ""
    )
    return (
        f"Schedule {safe(put.schedule.name)} {what}: {words.cron} in {words.timezone}.{paused}{moved}\n"
        f"  next  {coming}"
    )


def _put_document(put: Put) -> dict[str, object]:
    words = put.schedule.words
    return {
        "schedule": put.schedule.name,
        "manifest": put.schedule.manifest_path,
        "cron": words.cron,
        "timezone": words.timezone,
        "revision": put.schedule.revision,
        "new": put.before is None,
        "changed": put.changed,
    }


def _changed(schedule: Schedule, what: str, *, changed: bool) -> None:
    if out.as_json():
        out.document({"schedule": schedule.name, "changed": changed, **next_fields([LIST])})
        return
    out.answer(f"Schedule {safe(schedule.name)} {what}.")
    out.next_steps([LIST])
