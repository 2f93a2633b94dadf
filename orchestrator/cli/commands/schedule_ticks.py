"""`orchestrator schedule run-now`, `backfill`, `approve` and `refuse`: ticks that a person decides about."""

from collections.abc import Callable
from typing import Final, TypeVar

import click

from orchestrator.actions.operator import scheduling
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.invocation import Step, next_fields
from orchestrator.cli.rendering.schedule_text import tick_document
from orchestrator.cli.rendering.words import count
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode
from orchestrator.store.db.database import Tx
from orchestrator.store.schedules import schedules
from orchestrator.store.schedules.schedules import Schedule
from orchestrator.store.schedules.ticks import Tick

T = TypeVar("T")

WORK: Final[Step] = ("orchestrator work", "fires what is due and makes it; it spends")
LIST: Final[Step] = ("orchestrator schedule list", "shows when each fires")
NAME: Final = click.argument("name", metavar="NAME")


@declare("run-now")
@NAME
@why_option
@SANDBOX
def run_now(name: str, why: str | None) -> ExitCode:
    """Make a tick of schedule NAME now, beside its own. A running worker makes it, and spends.

    While an earlier tick of it is at work, this one waits. Asked for again before it has begun, it is the
    same tick; and ticks of one run key ({{ date }}) are one run, which pays once.
    """
    asked = _decide(name, lambda tx, one: scheduling.run_now(tx, one, signature_of("schedule run-now", why)))
    (tick,) = asked.begun or asked.left
    _ticks(
        [tick], f"{tick.words} {'is due now' if asked.begun else 'was asked for before, and is made once'}."
    )
    return ExitCode.DONE


@declare("backfill")
@NAME
@click.argument("first", metavar="FROM")
@click.argument("last", metavar="[TO]", required=False)
@why_option
@SANDBOX
def backfill(name: str, first: str, last: str | None, why: str | None) -> ExitCode:
    """Make the past ticks of schedule NAME from FROM to TO, dates or local times such as 2026-11-28T02:30.

    Oldest first, one at a time, with the {{ date }} and {{ tick }} of then, within today's caps. A tick that
    failed or was missed is made under its own name; one that is done is left alone. A running worker makes
    them, and spends.
    """
    signed = signature_of("schedule backfill", why)
    asked = _decide(name, lambda tx, one: scheduling.backfill(tx, one, first, last=last, signed=signed))
    made = [*asked.begun, *asked.again]
    left = f" {count(len(asked.left), 'tick')} left alone: done, or under way." if asked.left else ""
    _ticks(made, f"{count(len(made), 'tick')} due.{left}", left=asked.left)
    return ExitCode.DONE


@declare("approve")
@NAME
@why_option
@SANDBOX
def approve(name: str, why: str | None) -> ExitCode:
    """Let the ticks of schedule NAME go on that a guard holds. A running worker makes them, and spends."""
    signed = signature_of("schedule approve", why)
    found = _decide(name, lambda tx, one: scheduling.approve_ticks(tx, one, signed))
    _ticks(found, _waited(found, "go on"))
    return ExitCode.DONE


@declare("refuse")
@NAME
@why_option
@SANDBOX
def refuse(name: str, why: str | None) -> ExitCode:
    """Do not make the ticks of schedule NAME that a guard holds."""
    signed = signature_of("schedule refuse", why)
    found = _decide(name, lambda tx, one: scheduling.refuse_ticks(tx, one, signed))
    _ticks(found, _waited(found, "not made, as a person said"), steps=[LIST])
    return ExitCode.DONE


def _decide(name: str, act: Callable[[Tx, Schedule], T]) -> T:
    with opened() as app, app.database.write() as tx:
        return act(tx, schedules.find(tx, name))


def _waited(found: list[Tick], what: str) -> str:
    return f"{', '.join(tick.words for tick in found)}: {what}." if found else "Nothing of it waits."


def _ticks(
    found: list[Tick], text: str, *, left: list[Tick] | None = None, steps: list[Step] | None = None
) -> None:
    steps = steps or ([WORK, LIST] if found else [LIST])
    if out.as_json():
        more = {"left": [tick_document(tick) for tick in left]} if left is not None else {}
        out.document({"ticks": [tick_document(tick) for tick in found], **more, **next_fields(steps)})
        return
    out.answer(text)
    out.next_steps(steps)


DECIDING: Final = (run_now, backfill, approve, refuse)
