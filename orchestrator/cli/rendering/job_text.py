"""One job in words: a row of the list, or its whole timeline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from orchestrator.cli.rendering.happening_text import history_line
from orchestrator.cli.rendering.words import count, duration, rfc3339, safe, table, usd
from orchestrator.core.states import JobState, ReservationState
from orchestrator.core.verdicts import STARS_MAX

if TYPE_CHECKING:  # a listing need not load what shows one job
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.store.views.detail import AttemptDetail, JobDetail
    from orchestrator.store.views.jobs import JobRow

PROMPT_COLUMNS = 44
LEFT_SHOWN = 20

_MONEY = {
    ReservationState.HELD: "held",
    ReservationState.SETTLED: "paid",
    ReservationState.RELEASED: "not owed",
    ReservationState.REFUND_DUE: "charged, refund due",
}


def header() -> list[str]:
    """The columns of `row`."""
    return ["id", "run", "state", "reason", "cost", "prompt"]


def row(job: JobRow) -> list[str]:
    """One job in one line."""
    run = safe(f"{job.campaign}/{job.name}/{job.run}", 36)
    return [
        str(job.id),
        run,
        job.state,
        job.reason or job.attention or "",
        usd(job.cost_micros),
        prompt(job, PROMPT_COLUMNS),
    ]


def left_text(left: Mapping[int, JobState], verb: str) -> str:
    """A line for each job that was named and stays as it is, and why."""
    lines = [f"\n  job {job_id} {_why_left(job_id, state, verb)}" for job_id, state in left.items()]
    more = f"\n  and {count(len(lines) - LEFT_SHOWN, 'more job')} (see --json)"
    return "".join(lines[:LEFT_SHOWN]) + (more if len(lines) > LEFT_SHOWN else "")


def _why_left(job_id: int, state: JobState, verb: str) -> str:
    match state:
        case JobState.SUCCEEDED if verb == "retry":
            return f"has its picture: `orchestrator redo {job_id}` asks for another"
        case JobState.SUCCEEDED | JobState.FAILED:
            return "is over"
        case JobState.CANCELLED:
            return "is cancelled already"
        case JobState.PENDING:
            return "waits already"
        case JobState.RUNNING:
            return "is being made"


def prompt(job: JobRow, limit: int | None = None) -> str:
    """The job's prompt, made harmless for a terminal."""
    return safe(str(job.params.get("prompt", "")), limit)


def _list(job: JobRow) -> str:
    """The list price, where another one counts."""
    if job.list_micros is None or job.price_micros == job.list_micros:
        return ""
    return f" (list {usd(job.list_micros)})"


def detail_text(detail: JobDetail, why: str, output_root: Path) -> str:
    """Everything about one job, the answer to "why" first."""
    job = detail.job
    facts = [
        ("run", safe(f"{job.campaign}/{job.name}/{job.run}")),
        ("model", detail.model),
        (
            "price",
            (
                f"{usd(job.price_micros)} for {count(job.images, 'picture')}{_list(job)}; spent so far "
                f"{usd(job.cost_micros)}"
            ),
        ),
        ("tries", f"{job.attempts} made, {job.tries_left} left"),
        ("variation", str(job.variation)),
        *(_choosing(job)),
        ("key", job.key),
        *((name, safe(_value(value), 300)) for name, value in job.params.items()),
        *((f"tag {name}", safe(value)) for name, value in job.tags.items()),
    ]
    blocks = [f"Job {job.id}: {job.state}. {safe(why)}", "", table(["", ""], facts).lstrip("\n")]
    for attempt in detail.attempts:
        blocks += ["", attempt_text(attempt)]
    if detail.history:
        blocks += ["", *(history_line(item) for item in detail.history)]
    if job.outputs:
        blocks += ["", "Pictures", *(f"  {line}" for line in outputs_text(job, output_root))]
    return "\n".join(blocks)


def _choosing(job: JobRow) -> list[tuple[str, str]]:
    """Whose try it is, and what was said of its pictures."""
    tried = [("redo of", f"job {job.redo_of}")] if job.redo_of is not None else []
    stars = f"{job.stars} of {STARS_MAX} stars" if job.stars else ""
    said = ", ".join(part for part in (job.verdict or "", stars) if part)
    note = f": {safe(job.note, 200)}" if job.note else ""
    return [*tried, *([("verdict", said + note)] if said or note else [])]


def _value(value: object) -> str:
    """A parameter as a manifest says it: words as they are, anything else as JSON."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def attempt_text(item: AttemptDetail) -> str:
    """One try: what happened when, how long each step took, and the money."""
    cost = item.cost_micros if item.cost_micros is not None else item.price_micros
    lines = [f"Attempt {item.number}: {item.state}, {usd(cost)} {_money(item)}"]
    if item.prediction_id:
        lines[0] += f", task {safe(item.prediction_id)}"
    before: int | None = None
    moments = {
        "claimed": item.leased_at,
        "sent": item.submitted_at,
        "accepted": item.accepted_at,
        "completed": item.completed_at,
        "ended": item.finished_at,
    }
    for name, at in moments.items():
        if at is not None:
            later = (
                f"  +{duration((at - before) / 1000)}"
                if before is not None
                else f"  by worker {safe(item.worker)}"
            )
            lines.append(f"  {rfc3339(at):<24}  {name:<9}{later}")
            before = at
    if item.inference_ms is not None:
        lines.append(f"  the provider reports {duration(item.inference_ms / 1000)} of work")
    if item.trouble:
        again = f", next try {rfc3339(item.next_try_at)}" if item.next_try_at is not None else ""
        lines.append(f"  trouble: {safe(item.trouble)} ({item.trouble_count} in a row{again})")
    if item.overdue_at is not None:
        lines.append(f"  {rfc3339(item.overdue_at):<24}  overdue: a person should ask the provider")
    if item.reason or item.message:
        code = f" (code {item.code})" if item.code is not None else ""
        lines.append(f"  {item.reason or 'note'}{code}: {safe(item.message or '')}")
    return "\n".join(lines)


def _money(item: AttemptDetail) -> str:
    """What became of the money; of a task that was accepted and failed, why it counts as free."""
    reservation = ReservationState(item.reservation)
    if reservation is not ReservationState.RELEASED or item.accepted_at is None:
        return _MONEY[reservation]
    if item.refunded_micros:
        return "paid back"
    return "counted as free: no refund was seen" if item.billed_micros != 0 else "never charged"


def outputs_text(job: JobRow, output_root: Path) -> list[str]:
    """Each planned picture: where it is, or what became of it."""
    lines = []
    for item in job.outputs:
        flagged = ", flagged" if item.nsfw else ""
        flagged += ", a copy" if item.is_copy else ""
        index = item.index if item.kept_from is None else f"{item.index} of attempt {item.kept_from}"
        if item.path is None:
            lines.append(f"{index}  {item.state}{flagged}: {safe(item.planned_path)}")
            if item.unproven is not None:
                lines.append(f"   what came is kept as {safe(str(output_root / item.unproven))}")
        else:
            lines.append(
                f"{index}  {safe(str(output_root / item.path))}  {item.width}x{item.height}{flagged}"
            )
    return lines
