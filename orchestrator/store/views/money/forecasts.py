"""What this month will come to: of the account and of every campaign that spends, from running sums, the jobs
that wait, and what ticks and days cost of late.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice, takewhile
from typing import Any, Final

from sqlalchemy import bindparam, func, select

from orchestrator.core.budget import day_of
from orchestrator.core.forecast import (
    DAY_MS,
    LOOKED_UP,
    Facts,
    Forecast,
    Series,
    continued,
    forecast,
)
from orchestrator.core.month import month_ms
from orchestrator.store.claiming.lane import Lane
from orchestrator.store.claiming.lanes import Rules, blocked_lanes, pending_lanes, rules_in_force
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import (
    LEDGER_IS_ODD,
    Scope,
    Window,
    balances,
    campaigns,
    ledger,
    schedules,
    ticks,
)
from orchestrator.store.views.money.queued_money import ACCOUNT, Owner, queued_micros
from orchestrator.timetable.timetable import CronProblem, Timetable
from orchestrator.timetable.zones import ZoneProblem

DAYS: Final = 7
NOTHING: Final[Mapping[str, int]] = {}
NOT_THERE: Final = (Scope.CAMPAIGN.value, 0)
"""The owner of what is planned for campaigns that are not there yet."""


@dataclass(frozen=True, slots=True)
class MonthForecast:
    """The forecast of one scope for this month."""

    scope: Scope
    name: str  # `account`, or the campaign's
    month: str
    cap_micros: int | None  # its month cap
    total_cap_micros: int | None  # its cap for ever
    found: Forecast
    total_reached_at: int | None  # when its cap for ever is reached, within the month; ms


def month_forecasts(
    tx: Tx,
    timezone: str,
    *,
    rules: Rules | None = None,
    lanes: Sequence[Lane] | None = None,
    planned: Mapping[str, int] = NOTHING,
) -> list[MonthForecast]:
    """The account's and every campaign's of which something counts or waits this month; `rules` and `lanes`
    are given where they were read already. What is `planned` for a campaign, by its name, waits too.
    """
    day = day_of(tx.now, timezone)
    rules = rules_in_force(tx, day) if rules is None else rules
    lanes = pending_lanes(tx, day, rules=rules) if lanes is None else lanes
    lanes = [*lanes, *blocked_lanes(tx, rules, {lane.id for lane in lanes})]
    end = month_ms(day[:7], timezone)[1]
    counted, past = _counted(tx, day)
    names = {row.id: row.name for row in tx.conn.execute(_NAMES)}
    queued = queued_micros(tx, lanes, end, extra=_by_owner(planned, names))
    queued.pop(NOT_THERE, None)
    series = _series(tx, end)
    failures = _paid_failures(tx, day)
    owners = {owner for owner, _ in counted} | queued.keys()
    found = []
    for owner in sorted(owners | ({ACCOUNT} if owners else set())):
        caps = {cap.window: cap.cap_micros for cap in rules.caps if (cap.scope.value, cap.scope_id) == owner}
        facts = Facts(
            now=tx.now,
            end=end,
            committed=counted.get((owner, day[:7]), 0),
            queued=queued.get(owner, 0),
            paid_failures=(failures.get(owner, 0), sum(past.get(owner, ()))),
            series=series.get(owner, ()),
            days=past.get(owner, ()),
            cap=caps.get(Window.MONTH),
        )
        name = "account" if owner == ACCOUNT else names[owner[1]]
        ever = replace(facts, committed=counted.get((owner, "total"), 0), cap=caps.get(Window.TOTAL))
        found.append(_of(Scope(owner[0]), name, day[:7], facts=facts, ever=ever))
    return found


def _by_owner(planned: Mapping[str, int], names: Mapping[int, str]) -> dict[Owner, int]:
    ids = {name: campaign_id for campaign_id, name in names.items()}
    found: dict[Owner, int] = {}
    for name, micros in planned.items():
        owner = (Scope.CAMPAIGN.value, ids[name]) if name in ids else NOT_THERE
        found[owner] = found.get(owner, 0) + micros
    return found


def _of(scope: Scope, name: str, month: str, *, facts: Facts, ever: Facts) -> MonthForecast:
    return MonthForecast(
        scope=scope,
        name=name,
        month=month,
        cap_micros=facts.cap,
        total_cap_micros=ever.cap,
        found=forecast(facts),
        total_reached_at=forecast(ever).cap_reached_at,
    )


def _counted(tx: Tx, day: str) -> tuple[dict[tuple[Owner, str], int], dict[Owner, list[int]]]:
    """What counts this month and for ever, and what each of the last days cost, from the first on that cost
    anything.
    """
    today = date.fromisoformat(day)
    days = [(today - timedelta(number)).isoformat() for number in range(DAYS, 0, -1)]
    sums: dict[tuple[Owner, str], int] = {}
    for row in tx.conn.execute(_COUNTED, {"periods": ["total", day[:7], *days]}):
        sums[(row.scope, row.scope_id), row.period] = row.counted
    past: dict[Owner, list[int]] = {}
    for owner in {owner for owner, _ in sums}:
        costs = [sums.pop((owner, each), None) for each in days]
        first = next((at for at, cost in enumerate(costs) if cost is not None), len(costs))
        past[owner] = [cost or 0 for cost in costs[first:]]
    live = {key: micros for key, micros in sums.items() if (key[0], day[:7]) in sums}
    return live, past


def _series(tx: Tx, end: int) -> dict[Owner, list[Series]]:
    """The schedules of each campaign, and all of them for the account: what their last ticks cost, and when
    the next ones are.
    """
    live = tx.conn.execute(_SCHEDULES).all()
    past: dict[int, list[tuple[int, int]]] = {}
    for row in tx.conn.execute(_TICKS, {"since": tx.now - _TICKS_SINCE_MS}) if live else ():
        past.setdefault(row.schedule_id, []).append((row.at, row.cost))
    found: dict[Owner, list[Series]] = {}
    for schedule in live:
        one = Series(past.get(schedule.id, []), _coming(schedule, tx.now, end))
        for owner in (ACCOUNT, (Scope.CAMPAIGN.value, schedule.campaign_id)):
            found.setdefault(owner, []).append(one)
    return found


def _coming(schedule: Any, now: int, end: int) -> list[int]:
    """When a schedule fires from its next tick on, by its expression in its zone; a host that does not know
    the zone knows the next tick alone.
    """
    if schedule.next_at is None:
        return []
    try:
        firings = Timetable(schedule.cron, schedule.timezone).after(max(schedule.next_at, now) - 1)
    except (CronProblem, ZoneProblem):
        return [schedule.next_at] if schedule.next_at < end else []
    ahead = takewhile(lambda firing: firing.at < end, firings)
    return continued([firing.at for firing in islice(ahead, LOOKED_UP)], end)


def _paid_failures(tx: Tx, day: str) -> Mapping[Owner, int]:
    """What was spent in the last days on tries without pictures."""
    first = (date.fromisoformat(day) - timedelta(DAYS)).isoformat()
    found: dict[Owner, int] = {}
    for row in tx.conn.execute(_FAILURES, {"first": first, "day": day}):
        found[Scope.CAMPAIGN.value, row.campaign_id] = int(row.spent)
        found[ACCOUNT] = found.get(ACCOUNT, 0) + int(row.spent)
    return found


_TICKS_SINCE_MS: Final = 40 * DAY_MS
_NAMES: Final = select(campaigns.c.id, campaigns.c.name)
_COUNTED: Final = select(
    balances.c.scope,
    balances.c.scope_id,
    balances.c.period,
    (balances.c.spent_micros + balances.c.held_micros + balances.c.refund_due_micros).label("counted"),
).where(
    balances.c.scope.in_([Scope.ACCOUNT.value, Scope.CAMPAIGN.value]),
    balances.c.period.in_(bindparam("periods", expanding=True)),
)
_TICKS: Final = (
    select(
        ticks.c.schedule_id,
        ticks.c.at,
        func.coalesce(
            balances.c.spent_micros + balances.c.held_micros + balances.c.refund_due_micros, 0
        ).label("cost"),
    )
    .outerjoin(
        balances,
        (balances.c.scope == Scope.RUN.value)
        & (balances.c.scope_id == ticks.c.run_id)
        & (balances.c.period == "total"),
    )
    .where(ticks.c.run_id.is_not(None), ticks.c.at >= bindparam("since"))
    .order_by(ticks.c.at)
)
_SCHEDULES: Final = (
    select(
        schedules.c.id,
        schedules.c.cron,
        schedules.c.timezone,
        schedules.c.next_at,
        campaigns.c.id.label("campaign_id"),
    )
    .join(
        campaigns,
        func.substr(schedules.c.name, 1, func.length(campaigns.c.name) + 1) == campaigns.c.name + "/",
    )
    .where(schedules.c.paused_at.is_(None), schedules.c.removed_at.is_(None))
)
_FAILURES: Final = (
    select(ledger.c.campaign_id, func.sum(ledger.c.spent_delta).label("spent"))
    .where(
        LEDGER_IS_ODD,
        ledger.c.kind.in_(["written_off", "refund_lapsed"]),
        ledger.c.day.between(bindparam("first"), bindparam("day")),
        ledger.c.spent_delta > 0,
    )
    .group_by(ledger.c.campaign_id)
)
