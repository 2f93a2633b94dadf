"""One job in words: a row of the list, or its whole timeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.rendering.jobs.happening_text import history_line
from orchestrator.cli.rendering.words import count, duration, rfc3339, safe, table, usd, width
from orchestrator.core.moments import iso_time
from orchestrator.core.states import JobState, ReservationState
from orchestrator.core.verdicts import STARS_MAX

if TYPE_CHECKING:  # a listing need not load what shows one job
    from collections.abc import Mapping, Sequence

    from orchestrator.store.views.jobs.detail import AttemptDetail, JobDetail
    from orchestrator.store.views.jobs.jobs import JobRow

LEFT_SHOWN = 20
COLUMNS_MIN = 80
DATED_COLUMNS_MIN = 110
VALUES_COLUMNS = 40
PATH_COLUMNS = 60
PROMPT_COLUMNS_MIN = 16

_MONEY = {
    ReservationState.HELD: "held",
    ReservationState.SETTLED: "paid",
    ReservationState.RELEASED: "not owed",
    ReservationState.REFUND_DUE: "charged, refund due",
}


def jobs_table(jobs: Sequence[JobRow], columns: int | None) -> str:
    """One line for each job: what tells it from the others first. The path and the prompt take the `columns`
    that the terminal has left; None: as many as they need.
    """
    dated = columns is None or columns >= DATED_COLUMNS_MIN
    judged = any(job.verdict for job in jobs)
    header = ["id", "run", "state", "reason", "cost"]
    header += [*(["when"] if dated else []), *(["verdict"] if judged else []), "values", "path", "prompt"]
    rows = [_row(job, dated=dated, judged=judged) for job in jobs]
    if columns is not None:
        room = max(columns, COLUMNS_MIN)
        first = len(header) - 3
        for place, most in ((first, VALUES_COLUMNS), (first + 1, PATH_COLUMNS), (first + 2, room)):
            taken = sum(max(width(line[at]) for line in [header, *rows]) + 2 for at in range(place))
            each = min(most, room - taken - 1)
            if place == len(header) - 1 and each < PROMPT_COLUMNS_MIN:
                header, rows = header[:-1], [row[:-1] for row in rows]
            else:
                rows = [[*row[:place], _kept(row[place], max(4, each)), *row[place + 1 :]] for row in rows]
    return table(header, rows, right=frozenset({0, 4}))


def _row(job: JobRow, *, dated: bool, judged: bool) -> list[str]:
    reason = job.reason or job.attention or ""
    return [
        str(job.id),
        safe(f"{job.campaign}/{job.name}/{job.run}", 36),
        job.state,
        "" if reason == job.state else reason,
        usd(job.cost_micros),
        *([_when(job)] if dated else []),
        *([job.verdict or ""] if judged else []),
        safe(", ".join(label for _axis, label in job.axes)),
        safe(next((item.path or item.planned_path for item in job.outputs), "")),
        safe(str(job.params.get("prompt", ""))),
    ]


def _when(job: JobRow) -> str:
    """When it ended, or was recorded where it is not over; in UTC, to the minute."""
    at = job.created_at if job.finished_at is None else job.finished_at
    return iso_time(at)[:16].replace("T", " ")


def left_text(left: Mapping[int, JobState], verb: str) -> str:
    """A line for each job that was named and stays as it is, and why."""
    lines = [f"\n  job {job_id} {_why_left(job_id, state, verb)}" for job_id, state in left.items()]
    more = f"\n  and {count(len(lines) - LEFT_SHOWN, 'more job')} (see --json)"
    return "".join(lines[:LEFT_SHOWN]) + (more if len(lines) > LEFT_SHOWN else "")


def _why_left(job_id: int, state: JobState, verb: str) -> str:
    match state:
        case JobState.SUCCEEDED if verb == "retry":
            return f"has its picture: `orchestrator redo {job_id}` asks for another"
        case JobState.REUSED if verb == "retry":
            return "has the picture of an earlier run: `run --regenerate all` makes it anew"
        case JobState.SUCCEEDED | JobState.FAILED | JobState.REUSED:
            return "is over"
        case JobState.CANCELLED:
            return "is cancelled already"
        case JobState.PENDING:
            return "waits already"
        case JobState.RUNNING:
            return "is being made"


def _kept(text: str, limit: int) -> str:
    """A text that is too long loses its middle: names begin alike and differ at both ends."""
    if len(text) <= limit:
        return text
    head = (limit - 2) // 2
    return f"{text[:head]}..{text[len(text) - (limit - 2 - head) :]}"


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
        root = Path(detail.places[0].root) if detail.places else output_root
        blocks += ["", f"Pictures{_elsewhere(detail, output_root)}"]
        blocks += [f"  {line}" for line in outputs_text(job, root)]
    if detail.checks:
        word = {True: "passes", False: "fails", None: "no answer"}
        lines = [f"  {word[each.passed]:<9}  {each.name}: {safe(each.reason)}" for each in detail.checks]
        blocks += ["", "Checks", *lines]
    return "\n".join(blocks)


def _choosing(job: JobRow) -> list[tuple[str, str]]:
    """Whose try it is, and what was said of its pictures."""
    tried = [("redo of", f"job {job.redo_of}")] if job.redo_of is not None else []
    tried += _made_of(job)
    tried += [("pictures of", f"job {job.reused_from}")] if job.reused_from is not None else []
    stars = f"{job.stars} of {STARS_MAX} stars" if job.stars else ""
    said = ", ".join(part for part in (job.verdict or "", stars) if part)
    note = f": {safe(job.note, 200)}" if job.note else ""
    return [*tried, *([("verdict", said + note)] if said or note else [])]


def _made_of(job: JobRow) -> list[tuple[str, str]]:
    """Which picture of which job it takes; where that lies once it has it."""
    if job.needs_job is None:
        return []
    of = f"picture {(job.needs_index or 0) + 1} of job {job.needs_job}"
    if job.taken_path is None:
        return [("made of", of)]
    return [("made of", f"{of}: {safe(job.taken_path)}")]


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


def _elsewhere(detail: JobDetail, output_root: Path) -> str:
    others = [place for place in detail.places if place.root != str(output_root)]
    return f", stored on {safe(others[0].host)} by a worker with another output root" if others else ""


def outputs_text(job: JobRow, output_root: Path) -> list[str]:
    """Each planned picture: where it is, or what became of it."""
    lines = []
    for item in job.outputs:
        flagged = ", flagged" if item.nsfw else ""
        flagged += ", a copy" if item.is_copy else ""
        flagged += f", superseded by job {item.superseded_by}" if item.superseded_by is not None else ""
        flagged += f", about to be {safe(item.moving_to)}" if item.moving_to is not None else ""
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
