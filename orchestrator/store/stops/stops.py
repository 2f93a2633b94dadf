"""What is stopped, and why: the pauses and caps over lanes that may not run, as `claiming.lanes` decides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import case, cast, select

from orchestrator.core.budget import day_of
from orchestrator.store.account import rate_limits, worker_stops
from orchestrator.store.account.pauses import FINISH_BY, Pause
from orchestrator.store.claiming.lane import Lane
from orchestrator.store.claiming.lanes import Rules, pending_lanes, rules_in_force
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import RUN_PATH, BigInt, attempts, campaigns, pauses, runs
from orchestrator.store.money.caps import Cap
from orchestrator.store.runs import held_jobs, order
from orchestrator.store.stops import picture_waits

BUDGET: Final = "budget"
"""The reason of a stop by a cap."""

RATE: Final = "rate_limit"
"""The reason of a stop by the account's submissions per minute."""

NOWHERE: Final = {
    worker_stops.KEY_REFUSED: "No worker has a key that works.",
    worker_stops.NO_CREDIT: "No worker's account has credit.",
    worker_stops.STORAGE: "No worker can store files.",
    worker_stops.LIST_UNREADABLE: "No worker can read the provider's list.",
}
"""What is said of a reason for which every worker has stopped."""


@dataclass(frozen=True, slots=True)
class Stoppage:
    """Something that will not go on by itself, or only later."""

    scope: str  # account | campaign | run | model | worker
    key: str  # campaign id, run id, model id or worker id as text; empty for the account
    name: str  # for people: a campaign, campaign/name/run or a model; empty for the account
    reason: str  # one machine word
    message: str
    since: int
    until: int | None  # ends by itself then; None: not by time
    cap: Cap | None = None  # the one that has too little left, when that is the reason
    kept: str = ""  # what of that is kept for others, in words

    @property
    def subject(self) -> str:
        """What is stopped, such as `account` or `campaign summer-sale`."""
        return f"{self.scope} {self.name}".rstrip()


@dataclass(frozen=True, slots=True)
class Survey:
    """What is in force now, and what it stops."""

    rules: Rules
    lanes: list[Lane]  # those that have pending jobs
    stops: list[
        Stoppage
    ]  # workers that stopped by themselves, every pause, every run whose next job some cap does not admit


def survey(tx: Tx, timezone: str) -> Survey:
    """Survey all runs, in a fixed number of statements; `timezone` decides when the day of a cap begins."""
    day = day_of(tx.now, timezone)
    rules = rules_in_force(tx, day)
    found = pending_lanes(tx, day, rules=rules)
    paused = [*_stopped_workers(tx, rules.pauses), *_paused(tx, rules.pauses), *_over(found)]
    return Survey(rules, found, [*paused, *_blocked(tx, found), *_held(tx)])


def stops_over(tx: Tx, lane: Lane) -> list[Stoppage]:
    """What stops the jobs of this lane: its pauses, oldest first, and then the tightest cap that does not
    admit the next job. Empty when the jobs may run.
    """
    begun = [pause for pause in lane.pauses if pause.reason != FINISH_BY]
    return [*_over([lane]), *_paused(tx, begun), *_blocked(tx, [lane])]


def rate_stop(tx: Tx, lanes: Iterable[Lane]) -> Stoppage | None:
    """The stop of jobs that only the rate holds back; None when there are no such jobs, or the rate has
    room.
    """
    rate = rate_limits.rate_use(tx)
    if rate is None or not rate.binds or not any(lane.ready and lane.claimable for lane in lanes):
        return None
    return Stoppage(
        scope="account",
        key="",
        name="",
        reason=RATE,
        message=f"{rate.taken:,} of {rate.most:,} submits of the last minute are taken",
        since=_last_admitted_at(tx),
        until=rate.next_at,
    )


def _stopped_workers(tx: Tx, in_force: Sequence[Pause]) -> list[Stoppage]:
    """Workers that live and have stopped by themselves; where no other worker lives, that stops the
    account too.
    """
    found = [pause for pause in in_force if pause.scope == worker_stops.WORKER]
    if not found:
        return []
    alive = worker_stops.alive(tx)
    stopped = [_stoppage(tx, pause, pause.name) for pause in found if pause.name in alive]
    if alive - {pause.name for pause in found}:
        return stopped
    everywhere = []
    for reason in dict.fromkeys(pause.reason for pause in found):
        same = [pause for pause in found if pause.reason == reason]
        message = same[-1].message if len(same) == 1 else f"{NOWHERE[reason]} {same[-1].message}"
        account = replace(same[-1], scope="account", name="", message=message, since=same[0].since)
        everywhere.append(_stoppage(tx, account, ""))
    return [*everywhere, *(stopped if len(stopped) > 1 else [])]


def _stoppage(tx: Tx, pause: Pause, name: str) -> Stoppage:
    return Stoppage(
        scope=pause.scope,
        key=pause.name,
        name=name,
        reason=pause.reason,
        message=pause.message,
        since=tx.now if pause.since is None else pause.since,
        until=pause.until,
    )


def _paused(tx: Tx, in_force: Sequence[Pause]) -> list[Stoppage]:
    names = _names(tx) if any(pause.scope in {"campaign", "run"} for pause in in_force) else {}
    return [
        _stoppage(tx, pause, names.get((pause.scope, pause.name)) or pause.name)
        for pause in in_force
        if pause.scope != worker_stops.WORKER
    ]


def _over(lanes: Iterable[Lane]) -> list[Stoppage]:
    """Runs whose time is over, and that have jobs left."""
    found = {
        lane.run_id: Stoppage(
            scope="run",
            key=str(lane.run_id),
            name=lane.run,
            reason=FINISH_BY,
            message=pause.message,
            since=lane.finish_by or 0,
            until=None,
        )
        for lane in lanes
        for pause in lane.pauses
        if pause.reason == FINISH_BY
    }
    return list(found.values())


def _blocked(tx: Tx, lanes: Iterable[Lane]) -> list[Stoppage]:
    """One stop per run: its cheapest job that is not admitted, and the cap with the least money left."""
    tightest: dict[int, tuple[Lane, Cap]] = {}
    for lane in lanes:
        blockers = lane.blockers()
        if blockers:
            cap = min(blockers, key=lambda blocker: blocker.remaining_micros - blocker.over_micros)
            tightest.setdefault(lane.run_id, (lane, cap))
    since = _last_admitted_at(tx) if tightest else tx.now
    return [
        Stoppage(
            scope="run",
            key=str(lane.run_id),
            name=lane.run,
            reason=BUDGET,
            message=f"{cap.words} {cap.standing}{lane.kept_words(cap)}; the next job costs {lane.cost_words}",
            since=since,
            until=None,
            cap=cap,
            kept=lane.kept_words(cap),
        )
        for lane, cap in tightest.values()
    ]


def _held(tx: Tx) -> list[Stoppage]:
    """Runs some of whose jobs wait for a person: the account has a task that asks for the same, or he holds
    them; or that have no picture to be made of.
    """
    unknown = "of its jobs would buy what a task of the account has made that is not known here"
    return [
        *(
            _of_run(tx, held.run_id, held.run, reason=held_jobs.REASON, message=f"{held.jobs} {unknown}")
            for held in held_jobs.held_runs(tx)
        ),
        *(
            _of_run(
                tx,
                held.run_id,
                held.run,
                reason=order.HELD,
                message=f"{held.jobs} of its jobs are held: {held.message}",
            )
            for held in order.held_by_person(tx)
        ),
        *(
            _of_run(tx, each.run_id, each.run, reason=each.reason, message=each.message)
            for each in picture_waits.picture_waits(tx)
        ),
    ]


def _of_run(tx: Tx, run_id: int, name: str, *, reason: str, message: str) -> Stoppage:
    return Stoppage(
        scope="run", key=str(run_id), name=name, reason=reason, message=message, since=tx.now, until=None
    )


def _names(tx: Tx) -> Mapping[tuple[str, str], str]:
    """Names, for people, of the campaigns and runs that have pauses."""
    return {(row.scope, row.name): row.known_as for row in tx.conn.execute(_NAMES)}


def _last_admitted_at(tx: Tx) -> int:
    """When the newest attempt was claimed: since then nothing was admitted. Now, when there is none."""
    newest = tx.conn.execute(_NEWEST).scalar()
    return tx.now if newest is None else newest


_NEWEST: Final = select(attempts.c.leased_at).order_by(attempts.c.id.desc()).limit(1)

_CAMPAIGN_ID: Final = cast(case((pauses.c.scope == "campaign", pauses.c.name)), BigInt)
_RUN_ID: Final = cast(case((pauses.c.scope == "run", pauses.c.name)), BigInt)
_NAMES: Final = (
    select(
        pauses.c.scope,
        pauses.c.name,
        case((pauses.c.scope == "run", RUN_PATH), else_=campaigns.c.name).label("known_as"),
    )
    .select_from(pauses)
    .outerjoin(runs, runs.c.id == _RUN_ID)
    .outerjoin(
        campaigns,
        campaigns.c.id == case((pauses.c.scope == "campaign", _CAMPAIGN_ID), else_=runs.c.campaign_id),
    )
    .where(pauses.c.scope.in_(["campaign", "run"]))
)
