"""What must hold of nights, judged by rows and by what has happened, never by the code that made them."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from orchestrator.store.db.schema import attempts, jobs, ledger, runs, schedules, ticks

if TYPE_CHECKING:
    from .month import Month

BUSY = {"expanding", "applied", "working"}
OVER = {"done", "failed", "skipped", "missed", "superseded", "waiting_approval"}
TICK_BUDGET = 60_000
LATE_MS = 900_000
"""A host that is up for a quarter of an hour after a tick has had the time to take it."""


class NightViolationError(AssertionError):
    """Something does not hold."""


class NightJudge:
    """Keeps what it has seen, and says what is wrong."""

    def __init__(self, month: "Month") -> None:
        self._month = month
        self._attended: list[int] = []  # moments at which a worker has looked
        self._bought: Counter[str] = Counter()  # by key of the job, of the schedule that reuses
        self._not_begun: set[int] = set()  # ticks, when their schedules were removed

    def has_run(self, name: str) -> bool:
        """Whether some tick of the schedule has a run."""
        return any(row.run_id for row in self._rows(name))

    def bought(self, held: Any) -> None:
        """A task was accepted for this attempt."""
        with self._month.database.read() as tx:
            row = tx.conn.execute(
                select(jobs.c.key, runs.c.name)
                .join(runs, runs.c.id == jobs.c.run_id)
                .where(jobs.c.id == held.job_id)
            ).one()
        if row.name == "vienna":
            self._bought[row.key] += 1
            _hold(self._bought[row.key] == 1, f"invariant: {row.key} was regenerated without cause")

    def removed(self, tx: Any, schedule_id: int) -> None:
        """A schedule is about to be removed."""
        waits = ticks.c.state.in_(["due", "waiting_approval"]) & ticks.c.taken_at.is_(None)
        waits |= ticks.c.state == "waiting_approval"
        found = tx.conn.execute(select(ticks.c.id).where(ticks.c.schedule_id == schedule_id, waits))
        self._not_begun |= set(found.scalars())

    def look(self, *, attended: bool) -> None:
        """What must hold at every moment."""
        if attended:
            self._attended.append(self._month.clock.now_ms())
        with self._month.database.read() as tx:
            busy = Counter(
                tx.conn.execute(select(ticks.c.schedule_id).where(ticks.c.state.in_(BUSY))).scalars()
            )
            spent = tx.conn.execute(
                select(
                    ledger.c.run_id, func.sum(ledger.c.spent_delta + ledger.c.held_delta).label("micros")
                ).group_by(ledger.c.run_id)
            ).all()
        _hold(max(busy.values(), default=0) <= 1, "invariant: two ticks of one schedule are at work")
        total = sum(row.micros for row in spent)
        _hold(total <= self._month.cap, f"invariant: a cap is passed: {total}")
        dearest = max((row.micros for row in spent), default=0)
        _hold(dearest <= TICK_BUDGET, f"invariant: the budget of a tick is passed: {dearest}")

    def end(self) -> None:
        """What must hold when all is quiet."""
        for name, spans in self._month.spans.items():
            rows = self._rows(name)
            expected: dict[str, int] = {}
            for span in spans:
                for key, at in span.ticks().items():
                    expected.setdefault(key, at)
            self._every_tick_once(name, rows, expected)
            for row in rows:
                self._is_over(name, row)
        self._runs_have_their_names()
        self._flood_was_held()

    def _every_tick_once(self, name: str, rows: list[Any], expected: dict[str, int]) -> None:
        found = {row.key: row.at for row in rows}
        missing, more = sorted(expected.keys() - found), sorted(found.keys() - expected)
        _hold(not missing, f"invariant: {name} has lost the ticks {missing[:3]}")
        _hold(not more, f"invariant: {name} has ticks that never were: {more[:3]}")
        wrong = [key for key, at in expected.items() if found[key] != at]
        _hold(not wrong, f"invariant: {name} fires at another time: {wrong[:3]}")

    def _is_over(self, name: str, row: Any) -> None:
        _hold(row.state in OVER, f"invariant: {name} at {row.local} is {row.state} for ever")
        if row.id in self._not_begun:
            _hold(row.state == "skipped", f"invariant: {name} at {row.local} is {row.state}, though removed")
        if row.state == "missed" and row.reason == "missed":
            seen = [moment for moment in self._attended if row.at <= moment <= row.at + LATE_MS]
            _hold(not seen, f"invariant: {name} at {row.local} is missed, though somebody was there")

    def _runs_have_their_names(self) -> None:
        with self._month.database.read() as tx:
            made = tx.conn.execute(
                select(ticks.c.local, ticks.c.kind, runs.c.run_key, runs.c.name, runs.c.id).join(
                    runs, runs.c.id == ticks.c.run_id
                )
            ).all()
            known = set(tx.conn.execute(select(runs.c.id)).scalars())
        for row in made:
            local = row.local.replace(":", "-") if row.name == "york" else row.local[:10]
            _hold(row.run_key == local, f"invariant: the run of {row.local} is called {row.run_key}")
        _hold(known == {row.id for row in made}, "invariant: a run belongs to no tick")
        each = Counter(row.run_key for row in made if row.name == "york")
        twice = [key for key, number in each.items() if number > 1]
        _hold(not twice, f"invariant: two ticks made one run: {twice[:3]}")

    def _flood_was_held(self) -> None:
        at = self._month.flooded_at
        later = [row for row in self._rows("vienna") if at is not None and row.run_id and row.taken_at > at]
        for row in sorted(later, key=lambda row: row.taken_at)[:1]:
            _hold(row.approved_at is not None, f"invariant: the flood of {row.local} asked nobody")

    def _rows(self, name: str) -> list[Any]:
        with self._month.database.read() as tx:
            query = select(ticks).join(schedules, schedules.c.id == ticks.c.schedule_id)
            return list(tx.conn.execute(query.where(schedules.c.name == f"fresh/{name}")).all())

    def summary(self) -> Counter[str]:
        """How many ticks are in each state, and how many tasks were bought."""
        with self._month.database.read() as tx:
            found = Counter(tx.conn.execute(select(ticks.c.state)).scalars())
            found["bought"] = tx.conn.execute(select(func.count()).select_from(attempts)).scalar_one()
        found["deaths"] = sum(worker.deaths for worker in self._month.workers)
        return found


def _hold(holds: bool, said: str) -> None:
    if not holds:
        raise NightViolationError(said)
