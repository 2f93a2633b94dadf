"""`orchestrator in-doubt`: attempts whose paid outcome is unknown."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial

import click

from orchestrator.actions.operator import resolve_doubt
from orchestrator.actions.setup.open_database import Use
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import ROW_ID, SANDBOX, group
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.jobs.doubts_text import doubt_words, looked_for_until, people_needed
from orchestrator.cli.rendering.jobs.in_doubt_documents import in_doubt_document, overdue_document
from orchestrator.cli.rendering.jobs.overdue_text import overdue_text
from orchestrator.cli.rendering.words import count, rfc3339, safe, table, usd
from orchestrator.cli.selecting import ending
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode, NotFoundError, UsageError
from orchestrator.store.account.acts import Signature
from orchestrator.store.doubts import doubts, possible_tasks
from orchestrator.store.doubts.possible_tasks import PossibleTask
from orchestrator.store.views import trouble
from orchestrator.store.views.trouble import InDoubtRow, OverdueRow

SHOWN_MAX = 20
ATTEMPTS_SHOWN_MAX = 8


@group("in-doubt", short_help="Attempts whose paid outcome is unknown.")
def command() -> None:
    """Attempts whose reply was lost: the provider may have accepted them, so they are never sent again by
    themselves.
    """


@command.command("list")
@SANDBOX
def list_in_doubt() -> ExitCode:
    """Every attempt in doubt, oldest first, then every overdue task. With --json one object a line.

    Exits with 5 when a person has to decide any of them; the others are looked for by the workers.
    """
    with opened(use=Use.LOOK) as app, app.database.read() as tx:
        rows, now, settings = trouble.in_doubt(tx), tx.now, app.settings
        late = trouble.overdue(tx)
        possible = possible_tasks.possible(tx)
        prompts = {row.attempt_id: str(row.params.get("prompt", "")) for row in doubts.in_doubt(tx)}
    if out.as_json():
        for item in rows:
            mine = [row for row in possible if row.attempt_id == item.attempt_id]
            until = None if item.needs_person else looked_for_until(settings, item.doubted_at or now)
            out.line(
                {
                    **in_doubt_document(item),
                    "looked_for_until": rfc3339(until),
                    "candidates": [_candidate(row) for row in mine],
                }
            )
        for waiting in late:
            out.line(overdue_document(waiting))
    else:
        if rows:
            standing = [doubt_words(row, settings, now) for row in rows]
            _tell(rows, possible, prompts=prompts, standing=standing)
        _tell_overdue(late)
        if not rows and not late:
            out.answer("Nothing is in doubt.")
    return ExitCode.OPERATOR if people_needed(rows) or late else ExitCode.DONE


def _tell_overdue(late: list[OverdueRow]) -> None:
    """The tasks that a person should ask the provider about."""
    if not late:
        return
    out.answer("\n".join(overdue_text(late)))
    out.next_steps(
        [
            ("orchestrator work --drain", "looks at each of them once more, and collects what has ended"),
            (
                f"orchestrator in-doubt resolve {late[0].attempt_id} --write-off",
                "gives it up; a later `jobs retry` looks at this task before it buys another",
            ),
        ]
    )


def _tell(
    rows: Sequence[InDoubtRow],
    possible: list[PossibleTask],
    *,
    prompts: Mapping[int, str],
    standing: Sequence[str],
) -> None:
    """A table of the doubts, what they may have created, and what to do where a person is needed."""
    header = ["job", "run", "attempt", "sent", "held", "asked for", "what happened", "now"]
    lines = [
        [
            str(item.job_id),
            safe(f"{item.campaign}/{item.name}/{item.run}", 36),
            str(item.attempt_id),
            rfc3339(item.submitted_at) or "",
            usd(item.price_micros),
            safe(prompts.get(item.attempt_id, ""), 48),
            safe(item.message or "", 48),
            standing_of,
        ]
        for item, standing_of in zip(rows, standing, strict=True)
    ]
    out.answer(table(header, lines, right=frozenset({0, 2, 4})))
    held = usd(sum(item.price_micros for item in rows))
    out.note(
        f"\n{count(len(rows), 'attempt')} in doubt, {held} held. They count against the caps until resolved."
    )
    _tell_candidates(possible)
    first = next(iter(people_needed(rows)), rows[0])
    steps = [(f"orchestrator jobs show {first.job_id}", "shows the whole story of one job")]
    if first.needs_person:
        decide = f"orchestrator in-doubt resolve {first.attempt_id} --adopt TASK"
        steps.append((decide, "(or --absent, --write-off)"))
    out.next_steps(steps)


def _tell_candidates(possible: list[PossibleTask]) -> None:
    """Each possible task once, with its pictures and the attempts it may belong to."""
    by_task: dict[str, list[PossibleTask]] = {}
    for row in possible:
        by_task.setdefault(row.prediction_id, []).append(row)
    for task, rows in list(by_task.items())[:SHOWN_MAX]:
        pictures = "".join(f"\n      {safe(url)}" for url in rows[0].outputs)
        attempts = ", ".join(str(row.attempt_id) for row in rows[:ATTEMPTS_SHOWN_MAX])
        more = ", ..." if len(rows) > ATTEMPTS_SHOWN_MAX else ""
        out.note(
            f"  task {safe(task)} ({safe(rows[0].status)}, created {rfc3339(rows[0].created_at)}) "
            f"may be attempt {attempts}{more}{pictures}"
        )
    if len(by_task) > SHOWN_MAX:
        out.note(f"  ... and {len(by_task) - SHOWN_MAX} more tasks; all of them with --json")


@command.command("resolve")
@click.argument("attempt_ids", type=ROW_ID, metavar="ATTEMPT...", nargs=-1, required=True)
@click.option(
    "--adopt", "prediction_id", metavar="TASK", help="The request created this task of the provider's."
)
@click.option("--absent", is_flag=True, help="The request created nothing; the job may be sent again.")
@click.option(
    "--write-off",
    "written_off",
    is_flag=True,
    help="Give it up, also an overdue one; its money counts as spent.",
)
@why_option
@SANDBOX
def resolve(
    attempt_ids: tuple[int, ...],
    prediction_id: str | None,
    absent: bool,
    written_off: bool,
    why: str | None,
) -> ExitCode:
    """Decide what became of each ATTEMPT, when the evidence could not: exactly one of the three.

    Several attempts are decided one by one: what cannot be decided for one holds up no other. --adopt takes
    one.
    """
    if sum((prediction_id is not None, absent, written_off)) != 1:
        raise UsageError("Say exactly one of --adopt TASK, --absent and --write-off.")
    ids = list(dict.fromkeys(attempt_ids))
    if prediction_id is not None and len(ids) > 1:
        raise UsageError("--adopt TASK is for one attempt: a task was created by one request.")
    signed = signature_of("in-doubt resolve", why)
    with opened() as app:
        if prediction_id is not None:
            decide = partial(_adopt, app, prediction_id, signed)
            told = f"adopted task {prediction_id}; a worker collects its pictures"
        elif absent:
            decide = partial(resolve_doubt.absent, app.database, signed)
            told = "taken as never created; its job is sent again by the next worker"
        else:
            decide = partial(resolve_doubt.write_off, app.database, signed)
            told = "written off; its money counts as spent"
        with app.database.read() as tx:
            fitting = {row.prediction_id for row in possible_tasks.possible(tx) if row.attempt_id in ids}
        refused = _decide_each(ids, decide, told)
    if not out.as_json():
        if len(ids) > 1:
            undecided = f"; {len(refused)} left as they are" if refused else ""
            out.answer(f"{count(len(ids) - len(refused), 'attempt')} decided{undecided}.")
        if fitting and absent and len(refused) < len(ids):
            shown = ", ".join(safe(name) for name in sorted(fitting)[:ATTEMPTS_SHOWN_MAX])
            out.note(
                f"Possible were: {shown}. If one of them is the job's after all, give it back before a "
                "worker sends the job again: orchestrator jobs adopt JOB TASK"
            )
        out.next_steps([("orchestrator work --drain", "goes on")])
    return ending(bool(refused))


def _decide_each(ids: list[int], decide: Callable[[int], None], told: str) -> list[int]:
    """Decide each attempt in a transaction of its own and report it; a single one's error is the command's
    error.
    """
    refused: list[int] = []
    for attempt_id in ids:
        try:
            decide(attempt_id)
        except (UsageError, NotFoundError) as error:
            if len(ids) == 1:
                raise
            refused.append(attempt_id)
            if out.as_json():
                out.line({"attempt": attempt_id, "refused": str(error)})
            else:
                out.answer(f"Attempt {attempt_id} was not decided: {error}")
            continue
        if out.as_json():
            out.line({"attempt": attempt_id, "resolved": told})
        else:
            out.answer(f"Attempt {attempt_id}: {told}.")
    return refused


def _adopt(app: App, prediction_id: str, signed: Signature, attempt_id: int) -> None:
    async def look_up_and_adopt() -> None:
        async with aclosing(app.provider()) as provider:
            await resolve_doubt.resolve_as(
                app.database, provider, signed, attempt_id=attempt_id, prediction_id=prediction_id
            )

    asyncio.run(look_up_and_adopt())


def _candidate(row: PossibleTask) -> dict[str, object]:
    return {
        "prediction_id": row.prediction_id,
        "status": row.status,
        "created_at": rfc3339(row.created_at),
        "outputs": list(row.outputs),
    }
