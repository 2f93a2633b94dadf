"""`orchestrator notify`: who is told what happens, and whether it reaches them."""

import asyncio
from contextlib import aclosing
from typing import Any

import click

from orchestrator.actions.setup.open_database import Use
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX, group
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.words import count, rfc3339, safe, table
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.core.notices import Notice, NoticeKind
from orchestrator.core.suggest import did_you_mean, listed
from orchestrator.ports import Letter
from orchestrator.store.notices import outbox
from orchestrator.store.notices.outbox import NoticeRow

LISTED_MAX = 50


@group("notify", short_help="Who is told what happens, and whether it reaches them.")
def command() -> None:
    """People who are told: a run has finished, a cap fills up, something waits for a person.

    They are named under `notify:` in config.yaml. Workers find what is to be told and deliver it; what cannot
    be delivered is tried again for a day.
    """


@command.command("test")
@click.argument("target", required=False)
def test(target: str | None) -> ExitCode:
    """Send one message to TARGET, or to everybody, now, and say who took it."""
    with opened(need_database=False) as app:
        names = _names(app, target)
        troubles = asyncio.run(_tell(app, names))
    if out.as_json():
        told = [{"target": name, "trouble": troubles[name]} for name in names]
        out.document({"told": told, "next_command": None, "spends": False})
    else:
        for name in names:
            out.answer(f"{name}: {safe(troubles[name] or 'told')}")
    return ExitCode.UNEXPECTED if any(troubles.values()) else ExitCode.DONE


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=LISTED_MAX, help="How many, newest first.")
@SANDBOX
def list_notices(limit: int) -> ExitCode:
    """What was told, what waits and what was given up, newest first. With --json one object a line."""
    with opened(use=Use.LOOK) as app, app.database.read() as tx:
        rows, now = outbox.newest(tx, limit), tx.now
    if out.as_json():
        for row in rows:
            out.line(_document(row))
    elif rows:
        cells = [[rfc3339(row.created_at) or "", row.target, _standing(row, now), row.title] for row in rows]
        safe_cells = [[safe(cell) for cell in line] for line in cells]
        out.answer(table(["at", "target", "state", "about"], safe_cells))
    else:
        out.answer("Nothing was told yet.")
    if any(row.state == "given_up" for row in rows):
        out.next_steps([("orchestrator notify retry", "tries again what was given up")])
    return ExitCode.DONE


@command.command("retry")
@click.argument("target", required=False)
@SANDBOX
def retry(target: str | None) -> ExitCode:
    """Try at once what waits or was given up, for TARGET or for everybody; a worker delivers it."""
    with opened() as app:
        names = _names(app, target)
        with app.database.write() as tx:
            number = sum(outbox.again(tx, name) for name in names)
    if out.as_json():
        out.document({"queued": number, "next_command": "orchestrator notify list", "spends": False})
    else:
        out.answer(f"{count(number, 'notice')} to be delivered by the next look of a worker.")
    return ExitCode.DONE


def _names(app: App, target: str | None) -> list[str]:
    known = sorted(app.settings.notify)
    if not known:
        raise UsageError(
            "Nobody is to be told: there is no `notify:` in config.yaml. docs/notifications.md shows how."
        )
    if target is None:
        return known
    if target not in known:
        words = [f"There is no target {target}.", did_you_mean(target, known).capitalize()]
        raise UsageError(" ".join(filter(None, [*words, f"There are: {listed(known)}."])))
    return [target]


async def _tell(app: App, names: list[str]) -> dict[str, str | None]:
    notice = Notice(
        subject="test",
        kind=NoticeKind.TEST,
        title="This is a test of orchestrator's notices",
        text="It costs nothing.",
    )
    letter = Letter(
        id=f"test-{app.entropy.token()[:12]}",
        title=notice.title,
        text=notice.text,
        document=notice.document(),
    )
    async with aclosing(app.notifier()) as notifier:
        return {name: await notifier.deliver(name, letter) for name in names}


def _standing(row: NoticeRow, now: int) -> str:
    if row.state == "waiting":
        due = row.next_try_at or now
        when = "now" if due <= now else f"at {rfc3339(due - due % 1000)}"
        return f"next try {when}" + (f": {row.trouble}" if row.trouble else "")
    return f"given up: {row.trouble}" if row.state == "given_up" else "told"


def _document(row: NoticeRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "target": row.target,
        "kind": row.kind,
        "title": row.title,
        "state": row.state,
        "created_at": rfc3339(row.created_at),
        "tries": row.tries,
        "next_try_at": rfc3339(row.next_try_at),
        "delivered_at": rfc3339(row.delivered_at),
        "trouble": row.trouble,
    }
