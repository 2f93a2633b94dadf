"""What has happened that people want to hear of: each finding has a subject, and is told once."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, exists, func, literal_column, select

from orchestrator.core.money import format_usd
from orchestrator.core.notices import Notice, NoticeKind
from orchestrator.core.states import JobState
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import RUN_PATH, campaigns, events, jobs, meta, runs
from orchestrator.store.notices.tick_findings import ticked
from orchestrator.store.runs.gates import CANARY
from orchestrator.store.stops.attention import RESULTS_EXPIRING, attention
from orchestrator.store.stops.expiring import expiring
from orchestrator.store.stops.picture_waits import UNJUDGED
from orchestrator.store.stops.stops import BUDGET, Stoppage, survey
from orchestrator.store.stops.tick_attention import TICK_FAILED, TICK_WAITING
from orchestrator.store.views.runs.progress import Progress, avoided_micros, reused_pictures, run_progress

BEGAN: Final = "notices_from"
"""The row of `meta` with the time from which on anybody is told: what is older is no news."""

OLD_MS: Final = 7 * 86_400_000
LATE_MS: Final = 60_000
"""A run may be seen so long after it was applied: its transaction takes its time first."""

REREAD: Final = 1000
"""So many of the last events are read again: a transaction may take an id long before it ends."""

_KINDS: Final = {
    "budget_threshold": NoticeKind.CAP_THRESHOLD,
    "cap_passed": NoticeKind.CAP_THRESHOLD,
    "refund_surplus": NoticeKind.ATTENTION,
    "second_task": NoticeKind.ATTENTION,
    "unproven": NoticeKind.ATTENTION,
    "worker_lost": NoticeKind.ATTENTION,
}
_TOLD_ELSEWHERE: Final = frozenset({RESULTS_EXPIRING, TICK_FAILED, TICK_WAITING})
"""Reasons that have findings of their own here."""

_APPROVALS: Final = frozenset({CANARY, UNJUDGED})


@dataclass(slots=True)
class NewsSeen:
    """What one process has looked at; a new process looks again, and tells nothing twice."""

    event_id: int = 0
    unfinished: set[int] | None = None  # runs that were at work, or new; None: nobody has looked
    looked_at: int = 0
    told: set[str] = field(default_factory=set)  # subjects that are in the outbox by now


def begin(tx: Tx) -> int:
    """When telling began, which is now where nobody has told anything yet."""
    tx.conn.execute(dialect.insert_or_ignore(tx.conn, meta), {"key": BEGAN, "value": json.dumps(tx.now)})
    return int(tx.conn.execute(_BEGAN).scalar_one())


def find(tx: Tx, seen: NewsSeen, *, began: int, timezone: str) -> Iterator[Notice]:
    """What is to be told, also what was told before: the outbox knows. `timezone`: of the days of caps."""
    since = max(began, tx.now - OLD_MS)
    yield from _recorded(tx, seen, since)
    yield from _finished(tx, seen, since)
    yield from _stopped(tx, timezone)
    yield from ticked(tx, since)
    yield from _expiring(tx)


def _recorded(tx: Tx, seen: NewsSeen, since: int) -> Iterator[Notice]:
    values = {"after": seen.event_id - REREAD, "since": since, "kinds": sorted(_KINDS)}
    for row in tx.conn.execute(_EVENTS, values):
        seen.event_id = max(seen.event_id, row.id)
        yield Notice(
            subject=f"event {row.id}",
            kind=_KINDS[row.kind],
            title=row.message[:1].upper() + row.message[1:],
            text="",
            campaign=row.campaign,
            run=row.run,
            data={"event": row.kind},
        )


def _finished(tx: Tx, seen: NewsSeen, since: int) -> Iterator[Notice]:
    """Runs that have nothing left to do, and had when somebody looked before or have begun since then."""
    now = set(tx.conn.execute(_UNFINISHED).scalars())
    before = seen.unfinished
    if before is None:
        before = set(tx.conn.execute(_RECENT, {"since": since}).scalars())
    for run_id in sorted(before - now):
        if last := tx.conn.execute(_LAST_END, {"run": run_id}).scalar():
            yield _ending(tx, run_id, last)
    new = {"since": seen.looked_at - LATE_MS if seen.looked_at else tx.now}
    seen.unfinished, seen.looked_at = now | set(tx.conn.execute(_RECENT, new).scalars()), tx.now


def _ending(tx: Tx, run_id: int, last: int) -> Notice:
    found = run_progress(tx, [run_id])
    (run,) = found.runs
    path = f"{run.campaign}/{run.name}/{run.run}"
    counts = {state: number for state, number in found.jobs.items() if number}
    lines = [f"{number:,} jobs {state}" for state, number in counts.items()]
    avoided = avoided_micros(tx, [run_id]) if found.jobs[JobState.REUSED] else 0
    lines += [f"${format_usd(avoided)} avoided"] if avoided else []
    lines += [f"{found.nsfw:,} pictures flagged"] if found.nsfw else []
    lines += [f"failed: {number:,} {reason}" for reason, number in found.failures]
    return Notice(
        subject=f"run {run_id} finished {last}",
        kind=NoticeKind.RUN_FINISHED,
        title=f"{path} has finished: {_headline(tx, found, run_id)}, ${format_usd(found.spent_micros)}",
        text="\n".join(lines),
        campaign=run.campaign,
        run=path,
        data={
            "jobs": counts,
            "pictures": found.stored,
            **({"avoided_usd": format_usd(avoided)} if avoided else {}),
            "flagged": found.nsfw,
            "spent_usd": format_usd(found.spent_micros),
            "failures": dict(found.failures),
        },
    )


def _headline(tx: Tx, found: Progress, run_id: int) -> str:
    """How many pictures are new, and how many are those of earlier runs."""
    if not found.jobs[JobState.REUSED]:
        return f"{found.stored:,} pictures"
    return f"{found.stored:,} new pictures, {reused_pictures(tx, [run_id]):,} reused"


def _stopped(tx: Tx, timezone: str) -> Iterator[Notice]:
    """What does not go on by itself."""
    found = (*survey(tx, timezone).stops, *attention(tx))
    stops = [stop for stop in found if stop.until is None and stop.reason not in _TOLD_ELSEWHERE]
    campaign_of = _campaigns(tx, {int(stop.key) for stop in stops if stop.scope == "run"})
    for stop in stops:
        campaign = stop.name.partition("/")[0] if stop.scope in {"campaign", "schedule"} else None
        if stop.scope == "run":
            campaign = campaign_of.get(int(stop.key))
        yield Notice(
            subject=_subject(stop),
            kind=_kind(stop),
            title=f"{stop.subject[:1].upper()}{stop.subject[1:]}: {stop.message}",
            text="",
            campaign=campaign,
            run=stop.name if stop.scope == "run" else None,
            data={"reason": stop.reason, "scope": stop.scope},
        )


def _kind(stop: Stoppage) -> NoticeKind:
    if stop.cap is not None:
        return NoticeKind.CAP_THRESHOLD
    if stop.scope == "schedule":
        return NoticeKind.SCHEDULE
    return NoticeKind.APPROVAL_WAITING if stop.reason in _APPROVALS else NoticeKind.ATTENTION


def _subject(stop: Stoppage) -> str:
    """The same for as long as it is the same stop: of a cap, until it is another cap or another period."""
    about = f"{stop.scope} {stop.key} {stop.reason}"
    if stop.cap is not None and stop.reason == BUDGET:
        return f"{about} {stop.cap.scope} {stop.cap.scope_id} {stop.cap.period} {stop.cap.cap_micros}"
    return f"{about} {stop.since}" if stop.since else about


def _expiring(tx: Tx) -> Iterator[Notice]:
    for each in expiring(tx):
        yield Notice(
            subject=f"run {each.run_id} expiring {each.first_at // 86_400_000}",
            kind=NoticeKind.RESULTS_EXPIRING,
            title=f"{each.run}: {each.words(tx.now)}",
            text="Start a worker with: orchestrator work",
            campaign=each.campaign,
            run=each.run,
            data={"tasks": each.tasks, "expires_at": each.first_at},
        )


def _campaigns(tx: Tx, run_ids: Collection[int]) -> Mapping[int, str]:
    if not run_ids:
        return {}
    rows = tx.conn.execute(_CAMPAIGNS, {"runs": sorted(run_ids)})
    return {row.id: row.name for row in rows}


def _has(state: JobState) -> Any:
    of_run = (jobs.c.run_id == runs.c.id) & (jobs.c.state == literal_column(f"'{state.value}'"))
    return exists(select(jobs.c.id).where(of_run))


_BEGAN: Final = select(meta.c.value).where(meta.c.key == BEGAN)
_EVENTS: Final = (
    select(
        events.c.id,
        events.c.kind,
        events.c.message,
        campaigns.c.name.label("campaign"),
        RUN_PATH.label("run"),
    )
    .select_from(events)
    .outerjoin(jobs, jobs.c.id == events.c.job_id)
    .outerjoin(runs, runs.c.id == func.coalesce(events.c.run_id, jobs.c.run_id))
    .outerjoin(campaigns, campaigns.c.id == func.coalesce(events.c.campaign_id, runs.c.campaign_id))
    .where(
        events.c.id > bindparam("after"),
        events.c.at >= bindparam("since"),
        events.c.kind.in_(bindparam("kinds", expanding=True)),
    )
    .order_by(events.c.id)
)
_UNFINISHED: Final = select(runs.c.id).where(_has(JobState.PENDING) | _has(JobState.RUNNING))
_RECENT: Final = select(runs.c.id).where(runs.c.applied_at >= bindparam("since"))
_LAST_END: Final = select(func.max(jobs.c.finished_at)).where(jobs.c.run_id == bindparam("run"))
_CAMPAIGNS: Final = (
    select(runs.c.id, campaigns.c.name)
    .join(campaigns, campaigns.c.id == runs.c.campaign_id)
    .where(runs.c.id.in_(bindparam("runs", expanding=True)))
)
