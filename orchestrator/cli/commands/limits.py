"""`orchestrator limits`: what all workers of the account share."""

from typing import Any

import click

from orchestrator.actions.operator.fleet_words import UNITS, FileWords
from orchestrator.actions.operator.set_limits import LEVEL, set_limits
from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX, group
from orchestrator.cli.context import opened
from orchestrator.cli.deciding import file_words
from orchestrator.cli.rendering.words import rfc3339, safe, table
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode
from orchestrator.store.account.configured_limits import LimitName
from orchestrator.store.views.fleet_limits import LimitRow, LimitsNow, limits_now

_WHOSE = {"default": "nobody's: a built-in value", "config": "a configuration", "operator": "a person"}


@group("limits", short_help="How much at once, for every worker: show, set.")
def command() -> None:
    """How many tasks run at once and how many requests leave a minute, over all workers of this database."""


@command.command("show")
@SANDBOX
def show() -> ExitCode:
    """Each limit: its value, whose word it is, since when, what this configuration says; and the rate now."""
    with opened(use=Use.LOOK) as app:
        words = file_words(app)
        with app.database.read() as tx:
            now = limits_now(tx)
    if out.as_json():
        out.document(_document(now, words))
        return ExitCode.DONE
    if not now.rows:
        out.answer("No limits are in force yet. They begin with the first `orchestrator run` or `work`.")
    else:
        header = ["limit", "value", "taken now", "whose word", "since", "by", "this configuration"]
        lines = [_row(row, now, words) for row in now.rows]
        out.answer(table(header, lines, right=frozenset({1, 2})))
    out.next_steps([("orchestrator limits set KEY VALUE", "changes one for every worker at once")])
    return ExitCode.DONE


@command.command("set")
@click.argument("key", type=click.Choice([*(name.value for name in LimitName), LEVEL]))
@click.argument("value")
@why_option
@SANDBOX
def set_limit(key: str, value: str, why: str | None) -> ExitCode:
    """Set a limit for every worker; a running fleet takes it with its next claim.

    KEY is concurrency (tasks at the provider at one time), submits_per_minute (paid requests a minute), or
    level, which sets both to what bronze, silver, gold or ultra allows. 'config' as the VALUE takes what this
    configuration says. What is set here stands over what files say, until one says something stricter than
    all before.
    """
    with opened(use=Use.MAKE) as app:
        signed = signature_of("limits set", why)
        changed = set_limits(app.database, key, value, limits=app.settings.limits, signed=signed)
        words = file_words(app)
        with app.database.read() as tx:
            now = limits_now(tx)
    if out.as_json():
        out.document({**_document(now, words), "changed": [name.value for name in changed]})
        return ExitCode.DONE
    values = " and ".join(f"{row.value:,} {UNITS[row.name]}" for row in now.rows)
    out.answer(f"{'In force now' if changed else 'It was so already'}: {values}.")
    out.next_steps([("orchestrator limits show", "shows whose word each is")])
    return ExitCode.DONE


def _row(row: LimitRow, now: LimitsNow, words: FileWords) -> list[str]:
    said = words.limits.named().get(row.name)
    by = f"{row.who} on {row.host}{f': {row.why}' if row.why else ''}" if row.who else ""
    return [
        row.name.value,
        f"{row.value:,}",
        f"{_taken(row, now):,}",
        _WHOSE[row.source],
        (rfc3339(row.since) or "") if row.since else "",
        safe(by, 48),
        "no opinion" if said is None else f"{said:,}",
    ]


def _taken(row: LimitRow, now: LimitsNow) -> int:
    if row.name is LimitName.CONCURRENCY:
        return now.running
    return now.rate.taken if now.rate else 0


def _document(now: LimitsNow, words: FileWords) -> dict[str, Any]:
    named = words.limits.named()
    return {
        "limits": [
            {
                "key": row.name.value,
                "value": row.value,
                "taken": _taken(row, now),
                "source": row.source,
                "since": rfc3339(row.since),
                "who": row.who,
                "host": row.host,
                "why": row.why,
                "configured": named.get(row.name),
            }
            for row in now.rows
        ]
    }
