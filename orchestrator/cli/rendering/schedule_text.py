"""Schedules and ticks as text and as JSON documents. An address that is pinged is a secret of sorts: only its
host is shown.
"""

from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from orchestrator.cli.rendering.words import count, duration, rfc3339, safe, table, usd
from orchestrator.core.money import format_usd
from orchestrator.core.ticks import Firing
from orchestrator.store.schedules.schedules import Schedule
from orchestrator.store.schedules.ticks import QUEUED, Tick
from orchestrator.store.views.runs.schedules import ScheduleRow

Json = dict[str, Any]

MESSAGE_SHOWN = 70


def schedule_table(rows: list[ScheduleRow], now: int) -> str:
    """One line a schedule."""
    header = ["schedule", "when", "next tick", "last tick", ""]
    return table(header, [_line(row, now) for row in rows])


def _line(row: ScheduleRow, now: int) -> list[str]:
    schedule = row.schedule
    return [
        safe(schedule.name, 48),
        f"{schedule.words.cron} {schedule.words.timezone}",
        next_words(row, now),
        last_words(row),
        "; ".join(standing(row)),
    ]


def next_words(row: ScheduleRow, now: int) -> str:
    """`2026-11-29T02:30 in 5 h 3 min`."""
    if row.schedule.paused_at is not None:
        return "paused"
    if row.schedule.next_at is None:
        return "never again"
    local = row.schedule.timetable.local(row.schedule.next_at)
    return f"{local} in {duration(max(0, row.schedule.next_at - now) / 1000)}"


def last_words(row: ScheduleRow) -> str:
    """`2026-11-28T02:30 done`."""
    return tick_words(row.last) if row.last else "none yet"


def tick_words(tick: Tick) -> str:
    """A tick by its local time, with its state and reason."""
    reason = f" ({tick.reason})" if tick.reason else ""
    return f"{tick.local} {tick.state.value}{reason}"


def standing(row: ScheduleRow) -> list[str]:
    """What is under way or waits, in a few words each."""
    queued = [tick for tick in row.due if tick.reason == QUEUED]
    found = [
        (f"paused: {safe(row.schedule.paused_why or '', MESSAGE_SHOWN)}", row.schedule.paused_at is not None),
        (f"{count(len(row.waiting), 'tick')} for a person to approve", bool(row.waiting)),
        (f"{count(len(row.due) - len(queued), 'tick')} due", len(row.due) > len(queued)),
        (f"{count(len(queued), 'tick')} queued", bool(queued)),
        (f"{count(row.schedule.failures, 'failure')} in a row", row.schedule.failures > 0),
    ]
    return [words for words, counts in found if counts]


def schedule_lines(row: ScheduleRow, now: int) -> list[str]:
    """Everything about one schedule."""
    schedule, words = row.schedule, row.schedule.words
    budget = usd(words.budget_micros) if words.budget_micros else "none of its own"
    pairs = [
        ("manifest", safe(schedule.manifest_path)),
        ("when", f"{words.cron} in {words.timezone}"),
        ("next", next_words(row, now)),
        ("then", ", ".join(upcoming(schedule, now, 4)[1:])),
        ("last", last_words(row)),
        ("message", safe((row.last.message or "").partition("\n")[0]) if row.last else ""),
        ("overlap", words.overlap.value),
        ("catch up", f"{words.catch_up.value}, not older than {duration(words.max_age_ms / 1000)}"),
        ("budget", f"{budget} for each tick; when it does not suffice: {words.when_short.value}"),
        ("jitter", f"up to {duration(words.jitter_ms / 1000)}" if words.jitter_ms else ""),
        (
            "pauses",
            f"after {count(words.pause_after_failures, 'failure')}" if words.pause_after_failures else "",
        ),
        ("pings", ping_host(words.ping) or ""),
        ("now", "; ".join(standing(row))),
    ]
    return [f"{name:<9} {value}" for name, value in pairs if value]


def history_table(ticks: list[Tick]) -> str:
    """One line a tick, newest first."""
    header = ["tick", "utc", "kind", "state", "run", "message"]
    return table(header, [_history_line(tick) for tick in ticks])


def _history_line(tick: Tick) -> list[str]:
    utc = datetime.fromtimestamp(tick.at / 1000, tz=UTC).strftime("%m-%d %H:%M:%SZ")
    reason = f" ({tick.reason})" if tick.reason else ""
    message = safe((tick.message or "").partition("\n")[0], MESSAGE_SHOWN)
    run = str(tick.run_id) if tick.run_id else ""
    return [tick.local, utc, tick.kind.value, f"{tick.state.value}{reason}", run, message]


def upcoming(schedule: Schedule, now: int, number: int) -> list[str]:
    """Its next ticks, local."""
    return [firing.local for firing in coming(schedule, now, number)]


def coming(schedule: Schedule, now: int, number: int) -> list[Firing]:
    """Its next ticks."""
    return list(islice(schedule.timetable.after(now), number))


def ping_host(url: str | None) -> str | None:
    """The host of an address; what comes after it stays unsaid."""
    return urlsplit(url).hostname if url else None


def schedule_document(row: ScheduleRow, now: int) -> Json:
    """One schedule."""
    schedule, words = row.schedule, row.schedule.words
    return {
        "schedule": schedule.name,
        "manifest": schedule.manifest_path,
        "cron": words.cron,
        "timezone": words.timezone,
        "revision": schedule.revision,
        "overlap": words.overlap.value,
        "catchup": {"mode": words.catch_up.value, "max_age_seconds": words.max_age_ms // 1000},
        "budget_usd": format_usd(words.budget_micros) if words.budget_micros else None,
        "when_short": words.when_short.value,
        "jitter_seconds": words.jitter_ms // 1000,
        "pause_after_failures": words.pause_after_failures,
        "ping": ping_host(words.ping),
        "next_at": rfc3339(row.next_at),
        "upcoming": upcoming(schedule, now, 3) if row.next_at is not None else [],
        "paused_since": rfc3339(schedule.paused_at),
        "paused_why": schedule.paused_why,
        "failures": schedule.failures,
        "last": tick_document(row.last) if row.last else None,
        "open": [tick_document(tick) for tick in (*row.waiting, *row.working, *row.due)],
    }


def tick_document(tick: Tick) -> Json:
    """One tick."""
    return {
        "schedule": tick.schedule,
        "tick": tick.local,
        "key": tick.key,
        "at": rfc3339(tick.at),
        "kind": tick.kind.value,
        "revision": tick.revision,
        "state": tick.state.value,
        "reason": tick.reason,
        "message": tick.message,
        "run_id": tick.run_id,
        "code": tick.code,
        "taken_at": rfc3339(tick.taken_at),
        "finished_at": rfc3339(tick.finished_at),
    }
