"""No idle slot beside a ready job without a reason that `status` gives, and no doubt that nobody looks into.

Looked at when the faults are over: then what waits has a reason, or goes on within minutes.
"""

from orchestrator.store.account import rate_limits
from orchestrator.store.db.database import Tx
from orchestrator.store.stops.stops import rate_stop, survey

from ..lasting import UNREADABLE
from .scene import Scene

IDLE_SECONDS_MAX = 240.0
"""Idle workers look once a minute; an upload or a claim that failed is tried again within a minute or two."""

DOUBT_SECONDS_MAX = 900.0
"""Beyond the settle delay and what a webhook is waited for: two looks, and requests that are under way."""


class IdlingChecks:
    """What waits, while some worker has been working all the time."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._idle_since: float | None = None
        self._attempts = 0
        self._workers: dict[str, float] = {}  # since when each has been seen at work

    def looked(self, tx: Tx, working: set[str], *, buys: bool = True) -> None:
        """Somebody looks at what waits, and why. `buys`: some worker was not told to finish and go."""
        scene = self._scene
        now = scene.account.now()
        self._workers = {name: self._workers.get(name, now) for name in working}
        self._no_lone_loss_is_a_persons()
        if not scene.account.quiet or not working:
            self._idle_since = None
            return
        if buys:
            self._slots_are_taken(tx, now)
        else:
            self._idle_since = None
        at_work = now - min(self._workers.values())
        self._doubts_end(tx, at_work)

    def _slots_are_taken(self, tx: Tx, now: float) -> None:
        scene = self._scene
        attempts = scene.row("SELECT count(*) AS n FROM attempts")["n"]
        surveyed = survey(tx, scene.plan.timezone)
        lanes = surveyed.lanes
        is_stopped = any(stop.scope == "account" for stop in surveyed.stops)
        ready = [lane for lane in lanes if lane.ready and lane.claimable]
        live = scene.row(
            "SELECT count(*) AS n FROM attempts WHERE state IN "
            "('leased', 'submitting', 'in_flight', 'fetching', 'in_doubt')"
        )["n"]
        slots = self._slots()
        is_full = live >= slots or rate_limits.rate_use(tx) is None
        moved, self._attempts = attempts != self._attempts, attempts
        if (
            not ready
            or is_full
            or moved
            or is_stopped
            or rate_stop(tx, lanes) is not None
            or scene.plan.lasting
        ):
            self._idle_since = None
            return
        self._idle_since = now if self._idle_since is None else self._idle_since
        idle = now - self._idle_since
        scene.expect(
            idle <= IDLE_SECONDS_MAX,
            "idle",
            f"jobs of {ready[0].run} are ready and {slots - live} slots are free for "
            f"{idle:.0f} s, and status gives no reason",
        )

    def _slots(self) -> int:
        """How many there are: `WordChecks` holds the limit in force to what files and people said."""
        plan = self._scene.plan
        limits = self._scene.rows("SELECT concurrency FROM limits") if plan.files else []
        return int(limits[0]["concurrency"]) if limits else plan.concurrency

    def _no_lone_loss_is_a_persons(self) -> None:
        """Where nobody else uses the account and one request is under way at a time, the list alone tells."""
        if self._scene.plan.theme == "alone":
            left = self._scene.rows(
                "SELECT id FROM attempts WHERE state = 'in_doubt' AND reason = 'ambiguous'"
            )
            self._scene.expect(
                not left, "idle", f"{len(left)} lost reply is left to a person, and explained by the list"
            )

    def _doubts_end(self, tx: Tx, at_work: float) -> None:
        scene = self._scene
        if scene.plan.lasting in UNREADABLE:
            return
        waits = scene.plan.settle_seconds + (scene.plan.webhook_wait_seconds or 0.0) + DOUBT_SECONDS_MAX
        for row in scene.rows("SELECT id, reason, doubted_at FROM attempts WHERE state = 'in_doubt'"):
            age = (tx.now - row["doubted_at"]) / 1000
            scene.expect(
                row["reason"] == "ambiguous" or age <= waits or at_work <= waits,
                "idle",
                f"attempt {row['id']} was lost {age:.0f} s ago, and nobody has looked into it",
            )
