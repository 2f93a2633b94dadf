"""`orchestrator jobs prioritise`, `hold` and `release`: the order of waiting jobs, while workers run."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from orchestrator.actions.operator import order
from orchestrator.actions.operator.order import Ordered
from orchestrator.cli import out
from orchestrator.cli.base import ROW_ID, SANDBOX
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.invocation import Step, next_fields
from orchestrator.cli.rendering.words import count
from orchestrator.cli.selecting import filters, ids_or_filter
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode

F = TypeVar("F", bound=Callable[..., Any])

LEFT_SHOWN: Final = 20
_LEFT: Final = {
    "succeeded": "is over",
    "failed": "is over",
    "cancelled": "is cancelled",
    "running": "is being made",
    "pending": "is not held",
    "held": "is held already",
    "apart": "is made by a worker of its own, ahead of all others",
    "unknown_task": "waits for `orchestrator reconcile`",
}


def _options(function: F) -> F:
    decorators: tuple[Callable[[F], F], ...] = (
        click.argument("ids", nargs=-1, type=ROW_ID, metavar="[ID]..."),
        filters,
        click.option("--dry-run", is_flag=True, help="Say how many; change nothing."),
        why_option,
        SANDBOX,
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


@declare("prioritise", short_help="Make waiting jobs next.")
@_options
def prioritise(ids: tuple[int, ...], **words: Any) -> ExitCode:
    """Put waiting jobs ahead of all others of equal priority in their campaign, by ID or by filter.

    It holds from the next claim of any worker. What was put ahead last comes first; the others keep their
    turns. `runs prioritise` puts a run ahead of other campaigns. Spends nothing by itself.
    """
    done = _done(order.prioritise_jobs, "prioritise", ids=ids, words=words)
    said = f"Put {count(len(done.changed), 'job')} ahead"
    if not out.as_json():
        for run in done.behind[:LEFT_SHOWN]:
            out.note(f"Runs of a higher priority still come before {run}: orchestrator runs prioritise {run}")
    return _tell(done, said, f"put {count(done.matched, 'job')} ahead", words=words, steps=_MAKE)


@declare("hold", short_help="Let no worker take waiting jobs.")
@_options
def hold(ids: tuple[int, ...], **words: Any) -> ExitCode:
    """Let no worker take waiting jobs until they are released, by ID or by filter.

    A job that a worker has taken and not begun to send is held too; one that may have been sent is made. Held
    jobs keep their turns, and can be cancelled.
    """
    done = _done(order.hold_jobs, "hold", ids=ids, words=words)
    steps = [("orchestrator jobs release --reason held", "lets all that are held run")]
    return _tell(
        done,
        f"Held {count(len(done.changed), 'job')}",
        f"hold {count(done.matched, 'job')}",
        words=words,
        steps=steps,
    )


@declare("release", short_help="Let held jobs run.")
@_options
def release(ids: tuple[int, ...], **words: Any) -> ExitCode:
    """Let held jobs run, by ID or by filter. Spends nothing until a worker runs."""
    done = _done(order.release_jobs, "release", ids=ids, words=words)
    return _tell(
        done,
        f"Released {count(len(done.changed), 'job')}",
        f"release {count(done.matched, 'job')}",
        words=words,
        steps=_MAKE,
    )


_MAKE: Final[list[Step]] = [("orchestrator work --drain", "makes them, where no worker runs")]


def _done(
    action: Callable[..., Ordered], verb: str, *, ids: tuple[int, ...], words: dict[str, Any]
) -> Ordered:
    wanted = ids_or_filter(words, ids, command=f"jobs {verb}", example="--run KEY --tag client=acme")
    with opened() as app:
        signed = signature_of(f"jobs {verb}", words["why"])
        return action(app.database, wanted, signed, dry_run=words["dry_run"])


def _tell(done: Ordered, said: str, would: str, *, words: dict[str, Any], steps: list[Step]) -> ExitCode:
    steps = steps if done.changed else []
    if out.as_json():
        out.document(
            {
                "dry_run": words["dry_run"],
                "matched": done.matched,
                "changed": len(done.changed),
                "left": [{"id": job_id, "why": word} for job_id, word in done.left.items()],
                "behind_runs": done.behind,
                **next_fields(steps),
            }
        )
        return ExitCode.DONE
    if words["dry_run"]:
        out.answer(f"Would {would}. Nothing was changed.")
        return ExitCode.DONE
    lines = [f"\n  job {job_id} {_LEFT.get(word, word)}" for job_id, word in done.left.items()]
    more = f"\n  and {count(len(lines) - LEFT_SHOWN, 'more job')} (see --json)"
    out.answer(f"{said}.{''.join(lines[:LEFT_SHOWN])}{more if len(lines) > LEFT_SHOWN else ''}")
    out.next_steps(steps)
    return ExitCode.DONE
